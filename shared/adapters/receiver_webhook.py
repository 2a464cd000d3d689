"""A notification as a signed CloudEvent.

Source: CloudEvents 1.0, JSON format, structured mode; Standard Webhooks 1.0 for the signature.
"""

from datetime import UTC, datetime
from typing import Final

from shared.adapters.receiver_texts import Link, Rendered, json_bytes
from shared.domain.notifications import Outgoing
from shared.domain.refusals import JsonValue
from shared.domain.webhook_signatures import sign
from shared.ports.notifications import Destination

TYPE_PREFIX: Final = "com.mazevault.dr."
CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"


def render(outgoing: Outgoing, destination: Destination, *, at: datetime, link: Link | None) -> Rendered:
    """Return the request. `id`, `source`, `type`, `subject`, `time`, `sequence` and `data` are those of the events API.

    What an event does not have in its envelope are extensions: `severity`, `signal`, `incident`, `summary`,
    `nextaction` and `link`. The signature is made at `at`, so that a repetition is in the replay window again.
    """
    told = outgoing.notification
    event: dict[str, JsonValue] = {
        "specversion": "1.0",
        "id": told.id,
        "source": f"/environments/{told.environment}",
        "type": TYPE_PREFIX + told.type,
        "subject": told.subject,
        "time": told.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "severity": told.severity.value,
        "signal": told.signal.value,
        "summary": told.sentence,
        "data": dict(told.data),
    }
    optional: dict[str, JsonValue] = {
        "sequence": f"{told.sequence:019d}" if told.sequence is not None else None,
        "incident": told.incident,
        "nextaction": told.next_action or None,
        "link": link.url if link else None,
    }
    event |= {name: value for name, value in optional.items() if value is not None}
    body = json_bytes(event)
    signature = sign(body, message_id=told.id, unix_s=int(at.timestamp()), secret=destination.secret)
    return Rendered(url=destination.url, body=body, headers={"Content-Type": CONTENT_TYPE, **signature})
