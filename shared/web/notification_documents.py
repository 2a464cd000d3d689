"""Notification channels and attempts as callers get them; addresses and secrets never leave the adapter."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.incidents import Incident
from shared.domain.notification_cursors import ChannelState, Delivery, NotificationCursor
from shared.domain.notifications import Receipt
from shared.web.responses import Document, timestamp


def channels_document(states: Sequence[ChannelState], *, now: datetime) -> Document:
    """Return every channel: what it is told, how far it is, what is open there, and the newest attempts."""
    return {"as_of": timestamp(now), "channels": [_channel(state) for state in states]}


def attempt_document(attempt: Delivery) -> Document:
    """Return one attempt. `receipt` tells how the receiver took it; nobody can say that a person has read it."""
    return {
        "id": attempt.notification_id,
        "environment": attempt.environment,
        "type": attempt.type,
        "signal": attempt.signal.value,
        "severity": attempt.severity.value,
        "incident": attempt.incident,
        "sequence": attempt.sequence,
        "at": timestamp(attempt.at),
        "attempt": attempt.attempt,
        "receipt": attempt.receipt.value,
        "status": attempt.status,
        "detail": attempt.detail,
    }


def _channel(state: ChannelState) -> Document:
    channel = state.channel
    return {
        "name": channel.name,
        "kind": channel.kind.value,
        "at_least": channel.at_least.value,
        "environments": None if channel.environments is None else [*sorted(channel.environments)],
        "cursors": [_cursor(one, state.behind.get(one.environment, 0)) for one in state.cursors],
        "attempts": [attempt_document(one) for one in state.attempts],
    }


def _cursor(cursor: NotificationCursor, behind: int) -> Document:
    return {
        "environment": cursor.environment,
        "sequence": cursor.sequence,
        "behind": behind,
        "failures": cursor.failures,
        "next_try_at": timestamp(cursor.next_try_at),
        "incidents": [_incident(one) for one in cursor.incidents],
        "counts": {receipt.value: cursor.counts.get(receipt, 0) for receipt in Receipt},
    }


def _incident(incident: Incident) -> Document:
    return {
        "key": incident.key,
        "severity": incident.severity.value,
        "opened_at": timestamp(incident.opened_at),
        "last_sent_at": timestamp(incident.last_sent_at),
        "acknowledged": incident.acknowledged,
        "quiet_until": timestamp(incident.quiet_until),
    }
