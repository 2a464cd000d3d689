"""Tells the channels what the timelines say: one pass, of which any number may run at once (ADR 0027).

A channel's cursor moves after its receiver has answered. Whoever dies in between leaves the message to be sent again
under the same id; nothing is lost. No operation calls this and no operation waits for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.events import Event
from shared.domain.faults import Conflict, InvariantViolation, OutcomeUnknown, Unavailable
from shared.domain.locks import Versioned
from shared.domain.notification_cursors import (
    Due,
    NotificationCursor,
    answered,
    covers,
    delivery_of,
    next_due,
)
from shared.domain.notifications import Answer, Channel, Outgoing, Receipt
from shared.ports import Ports
from shared.telemetry import log, warn

PAGE: Final = 200
"""Events that one pass reads of an environment; what follows waits for the next pass."""
ROUNDS: Final = 10
"""Messages that one pass sends to a channel about an environment."""
PASS_S: Final = 20.0
"""After which no further round begins: a slow receiver must not keep the others from the next pass."""

_READ_FAULTS: Final = (Unavailable, InvariantViolation)
_WRITE_FAULTS: Final = (Unavailable, Conflict)


@dataclass(slots=True, kw_only=True)
class _Track:
    """One channel in one environment during a pass."""

    channel: Channel
    stored: Versioned[NotificationCursor]
    events: Sequence[Event]
    is_all: bool

    def due(self, ports: Ports) -> Due | None:
        cursor = self.stored.value
        left = [event for event in self.events if event.sequence > cursor.sequence]
        return next_due(
            cursor, self.channel, left, is_all=self.is_all, now=ports.clock.now(),
            reminder_s=ports.policy.notification_reminder_s,
        )  # fmt: skip


def notify(ports: Ports) -> int:
    """Tell every channel that is due what is next for it, and return how many messages were accepted.

    Without channels it asks no store. A store that does not answer ends the pass for what it is needed for: the next
    pass goes on from what is kept.
    """
    channels = ports.receivers.channels()
    if not channels:
        return 0
    try:
        kept = ports.notification_cursors.read_all(ports.environments)
    except _READ_FAULTS as fault:
        warn("notifications.not_read", detail=str(fault))
        return 0
    cursors = {(one.value.environment, one.value.channel): one for one in kept}
    tracks = [track for name in sorted(ports.environments) for track in _tracks(ports, name, channels, cursors)]
    began, accepted = ports.clock.now(), 0
    for _ in range(ROUNDS):
        tracks, taken = _round(ports, tracks)
        accepted += taken
        if not tracks or (ports.clock.now() - began).total_seconds() > PASS_S:
            break
    return accepted


def _tracks(
    ports: Ports,
    name: str,
    channels: Sequence[Channel],
    cursors: Mapping[tuple[str, str], Versioned[NotificationCursor]],
) -> list[_Track]:
    """Return the channels that may be tried about an environment, each with the events it has not been told.

    Events are read once for all channels that are equally far. What cannot be read keeps nothing else from being told.
    """
    tracks, pages = [], dict[int, Sequence[Event]]()
    try:
        for channel in (one for one in channels if covers(one, name)):
            stored = cursors.get((name, channel.name))
            if stored is None:
                _begin(ports, name, channel)
                continue
            sequence = stored.value.sequence
            if not stored.value.is_due(ports.clock.now()):
                continue
            if sequence not in pages:
                pages[sequence] = ports.events.after(name, sequence, limit=PAGE)
            events = pages[sequence]
            tracks.append(_Track(channel=channel, stored=stored, events=events, is_all=len(events) < PAGE))
    except _READ_FAULTS as fault:
        warn("notifications.not_read", environment=name, detail=str(fault))
    return tracks


def _begin(ports: Ports, environment: str, channel: Channel) -> None:
    """Let a new channel begin after the newest event: what happened before it was configured is not news."""
    newest = next(iter(ports.events.newest(environment, limit=1)), None)
    begun = NotificationCursor(
        environment=environment, channel=channel.name, sequence=newest.sequence if newest else 0
    )  # fmt: skip
    try:
        ports.notification_cursors.insert(begun)
    except (Conflict, OutcomeUnknown) as other:
        warn("notifications.not_begun", environment=environment, channel=channel.name, detail=str(other))


def _round(ports: Ports, tracks: Sequence[_Track]) -> tuple[list[_Track], int]:
    """Send the next message of every channel at once; return those that may have another, and how many were accepted.

    One message per channel and environment: the next waits for the answer, since its order and its thread hang on it.
    """
    left, sending = [], list[tuple[_Track, Due, Outgoing]]()
    for track in tracks:
        due = track.due(ports)
        while due is not None and due.notification is None:
            due = track.due(ports) if _move(ports, track, due.after) else None
        if due is None or due.notification is None:
            continue
        outgoing = Outgoing(channel=track.channel, notification=due.notification, thread=due.thread)
        sending.append((track, due, outgoing))
    answers = ports.receivers.send([outgoing for _, _, outgoing in sending]) if sending else ()
    for (track, due, _), answer in zip(sending, answers, strict=True):
        _log_attempt(ports, track, due, answer)
        after = answered(track.stored.value, due, answer, now=ports.clock.now())
        # Only now: a cursor that moved before the answer would lose the message with the process.
        if _move(ports, track, after) and answer.receipt is not Receipt.FAILED:
            left.append(track)
    return left, sum(answer.receipt is Receipt.ACCEPTED for answer in answers)


def _move(ports: Ports, track: _Track, after: NotificationCursor) -> bool:
    """Write the cursor at the version it was read at; False when another host has written it, or nobody knows."""
    try:
        track.stored = ports.notification_cursors.replace(after, etag=track.stored.etag)
    except _WRITE_FAULTS as fault:
        warn(
            "notifications.cursor_not_moved", environment=after.environment, channel=after.channel, detail=str(fault)
        )  # fmt: skip
        return False
    return True


def _log_attempt(ports: Ports, track: _Track, due: Due, answer: Answer) -> None:
    said, cursor = due.notification, track.stored.value
    assert said is not None
    say = log if answer.receipt is Receipt.ACCEPTED else warn
    say(
        f"notification.{answer.receipt.value}", environment=cursor.environment, channel=cursor.channel,
        notification=said.id, signal=said.signal.value, status=answer.status, detail=answer.detail,
    )  # fmt: skip
    attempt = delivery_of(cursor.channel, said, answer, attempt=cursor.failures + 1, at=ports.clock.now())
    try:
        ports.notification_deliveries.insert(attempt)
    except _WRITE_FAULTS as fault:
        warn("notification.not_logged", channel=cursor.channel, notification=said.id, detail=str(fault))
