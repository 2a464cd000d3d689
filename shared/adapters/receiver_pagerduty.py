"""A notification as an event of PagerDuty: an alert that is triggered, acknowledged and resolved, or a change event.

Source: PagerDuty's Events API v2, "Send an alert event" and "Send a change event", with their limits.
"""

import hashlib
from typing import Final

from shared.adapters.receiver_texts import SOURCE, Link, Rendered, clipped, json_bytes, title
from shared.domain.notifications import Notification, Outgoing, Signal
from shared.domain.refusals import JsonValue
from shared.ports.notifications import Destination

DEDUP_KEY_LIMIT: Final = 255
SUMMARY_LIMIT: Final = 1024
DETAIL_LIMIT: Final = 2000
ALERTS: Final = "/v2/enqueue"
CHANGES: Final = "/v2/change/enqueue"
ACTIONS: Final = {
    Signal.OPEN: "trigger",
    # A trigger under a known key adds to its alert; it pages again only where the service is set up so.
    Signal.UPDATE: "trigger",
    Signal.REMIND: "trigger",
    Signal.TEST: "trigger",
    Signal.ACKNOWLEDGE: "acknowledge",
    Signal.RESOLVE: "resolve",
}


def render(outgoing: Outgoing, destination: Destination, *, link: Link | None) -> Rendered:
    """Return the request. What belongs to no incident pages nobody: it is a change event of the service."""
    told = outgoing.notification
    event: dict[str, JsonValue] = {"routing_key": destination.secret}
    links: list[JsonValue] = [{"href": link.url, "text": link.text}] if link else []
    action = ACTIONS.get(told.signal)
    if action is None or (told.incident is None and told.signal is not Signal.TEST):
        event |= {"payload": _payload(told), "links": links}
        return _request(destination, CHANGES, event)
    event |= {"event_action": action, "dedup_key": dedup_key(told)}
    if action == "trigger":
        payload: dict[str, JsonValue] = {
            **_payload(told),
            "severity": told.severity.value,
            "component": clipped(told.subject, SUMMARY_LIMIT),
            "group": told.environment,
            "class": told.type,
        }
        event |= {"payload": payload, "links": links, "client": SOURCE}
    return _request(destination, ALERTS, event)


def dedup_key(told: Notification) -> str:
    """Return what the alert is known by: the incident, for a test the test itself; a hash where that is too long."""
    key = f"mazevault-dr:{told.incident or told.id}"
    if len(key) <= DEDUP_KEY_LIMIT:
        return key
    return f"mazevault-dr:{hashlib.sha256(key.encode()).hexdigest()}"


def _payload(told: Notification) -> dict[str, JsonValue]:
    details: dict[str, JsonValue] = {
        clipped(label, 100): clipped(value, DETAIL_LIMIT) for label, value in told.facts.items()
    }
    if told.next_action:
        details["Next"] = clipped(told.next_action, DETAIL_LIMIT)
    return {
        "summary": clipped(f"{title(told)}. {told.sentence}", SUMMARY_LIMIT),
        "source": clipped(f"{SOURCE} {told.environment}", SUMMARY_LIMIT),
        "timestamp": told.at.isoformat(timespec="milliseconds"),
        "custom_details": {**details, "Id": told.id},
    }


def _request(destination: Destination, path: str, event: dict[str, JsonValue]) -> Rendered:
    body = json_bytes(event)
    return Rendered(url=destination.url + path, body=body, headers={"Content-Type": "application/json"})
