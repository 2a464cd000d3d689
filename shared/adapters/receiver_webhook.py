"""A notification as a signed CloudEvent.

Source: CloudEvents 1.0, JSON format, structured mode; Standard Webhooks 1.0 for the signature.
"""

from datetime import datetime
from typing import Final

from shared.adapters.receiver_texts import Link, Rendered, json_bytes
from shared.domain.cloud_events import envelope
from shared.domain.notifications import Outgoing
from shared.domain.refusals import JsonValue
from shared.domain.webhook_signatures import sign
from shared.ports.notifications import Destination

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"


def render(outgoing: Outgoing, destination: Destination, *, at: datetime, link: Link | None) -> Rendered:
    """Return the request. `id`, `source`, `type`, `subject`, `time`, `sequence` and `data` are those of the events API.

    What an event does not have in its envelope are extensions: `severity`, `signal`, `incident`, `summary`,
    `nextaction` and `link`. The signature is made at `at`, so that a repetition is in the replay window again.
    """
    told = outgoing.notification
    event = envelope(
        id=told.id, environment=told.environment, type=told.type, subject=told.subject, at=told.at,
        sequence=told.sequence, data=told.data,
    )  # fmt: skip
    extensions: dict[str, JsonValue] = {
        "severity": told.severity.value,
        "signal": told.signal.value,
        "summary": told.sentence,
        "incident": told.incident,
        "nextaction": told.next_action or None,
        "link": link.url if link else None,
    }
    event |= {name: value for name, value in extensions.items() if value is not None}
    body = json_bytes(event)
    signature = sign(body, message_id=told.id, unix_s=int(at.timestamp()), secret=destination.secret)
    return Rendered(url=destination.url, body=body, headers={"Content-Type": CONTENT_TYPE, **signature})
