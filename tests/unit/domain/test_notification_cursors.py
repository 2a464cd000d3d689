"""A channel follows the timeline in order, hears what it wants, is reminded, backs off, and forgets old news."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.events import Event, EventType
from shared.domain.notification_cursors import Due, NotificationCursor, answered, next_due
from shared.domain.notifications import Answer, Channel, ChannelKind, Receipt, Severity, Signal
from tests.unit.builders import SECOND, T0
from tests.unit.domain.telling import event, numbered

CHAT = Channel(name="chat", kind=ChannelKind.SLACK)
PAGER = Channel(name="pager", kind=ChannelKind.PAGERDUTY, at_least=Severity.CRITICAL)
NEW = NotificationCursor(environment="PRO", channel="chat", sequence=0)
ACCEPTED = Answer(receipt=Receipt.ACCEPTED, status=200)
FAILED_EVENT = event(EventType.GATEWAY_FAILED)
REMINDER_S = 900.0


def due(cursor: NotificationCursor, events: list[Event], *, now: datetime, channel: Channel = CHAT,
        is_all: bool = True) -> Due | None:  # fmt: skip
    left = [one for one in events if one.sequence > cursor.sequence]
    return next_due(cursor, channel, left, is_all=is_all, now=now, reminder_s=REMINDER_S)


def follow(events: list[Event], *, now: datetime, channel: Channel = CHAT, cursor: NotificationCursor = NEW,
           **answer: Any) -> tuple[list[Any], NotificationCursor]:  # fmt: skip
    """Tell a channel everything that is due, and return what it was told and its cursor."""
    told = []
    while (found := due(cursor, events, now=now, channel=channel)) is not None:
        if found.notification is None:
            cursor = found.after
            continue
        told.append(found.notification)
        cursor = answered(cursor, found, replace(ACCEPTED, **answer), now=now)
    return told, cursor


def test_a_channel_is_told_one_thing_after_the_other_in_the_order_of_the_timeline() -> None:
    events = numbered(FAILED_EVENT, event(EventType.OPERATION_BEGUN), event(EventType.OPERATION_SUCCEEDED))
    told, cursor = follow(events, now=T0 + 300 * SECOND)
    assert [one.sequence for one in told] == [1, 2, 3]
    assert cursor.sequence == 3


def test_what_opened_an_incident_is_found_again_under_the_thread_its_receiver_gave() -> None:
    events = numbered(FAILED_EVENT, event(EventType.OPERATION_BEGUN))
    now = T0 + 300 * SECOND
    first = due(NEW, events, now=now)
    assert first is not None
    cursor = answered(NEW, first, replace(ACCEPTED, thread="17.42"), now=now)
    second = due(cursor, events, now=now)
    assert second is not None
    assert (first.thread, second.thread) == (None, "17.42")


def test_a_resolution_goes_to_the_thread_it_closes() -> None:
    events = numbered(FAILED_EVENT, event(EventType.GATEWAY_RECOVERED))
    cursor = follow(events[:1], now=T0 + 60 * SECOND, thread="17.42")[1]
    last = due(cursor, events, now=T0 + 120 * SECOND)
    assert last is not None
    assert last.thread == "17.42"
    assert last.after.incidents == ()


def test_a_quiet_channel_hears_how_what_it_was_told_goes_on_and_nothing_else_below_its_severity() -> None:
    events = numbered(
        event(EventType.PREFLIGHT_CHANGED), FAILED_EVENT, event(EventType.OPERATION_BEGUN), event(EventType.STEP_ENDED),
        event(EventType.GATEWAY_RECOVERED), event(EventType.MODES_CHANGED),
    )  # fmt: skip
    told, cursor = follow(events, now=T0 + 600 * SECOND, channel=PAGER)
    assert [one.signal for one in told] == [Signal.OPEN, Signal.ACKNOWLEDGE, Signal.RESOLVE]
    assert (cursor.sequence, cursor.incidents) == (6, ())


def test_people_are_reminded_when_nobody_acts_and_again_as_long_after_that() -> None:
    events = numbered(FAILED_EVENT)
    cursor = follow(events, now=T0 + 60 * SECOND)[1]
    assert due(cursor, events, now=T0 + 959 * SECOND) is None
    (reminder,), cursor = follow(events, now=T0 + 960 * SECOND, cursor=cursor)
    assert (reminder.signal, reminder.incident, reminder.severity) == (
        Signal.REMIND, "PRO/primary-failed/17", Severity.CRITICAL,
    )  # fmt: skip
    assert "FAILED at 12:01:00Z" in reminder.sentence
    assert "/activate-dr" in reminder.next_action
    assert due(cursor, events, now=T0 + 1859 * SECOND) is None
    assert len(follow(events, now=T0 + 1860 * SECOND, cursor=cursor)[0]) == 1


def test_a_reminder_that_is_sent_again_has_the_id_it_had() -> None:
    events = numbered(FAILED_EVENT)
    cursor = follow(events, now=T0 + 60 * SECOND)[1]
    one, other = (due(cursor, events, now=T0 + at * SECOND) for at in (1000, 1015))
    assert one is not None
    assert other is not None
    assert one.notification is not None
    assert other.notification is not None
    assert one.notification.id == other.notification.id


@pytest.mark.parametrize(
    ("then", "reminded"),
    [
        ((EventType.OPERATION_BEGUN,), False),
        ((EventType.OPERATION_BEGUN, EventType.OPERATION_FAILED), True),
        ((EventType.OPERATION_BEGUN, EventType.OPERATION_CANCELLED), True),
        ((EventType.GATEWAY_RECOVERED,), False),
        ((EventType.ENVIRONMENT_PAUSED,), False),
        ((EventType.ENVIRONMENT_PAUSED, EventType.ENVIRONMENT_RESUMED), True),
    ],
)
def test_reminders_end_when_an_operation_begins_and_go_on_when_it_did_not_help(
    then: tuple[EventType, ...], reminded: bool
) -> None:
    events = numbered(FAILED_EVENT, *(event(kind) for kind in then))
    cursor = follow(events, now=T0 + 180 * SECOND)[1]
    assert (due(cursor, events, now=T0 + 3600 * SECOND) is not None) is reminded


def test_a_pause_that_ends_by_itself_lets_reminders_go_on() -> None:
    events = numbered(FAILED_EVENT, event(EventType.ENVIRONMENT_PAUSED))
    cursor = follow(events, now=T0 + 180 * SECOND)[1]
    assert due(cursor, events, now=T0 + 7199 * SECOND) is None
    assert due(cursor, events, now=T0 + 7200 * SECOND) is not None


def test_nobody_is_reminded_of_a_preflight() -> None:
    events = numbered(event(EventType.PREFLIGHT_CHANGED))
    cursor = follow(events, now=T0 + 60 * SECOND)[1]
    assert due(cursor, events, now=T0 + 86_000 * SECOND) is None


def test_nobody_is_reminded_while_more_events_are_waiting() -> None:
    events = numbered(FAILED_EVENT)
    cursor = follow(events, now=T0 + 60 * SECOND)[1]
    assert due(cursor, events, now=T0 + 3600 * SECOND, is_all=False) is None


def test_a_failure_leaves_the_cursor_and_waits_twice_as_long_each_time_up_to_five_minutes() -> None:
    events, cursor, now = numbered(FAILED_EVENT), NEW, T0 + 60 * SECOND
    waits = []
    for _ in range(9):
        found = due(cursor, events, now=now)
        assert found is not None
        cursor = answered(cursor, found, Answer(receipt=Receipt.FAILED, status=503), now=now)
        assert (cursor.sequence, cursor.incidents) == (0, ())
        assert cursor.next_try_at is not None
        waits.append((cursor.next_try_at - now).total_seconds())
        told = answered(cursor, found, ACCEPTED, now=now)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert not cursor.is_due(now + 299 * SECOND)
    assert cursor.is_due(now + 300 * SECOND)
    assert (told.sequence, told.failures, told.next_try_at) == (1, 0, None)
    assert told.counts == {Receipt.FAILED: 9, Receipt.ACCEPTED: 1}


@pytest.mark.parametrize(("asked_s", "waits_s"), [(60.0, 60), (1.0, 5), (86_400.0, 300), (None, 5)])
def test_a_receiver_that_names_a_time_is_given_it_within_bounds(asked_s: float | None, waits_s: int) -> None:
    found = due(NEW, numbered(FAILED_EVENT), now=T0)
    assert found is not None
    cursor = answered(NEW, found, Answer(receipt=Receipt.FAILED, status=429, retry_after_s=asked_s), now=T0)
    assert cursor.next_try_at == T0 + waits_s * SECOND


def test_what_is_refused_is_passed_over_and_holds_up_nothing() -> None:
    events = numbered(FAILED_EVENT, event(EventType.GATEWAY_RECOVERED))
    told, cursor = follow(events, now=T0 + 180 * SECOND, receipt=Receipt.REFUSED, status=400)
    assert [one.sequence for one in told] == [1, 2]
    assert (cursor.sequence, cursor.failures, cursor.next_try_at) == (2, 0, None)


def test_what_is_older_than_a_day_is_counted_in_one_note_and_newer_news_follow_one_by_one() -> None:
    events = numbered(FAILED_EVENT, event(EventType.OPERATION_BEGUN), event(EventType.OPERATION_SUCCEEDED))
    recent = replace(event(EventType.MODES_CHANGED, number=4), at=T0 + timedelta(hours=25))
    told, cursor = follow([*events, recent], now=T0 + timedelta(hours=26))
    assert [one.type for one in told] == ["untold", "modes.changed"]
    assert told[0].sentence.startswith("PRO: 3 events were not told, from 2026-03-01 12:01:00Z to 2026-03-01 12:03:00Z")
    assert "events?after=0" in told[0].next_action
    assert (cursor.sequence, cursor.incidents) == (4, ())


def test_what_is_still_open_after_a_day_out_of_reach_is_told_by_a_reminder() -> None:
    told, _ = follow(numbered(FAILED_EVENT), now=T0 + timedelta(hours=26))
    assert [one.type for one in told] == ["untold", "reminder"]


def test_a_day_in_which_nothing_was_worth_telling_leaves_no_note() -> None:
    told, cursor = follow(numbered(event(EventType.STEP_ENDED)), now=T0 + timedelta(hours=26))
    assert (told, cursor.sequence) == ([], 1)


def test_nothing_is_written_where_nothing_happened() -> None:
    assert due(NEW, [], now=T0) is None
