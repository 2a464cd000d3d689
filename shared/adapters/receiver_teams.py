"""A notification as an Adaptive Card, the way a Workflows webhook of Microsoft Teams posts it.

Source: "Create incoming webhooks with Workflows for Microsoft Teams" (the `attachments` envelope, 28 KB) and the schema
of Adaptive Cards, of which Teams shows version 1.5 and below.
"""

from typing import Final

from shared.adapters.receiver_texts import SOURCE, Link, Rendered, clipped, json_bytes, title
from shared.domain.notifications import Notification, Outgoing, Severity, Signal
from shared.domain.refusals import JsonValue
from shared.ports.notifications import Destination

VERSION: Final = "1.4"
# Of four bytes each, all of them together stay below 28 KB.
TITLE_LIMIT: Final = 150
TEXT_LIMIT: Final = 1500
LABEL_LIMIT: Final = 60
FACT_LIMIT: Final = 200
FACTS_LIMIT: Final = 10
COLOURS: Final = {
    Severity.INFO: "default",
    Severity.WARNING: "warning",
    Severity.ERROR: "attention",
    Severity.CRITICAL: "attention",
}


def render(outgoing: Outgoing, destination: Destination, *, link: Link | None) -> Rendered:
    """Return the request.

    Every text is a text run, which Teams shows as it is: in a text block it would read Markdown, and a name from an
    alert could become a link, a mention or a picture from elsewhere.
    """
    told = outgoing.notification
    card: dict[str, JsonValue] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": "This message needs a newer version of Teams.",
        "msteams": {"width": "Full"},
        "body": _body(told),
    }
    if link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": clipped(link.text, 100), "url": link.url}]
    attachment: dict[str, JsonValue] = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    message: dict[str, JsonValue] = {"type": "message", "attachments": [attachment]}
    body = json_bytes(message)
    return Rendered(url=destination.url, body=body, headers={"Content-Type": "application/json; charset=utf-8"})


def _body(told: Notification) -> list[JsonValue]:
    colour = "good" if told.signal is Signal.RESOLVE else COLOURS[told.severity]
    lines = [
        _line(_run(clipped(title(told), TITLE_LIMIT), weight="bolder", size="large", color=colour)),
        _line(_run(clipped(told.sentence, TEXT_LIMIT))),
    ]
    lines += [
        _line(_run(clipped(label, LABEL_LIMIT) + ": ", weight="bolder"), _run(clipped(value, FACT_LIMIT)))
        for label, value in list(told.facts.items())[:FACTS_LIMIT]
    ]
    if told.next_action:
        lines.append(_line(_run("Next: ", weight="bolder"), _run(clipped(told.next_action, TEXT_LIMIT))))
    origin = clipped(f"{SOURCE} · {told.at:%Y-%m-%d %H:%M:%S}Z · {told.id}", TITLE_LIMIT)
    return [*lines, _line(_run(origin, isSubtle=True, size="small"))]


def _line(*runs: JsonValue) -> JsonValue:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **style: JsonValue) -> JsonValue:
    return {"type": "TextRun", "text": text, **style}
