"""A notification as a Slack message of Block Kit, and what Slack's answer says.

Limits: "Reference: blocks" and "Formatting text for app surfaces" of Slack's documentation.
"""

import re
from collections.abc import Mapping
from typing import Final

from shared.adapters.receiver_texts import SOURCE, Link, Rendered, clipped, json_bytes, title
from shared.domain.notifications import Answer, Notification, Outgoing, Receipt, Signal
from shared.domain.refusals import JsonValue
from shared.ports.notifications import Destination

HEADER_LIMIT: Final = 150
SECTION_LIMIT: Final = 3000
FIELD_LIMIT: Final = 2000
FIELDS_LIMIT: Final = 10
TEXT_LIMIT: Final = 3000  # of the fallback; Slack cuts off at 40,000
URL_LIMIT: Final = 3000

# What another try may mend, of the errors of chat.postMessage; everything else stays as it is until a person acts.
TRANSIENT: Final = frozenset(
    {"ratelimited", "rate_limited", "fatal_error", "internal_error", "service_unavailable", "request_timeout"}
)
_OK: Final = re.compile(r'(?<!\\)"ok"\s*:\s*(true|false)')
_TS: Final = re.compile(r'(?<!\\)"ts"\s*:\s*"(\d{1,20}\.\d{1,10})"')
_ERROR: Final = re.compile(r'(?<!\\)"error"\s*:\s*"([a-z_]{1,64})"')


def escaped(text: str, limit: int) -> str:
    """Return a text in which nothing is a mention, a link or an entity, at most `limit` characters long as sent."""
    text = clipped(text, limit)
    while len(escape(text)) > limit:
        text = clipped(text, len(text) - max(1, (len(escape(text)) - limit) // 5))
    return escape(text)


def escape(text: str) -> str:
    """Return a text with the three characters replaced that Slack gives a meaning to."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(outgoing: Outgoing, destination: Destination, *, link: Link | None) -> Rendered:
    """Return the request: to an incoming webhook as it is, to the API with token, channel and thread."""
    told = outgoing.notification
    message: dict[str, JsonValue] = {
        "text": escaped(f"{title(told)}. {told.sentence}", TEXT_LIMIT),
        "blocks": _blocks(told, link),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if destination.room is not None:
        message["channel"] = destination.room
        headers["Authorization"] = f"Bearer {destination.secret}"
        if outgoing.thread is not None:
            message["thread_ts"] = outgoing.thread
            # The end of an incident is news for the whole channel.
            message["reply_broadcast"] = told.signal is Signal.RESOLVE
    body = json_bytes(message)
    return Rendered(url=destination.url, body=body, headers=headers)


def _blocks(told: Notification, link: Link | None) -> list[JsonValue]:
    blocks: list[JsonValue] = [
        {"type": "header", "text": {"type": "plain_text", "text": clipped(title(told), HEADER_LIMIT), "emoji": False}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": escaped(told.sentence, SECTION_LIMIT), "verbatim": True},
        },
    ]
    if facts := _fields(told.facts):
        blocks.append({"type": "section", "fields": facts})
    if told.next_action:
        text = "*Next:* " + escaped(told.next_action, SECTION_LIMIT - 8)
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}})
    if link is not None and len(link.url) <= URL_LIMIT:
        button: JsonValue = {
            "type": "button",
            "text": {"type": "plain_text", "text": clipped(link.text, 75), "emoji": False},
            "url": link.url,
        }
        blocks.append({"type": "actions", "elements": [button]})
    context = escaped(f"{SOURCE} · {told.at:%Y-%m-%d %H:%M:%S}Z · {told.id}", FIELD_LIMIT)
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": context, "verbatim": True}]})
    return blocks


def _fields(facts: Mapping[str, str]) -> list[JsonValue]:
    return [
        {"type": "mrkdwn", "text": f"*{escaped(label, 200)}*\n{escaped(value, FIELD_LIMIT - 210)}", "verbatim": True}
        for label, value in list(facts.items())[:FIELDS_LIMIT]
    ]


def answer(status: int, body: str, outgoing: Outgoing) -> Answer:
    """Return what an answer of the API with status 200 says; `body` may be cut off.

    The thread is the first message's: a reply has a time stamp of its own, which starts no thread.
    """
    ok = _OK.search(body)
    if ok is not None and ok[1] == "true":
        ts = _TS.search(body)
        return Answer(receipt=Receipt.ACCEPTED, status=status, thread=outgoing.thread or (ts[1] if ts else None))
    error = _ERROR.search(body)
    if ok is None or error is None:
        return Answer(receipt=Receipt.FAILED, status=status, detail="the answer is none of Slack's API")
    receipt = Receipt.FAILED if error[1] in TRANSIENT else Receipt.REFUSED
    return Answer(receipt=receipt, status=status, detail=f"Slack said {error[1]}")
