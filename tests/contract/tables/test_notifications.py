"""What `NotificationCursorStore` and `NotificationDeliveryStore` promise, on both backends."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.faults import Conflict
from shared.domain.incidents import MOST_OPEN, Incident
from shared.domain.notification_cursors import Delivery, NotificationCursor
from shared.domain.notifications import Receipt, Severity, Signal
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, fresh_environment


def incident(key: str = "PRO/primary-failed/9007199254740993") -> Incident:
    """Return an incident with every field filled."""
    return Incident(
        key=key,
        opened_at=NOON,
        last_sent_at=NOON + timedelta(microseconds=1),
        severity=Severity.CRITICAL,
        sentence="PRO: výpadek",
        next_action="POST /api/v1/admin/failover/PRO/activate-dr",
        acknowledged=True,
        quiet_until=NOON + timedelta(hours=1),
        thread="1767225600.000100",
        operations=("PRO-1", "PRO-2"),
    )


def cursor(environment: str, channel: str = "on-call") -> NotificationCursor:
    """Return a cursor with every field filled."""
    return NotificationCursor(
        environment=environment,
        channel=channel,
        sequence=41,
        incidents=(incident(), replace(incident("PRO/preflight/7"), quiet_until=None, thread=None, operations=())),
        failures=3,
        next_try_at=NOON + timedelta(seconds=20),
        counts={Receipt.ACCEPTED: 7, Receipt.FAILED: 3, Receipt.REFUSED: 1},
    )


def attempt(channel: str, *, number: int = 1, id: str = "PRO-41") -> Delivery:
    """Return an attempt with every field filled."""
    return Delivery(
        channel=channel,
        environment="PRO",
        notification_id=id,
        type="gateway.failed",
        signal=Signal.OPEN,
        severity=Severity.CRITICAL,
        at=NOON + timedelta(seconds=number),
        attempt=number,
        receipt=Receipt.FAILED,
        incident="PRO/primary-failed/1",
        sequence=41,
        status=503,
        detail="přetíženo",
    )


def test_a_channel_that_was_never_told_anything_has_no_cursor(stores: Stores) -> None:
    assert list(stores.notification_cursors.read_all([fresh_environment()])) == []


def test_cursors_come_back_exactly_with_the_version_the_write_gave_and_only_those_asked_for(stores: Stores) -> None:
    environment, other = fresh_environment(), fresh_environment()
    second = stores.notification_cursors.insert(replace(cursor(environment, "pager"), incidents=(), next_try_at=None))
    first = stores.notification_cursors.insert(cursor(environment, "chat"))
    stores.notification_cursors.insert(cursor(other))
    assert list(stores.notification_cursors.read_all([environment])) == [first, second]
    moved = stores.notification_cursors.replace(replace(cursor(environment, "chat"), sequence=42), etag=first.etag)
    assert list(stores.notification_cursors.read_all([environment])) == [moved, second]


def test_of_two_hosts_that_read_the_same_cursor_one_moves_it(stores: Stores) -> None:
    environment = fresh_environment()
    read = stores.notification_cursors.insert(cursor(environment))
    with pytest.raises(Conflict):
        stores.notification_cursors.insert(cursor(environment))
    moved = stores.notification_cursors.replace(replace(read.value, sequence=42), etag=read.etag)
    with pytest.raises(Conflict):
        stores.notification_cursors.replace(replace(read.value, sequence=43), etag=read.etag)
    assert list(stores.notification_cursors.read_all([environment])) == [moved]


def test_as_many_incidents_as_one_channel_keeps_fit_with_the_longest_sentences(stores: Stores) -> None:
    environment, long = fresh_environment(), "ž" * 2000
    full = replace(
        cursor(environment),
        incidents=tuple(
            replace(incident(f"PRO/failover/{number}"), sentence=long, next_action=long) for number in range(MOST_OPEN)
        ),
    )
    written = stores.notification_cursors.insert(full)
    assert list(stores.notification_cursors.read_all([environment])) == [written]


def test_attempts_come_back_newest_first_and_by_channel(stores: Stores) -> None:
    channel = f"chat-{uuid.uuid4().hex[:12]}"
    logged = [attempt(channel, number=number) for number in (1, 2, 3)]
    bare = replace(attempt(channel, number=4), incident=None, sequence=None, status=None, receipt=Receipt.ACCEPTED)
    for one in (*logged, bare):
        stores.notification_deliveries.insert(one)
    stores.notification_deliveries.insert(attempt(f"{channel}-other"))
    assert list(stores.notification_deliveries.newest(channel, limit=3)) == [bare, logged[2], logged[1]]
    assert list(stores.notification_deliveries.newest(channel, limit=9))[-1] == logged[0]


def test_the_same_attempt_is_logged_once_and_another_of_the_same_moment_beside_it(stores: Stores) -> None:
    channel = f"chat-{uuid.uuid4().hex[:12]}"
    stores.notification_deliveries.insert(attempt(channel, id="PRO/primary-failed/1/reminder/2"))
    with pytest.raises(Conflict):
        stores.notification_deliveries.insert(attempt(channel, id="PRO/primary-failed/1/reminder/2"))
    stores.notification_deliveries.insert(attempt(channel, id="NPR-41"))
    assert len(stores.notification_deliveries.newest(channel, limit=9)) == 2
