"""The timeline and the audit as callers get them."""

from collections.abc import Sequence

from shared.domain.audit import AuditEntry
from shared.domain.audit_chain import START, Anchor, Verification
from shared.domain.cloud_events import envelope
from shared.domain.events import Event
from shared.domain.refusals import JsonValue
from shared.web.responses import Document, timestamp


def cloud_event(event: Event) -> Document:
    """Return an event of the timeline as a CloudEvent."""
    return envelope(
        id=event.id, environment=event.environment, type=event.type.value, subject=event.subject, at=event.at,
        sequence=event.sequence, data=event.data,
    )  # fmt: skip


def events_document(events: Sequence[Event], *, after: int) -> Document:
    """Return a page of events; `next_after` is where the next one begins, also when this one is empty."""
    return {
        "value": [cloud_event(event) for event in events],
        "next_after": events[-1].sequence if events else after,
    }


def audit_document(entries: Sequence[AuditEntry], *, limit: int) -> Document:
    """Return a page of audit entries; `next_before` is null on the last one."""
    more = len(entries) == limit and entries[-1].sequence > 1
    return {
        "value": [_entry(entry) for entry in entries],
        "next_before": entries[-1].sequence if more else None,
    }


def verification_document(checked: Verification) -> Document:
    """Return how far a chain was checked and what was found; `newest` is an anchor for the caller to keep."""
    broken: JsonValue = None
    if checked.broken:
        flaw = checked.broken
        broken = {"sequence": flaw.sequence, "flaw": flaw.flaw.value, "detail": flaw.detail}
    is_partial = checked.checked.sequence < checked.newest.sequence and checked.broken is None
    return {
        "environment": checked.environment,
        "status": checked.status.value,
        "checked_from": checked.since.sequence + 1 if checked.newest != START else None,
        "checked_to": checked.checked.sequence if checked.newest != START else None,
        "newest": _anchor(checked.newest),
        "anchor": _anchor(checked.anchor) if checked.anchor else None,
        "broken": broken,
        "next_after": _anchor(checked.checked) if is_partial else None,
    }


def _entry(entry: AuditEntry) -> Document:
    return {
        "sequence": entry.sequence,
        "at": timestamp(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "reason": entry.reason,
        "before": dict(entry.before),
        "after": dict(entry.after),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def _anchor(anchor: Anchor) -> str | None:
    """Return an anchor as callers keep it; the start of a chain proves nothing."""
    return anchor.text if anchor != START else None
