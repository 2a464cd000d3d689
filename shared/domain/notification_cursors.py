"""How far a channel is in the timeline of an environment, and what it is told next (ADR 0027). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.events import Event
from shared.domain.incidents import Incident, by_key, is_at_least, with_incident
from shared.domain.notices import after_event, notification_of, reminder_of, untold_of
from shared.domain.notifications import Answer, Channel, Notification, Receipt, Severity, Signal

FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 300.0
"""Between two attempts on a receiver that fails: it doubles from the first to the longest."""
TOLD_ONE_BY_ONE: Final = timedelta(hours=24)
"""What happened longer ago than this is history when the receiver is back: a count of it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationCursor:
    """One channel in one environment: up to which event it was told, what is open there, and how its receiver does."""

    environment: str
    channel: str
    sequence: int  # of the last event that was dealt with
    incidents: tuple[Incident, ...] = ()
    failures: int = 0  # in a row
    next_try_at: datetime | None = None  # None: at any time
    counts: dict[Receipt, int] = field(default_factory=dict)  # attempts so far, by what came of them

    def is_due(self, now: datetime) -> bool:
        """Whether its receiver may be tried."""
        return self.next_try_at is None or self.next_try_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a channel is told next, if anything, and its cursor once that has been told."""

    notification: Notification | None
    after: NotificationCursor
    thread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to tell a channel something, as it is logged. Nobody can say that a person has read it."""

    channel: str
    environment: str
    notification_id: str
    type: str
    signal: Signal
    severity: Severity
    at: datetime
    attempt: int
    receipt: Receipt
    incident: str | None = None
    sequence: int | None = None
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """One channel as it stands."""

    channel: Channel
    cursors: tuple[NotificationCursor, ...]  # by environment; one is missing until the first pass
    behind: Mapping[str, int]  # events that it has not been told, by environment
    attempts: tuple[Delivery, ...]  # newest first


def covers(channel: Channel, environment: str) -> bool:
    """Whether a channel is told of an environment."""
    return channel.environments is None or environment in channel.environments


def next_due(
    cursor: NotificationCursor,
    channel: Channel,
    events: Sequence[Event],
    *,
    is_all: bool,
    now: datetime,
    reminder_s: float,
) -> Due | None:
    """Return what the channel is told next; None when there is nothing to tell and nothing to write.

    Args:
        events: Those that follow the cursor, oldest first.
        is_all: Whether no others follow. While some do, nobody is reminded: the next may be the end of the incident.
    """
    old = [event for event in events if now - event.at > TOLD_ONE_BY_ONE]
    if old:
        return _condensed(cursor, channel, old)
    incidents, sequence = cursor.incidents, cursor.sequence
    for event in events:
        said = notification_of(event, incidents)
        wanted = said is not None and _wants(channel, said, incidents)
        before, sequence = incidents, event.sequence
        incidents = after_event(incidents, event, said, sent_at=now if wanted else None)
        if said is not None and wanted:
            return _due(said, before, replace(cursor, sequence=sequence, incidents=incidents))
    reached = replace(cursor, sequence=sequence, incidents=incidents)
    stale = next((one for one in incidents if one.wants_reminder(now, reminder_s=reminder_s)), None)
    if stale is not None and is_all:
        reminded = with_incident(incidents, replace(stale, last_sent_at=now))
        return _due(reminder_of(stale, cursor.environment, now=now), incidents, replace(reached, incidents=reminded))
    return Due(notification=None, after=reached) if reached != cursor else None


def answered(cursor: NotificationCursor, due: Due, answer: Answer, *, now: datetime) -> NotificationCursor:
    """Return the cursor after an attempt: a failure leaves it where it was, to be tried again later.

    What is refused will be refused again: it is passed over, so that it holds up nothing that follows.
    """
    counts = {**cursor.counts, answer.receipt: cursor.counts.get(answer.receipt, 0) + 1}
    if answer.receipt is Receipt.FAILED:
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(cursor.failures, 10), LONGEST_WAIT_S)
        wait_s = max(wait_s, min(answer.retry_after_s or 0.0, LONGEST_WAIT_S))
        return replace(
            cursor, failures=cursor.failures + 1, next_try_at=now + timedelta(seconds=wait_s), counts=counts
        )  # fmt: skip
    told = replace(due.after, failures=0, next_try_at=None, counts=counts)
    known = by_key(told.incidents, due.notification.incident if due.notification else None)
    if known is None or answer.thread is None:
        return told
    return replace(told, incidents=with_incident(told.incidents, replace(known, thread=answer.thread)))


def delivery_of(channel: str, notification: Notification, answer: Answer, *, attempt: int, at: datetime) -> Delivery:
    """Return the attempt as it is logged."""
    return Delivery(
        channel=channel, environment=notification.environment, notification_id=notification.id, type=notification.type,
        signal=notification.signal, severity=notification.severity, at=at, attempt=attempt, receipt=answer.receipt,
        incident=notification.incident, sequence=notification.sequence, status=answer.status, detail=answer.detail,
    )  # fmt: skip


def _due(said: Notification, incidents: Sequence[Incident], after: NotificationCursor) -> Due:
    known = by_key(incidents, said.incident)
    return Due(notification=said, after=after, thread=known.thread if known else None)


def _wants(channel: Channel, said: Notification, incidents: Sequence[Incident]) -> bool:
    # Whoever was told that something is open is told how it goes out, however quietly it does.
    closes = said.signal in (Signal.ACKNOWLEDGE, Signal.RESOLVE) and by_key(incidents, said.incident) is not None
    return closes or is_at_least(said.severity, channel.at_least)


def _condensed(cursor: NotificationCursor, channel: Channel, old: Sequence[Event]) -> Due:
    incidents, told = cursor.incidents, 0
    for event in old:
        said = notification_of(event, incidents)
        wanted = said is not None and _wants(channel, said, incidents)
        told += wanted
        # What is still open at the end counts as said when it happened, so that a reminder of it is due at once.
        incidents = after_event(incidents, event, said, sent_at=event.at if wanted else None)
    after = replace(cursor, sequence=old[-1].sequence, incidents=incidents)
    return Due(notification=untold_of(old, told) if told else None, after=after)
