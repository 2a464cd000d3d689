"""Who may act, for how long, and what becomes of the fence when the lock moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.fencing import FencingToken
from shared.domain.guard import Mirror, SyncOutcome
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.tasks import TaskRefusal, TaskStatus
from shared.ports import LeaseGranted, Reported, TaskReport, WorkRefused, WorkStore
from tests.contract.work.backends import (
    DR,
    POLICY,
    PRIMARY,
    PRO,
    SECOND,
    T0,
    Authority,
    WorkBackend,
    caller,
    claimed,
    config,
    granted,
    queue,
    working,
)

LEASE_AND_MARGIN_S = POLICY.lease_s + POLICY.server_margin_s


def mirror_of(store: WorkStore) -> Mirror:
    mirror = store.mirror(PRO)
    assert mirror is not None
    return mirror


def refused(reason: TaskRefusal) -> WorkRefused:
    return WorkRefused(reason)


def progress(task_id: str) -> TaskReport:
    return TaskReport(task_id=task_id, attempt=1, status=TaskStatus.RUNNING, result={})


def test_the_first_sync_of_an_environment_makes_a_mirror_with_nothing_to_wait_for(backend: WorkBackend) -> None:
    assert backend.store.mirror(PRO) is None
    sync = backend.store.sync_mirror(PRO, granted())
    assert sync.outcome is SyncOutcome.RAISED
    assert sync.mirror == mirror_of(backend.store)
    assert (sync.mirror.token, sync.mirror.holder) == (100, PRIMARY)
    assert (sync.mirror.lease_until, sync.mirror.not_before) == (None, None)


def after_a_change_of_holder() -> Authority:
    """Return an authority under which other tokens were granted before the present one."""
    authority = granted()
    assert authority.lock is not None
    authority.lock = replace(authority.lock, previous_holder=DR, previous_token=FencingToken(90))
    return authority


def after_a_restore() -> Authority:
    authority = granted(200)
    assert authority.lock is not None
    authority.lock = replace(
        authority.lock, granted_by="restore/1", previous_holder=DR, previous_token=FencingToken(90)
    )
    return authority


def test_a_database_that_was_lost_altogether_makes_everybody_wait_for_leases_it_knows_nothing_of(
    backend: WorkBackend,
) -> None:
    authority = after_a_change_of_holder()
    sync = backend.store.sync_mirror(PRO, authority)
    assert sync.outcome is SyncOutcome.RAISED
    not_before = mirror_of(backend.store).not_before
    assert not_before is not None
    assert abs(not_before - backend.now() - LEASE_AND_MARGIN_S * SECOND) < 2 * SECOND
    assert backend.store.extend_lease(caller(), authority) == refused(TaskRefusal.NOT_BEFORE)
    backend.pass_time(LEASE_AND_MARGIN_S + 1)
    assert backend.store.extend_lease(caller(), authority) == LeaseGranted(POLICY.lease_s)


def test_after_a_restore_everybody_waits_a_whole_lease_whatever_the_mirror_knows(backend: WorkBackend) -> None:
    working(backend.store, granted())
    backend.pass_time(1000)  # the lease that the mirror knows of is long over
    authority = after_a_restore()
    assert backend.store.sync_mirror(PRO, authority).outcome is SyncOutcome.RAISED
    not_before = mirror_of(backend.store).not_before
    assert not_before is not None
    assert abs(not_before - backend.now() - LEASE_AND_MARGIN_S * SECOND) < 2 * SECOND
    assert backend.store.extend_lease(caller(token=200), authority) == refused(TaskRefusal.NOT_BEFORE)


def test_a_regressed_authority_is_named_on_a_new_timeline_too(backend: WorkBackend) -> None:
    who = working(backend.store, granted())
    backend.change_timeline()
    before = mirror_of(backend.store)
    for behind in (Authority(), granted(99), granted(100, DR)):
        assert backend.store.extend_lease(who, behind) == refused(TaskRefusal.AUTHORITY_REGRESSED)
    assert mirror_of(backend.store) == before


def test_the_holder_gets_a_lease_that_ends_lease_seconds_after_now(backend: WorkBackend) -> None:
    assert backend.store.extend_lease(caller(), granted()) == LeaseGranted(POLICY.lease_s)
    lease_until = mirror_of(backend.store).lease_until
    assert lease_until is not None
    assert abs(lease_until - backend.now() - POLICY.lease_s * SECOND) < 2 * SECOND


def test_a_heartbeat_never_shortens_a_lease(backend: WorkBackend) -> None:
    authority = granted()
    working(backend.store, authority)
    backend.pass_time(-30)  # a clock set back
    before = mirror_of(backend.store).lease_until
    working(backend.store, authority)
    assert mirror_of(backend.store).lease_until == before is not None


def test_an_environment_without_a_lock_has_no_holder_and_gets_no_mirror(backend: WorkBackend) -> None:
    authority = Authority()
    assert backend.store.sync_mirror(PRO, authority).outcome is SyncOutcome.CURRENT
    assert backend.store.extend_lease(caller(), authority) == refused(TaskRefusal.NOT_HOLDER)
    assert backend.store.mirror(PRO) is None


@pytest.mark.parametrize(
    ("gateway_id", "token", "reason"),
    [
        (DR, 100, TaskRefusal.NOT_HOLDER),
        (PRIMARY, 99, TaskRefusal.STALE_TOKEN),
        (PRIMARY, 101, TaskRefusal.STALE_TOKEN),
    ],
)
def test_only_the_holder_under_its_token_may_act(
    backend: WorkBackend, gateway_id: str, token: int, reason: TaskRefusal
) -> None:
    authority = granted()
    working(backend.store, authority)
    queue(backend.store, config(), "t1")
    before = mirror_of(backend.store)
    other = caller(gateway_id, token)
    assert backend.store.extend_lease(other, authority) == refused(reason)
    assert backend.store.claim(other, authority, limit=1) == refused(reason)
    assert backend.store.report(other, authority, progress("t1")) == refused(reason)
    assert mirror_of(backend.store) == before
    assert backend.store.pending_tasks(PRO) == 1


def test_without_a_lease_the_holder_gets_no_tasks_until_it_beats(backend: WorkBackend) -> None:
    authority = granted()
    queue(backend.store, config(), "t1")
    assert backend.store.claim(caller(), authority, limit=1) == refused(TaskRefusal.LEASE_EXPIRED)
    who = working(backend.store, authority)
    backend.pass_time(POLICY.lease_s + 1)
    assert backend.store.claim(who, authority, limit=1) == refused(TaskRefusal.LEASE_EXPIRED)
    assert backend.store.pending_tasks(PRO) == 1
    working(backend.store, authority)
    assert len(claimed(backend.store.claim(who, authority, limit=1))) == 1


def test_a_call_under_a_newer_lock_raises_the_fence_by_itself(backend: WorkBackend) -> None:
    authority = granted()
    working(backend.store, authority)
    authority.grant(DR, 200)
    assert backend.store.claim(caller(), authority, limit=1) == refused(TaskRefusal.NOT_HOLDER)
    assert (mirror_of(backend.store).token, mirror_of(backend.store).holder) == (200, DR)


@pytest.mark.parametrize("silent_s", [0.0, 1000.0])
def test_the_next_holder_waits_for_the_former_lease_and_the_margin(backend: WorkBackend, silent_s: float) -> None:
    authority = granted()
    working(backend.store, authority)
    backend.pass_time(silent_s)
    former = mirror_of(backend.store).lease_until
    assert former is not None
    authority.grant(DR, 200)
    raised = backend.store.sync_mirror(PRO, authority).mirror
    assert raised is not None
    assert raised.lease_until is None
    assert raised.not_before == former + timedelta(seconds=POLICY.server_margin_s)
    if silent_s == 0:
        assert backend.store.extend_lease(caller(DR, 200), authority) == refused(TaskRefusal.NOT_BEFORE)
        assert mirror_of(backend.store).lease_until is None
        backend.pass_time(LEASE_AND_MARGIN_S)
    assert backend.store.extend_lease(caller(DR, 200), authority) == LeaseGranted(POLICY.lease_s)


def test_a_wait_is_not_forgotten_when_the_lock_moves_twice(backend: WorkBackend) -> None:
    authority = granted()
    working(backend.store, authority)
    authority.grant(None, 200)
    wait = backend.store.sync_mirror(PRO, authority).mirror
    authority.grant(DR, 300)
    again = backend.store.sync_mirror(PRO, authority).mirror
    assert wait is not None
    assert again is not None
    assert again.not_before == wait.not_before is not None


def test_nobody_acts_when_nobody_holds_the_environment(backend: WorkBackend) -> None:
    authority = granted()
    working(backend.store, authority)
    authority.grant(None, 200)
    backend.store.sync_mirror(PRO, authority)
    for gateway_id in (PRIMARY, DR):
        answer = backend.store.extend_lease(caller(gateway_id, 200), authority)
        assert answer == refused(TaskRefusal.NOT_HOLDER)


def test_a_second_sync_changes_nothing(backend: WorkBackend) -> None:
    authority = granted()
    working(backend.store, authority)
    before = mirror_of(backend.store)
    sync = backend.store.sync_mirror(PRO, authority)
    assert sync.outcome is SyncOutcome.CURRENT
    assert sync.mirror == before == mirror_of(backend.store)


@pytest.mark.parametrize("behind", [Authority(), granted(99), granted(100, DR)])
def test_an_authority_behind_the_mirror_stops_everything_and_lowers_nothing(
    backend: WorkBackend, behind: Authority
) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1", "t2")
    backend.store.claim(who, authority, limit=1)
    before = mirror_of(backend.store)
    sync = backend.store.sync_mirror(PRO, behind)
    assert (sync.outcome, sync.mirror) == (SyncOutcome.REGRESSED, before)
    assert backend.store.extend_lease(who, behind) == refused(TaskRefusal.AUTHORITY_REGRESSED)
    assert backend.store.claim(who, behind, limit=1) == refused(TaskRefusal.AUTHORITY_REGRESSED)
    assert backend.store.report(who, behind, progress("t1")) == refused(TaskRefusal.AUTHORITY_REGRESSED)
    assert mirror_of(backend.store) == before


def test_while_the_authority_is_away_the_present_holder_goes_on(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1")
    authority.is_reachable = False
    before = mirror_of(backend.store)
    sync = backend.store.sync_mirror(PRO, authority)
    assert (sync.outcome, sync.mirror) == (SyncOutcome.UNREACHABLE, before)
    assert backend.store.extend_lease(who, authority) == LeaseGranted(POLICY.lease_s)
    assert [task.id for task in claimed(backend.store.claim(who, authority, limit=1))] == ["t1"]
    assert backend.store.report(who, authority, progress("t1")) is Reported.ACCEPTED
    assert backend.store.claim(caller(DR), authority, limit=1) == refused(TaskRefusal.NOT_HOLDER)


def test_while_the_authority_is_away_nobody_acts_on_a_timeline_it_has_not_confirmed(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    backend.change_timeline()
    before = mirror_of(backend.store)
    authority.is_reachable = False
    backend.store.sync_mirror(PRO, authority)
    assert backend.store.extend_lease(who, authority) == refused(TaskRefusal.AUTHORITY_UNREACHABLE)
    assert backend.store.claim(who, authority, limit=1) == refused(TaskRefusal.AUTHORITY_UNREACHABLE)
    assert mirror_of(backend.store) == before


def test_while_the_authority_is_away_an_environment_never_mirrored_stays_shut(backend: WorkBackend) -> None:
    authority = granted()
    authority.is_reachable = False
    assert backend.store.sync_mirror(PRO, authority).outcome is SyncOutcome.UNREACHABLE
    assert backend.store.extend_lease(caller(), authority) == refused(TaskRefusal.AUTHORITY_UNREACHABLE)
    assert backend.store.mirror(PRO) is None


def test_on_a_new_timeline_everybody_waits_for_a_lease_it_may_have_lost(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    backend.change_timeline()
    assert backend.store.claim(who, authority, limit=1) == refused(TaskRefusal.NOT_BEFORE)
    mirror = mirror_of(backend.store)
    assert mirror.not_before is not None
    assert abs(mirror.not_before - backend.now() - LEASE_AND_MARGIN_S * SECOND) < 2 * SECOND
    backend.pass_time(LEASE_AND_MARGIN_S + 1)
    working(backend.store, authority)
    assert claimed(backend.store.claim(who, authority, limit=1)) == []


def test_a_raise_on_a_new_timeline_keeps_the_longer_of_both_waits(backend: WorkBackend) -> None:
    authority = granted()
    working(backend.store, authority)
    backend.pass_time(1000)
    backend.change_timeline()
    authority.grant(DR, 200)
    mirror = backend.store.sync_mirror(PRO, authority).mirror
    assert mirror is not None
    assert mirror.not_before is not None
    assert abs(mirror.not_before - backend.now() - LEASE_AND_MARGIN_S * SECOND) < 2 * SECOND
    assert backend.store.sync_mirror(PRO, authority).mirror == mirror


def test_a_holder_marked_failed_gets_neither_lease_nor_tasks(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    authority.mark_holder_failed()
    assert backend.store.extend_lease(who, authority) == refused(TaskRefusal.HOLDER_FAILED)
    assert backend.store.claim(who, authority, limit=1) == refused(TaskRefusal.HOLDER_FAILED)


def test_a_draining_holder_finishes_its_tasks_and_gets_no_new_ones(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1", "t2")
    claimed(backend.store.claim(who, authority, limit=1))
    request = OperationRequest(
        id="PRO-1", kind=OperationKind.FAILBACK, environment=PRO, requested_by="operator", requested_at=T0
    )
    authority.drain(request)
    assert backend.store.claim(who, authority, limit=1) == refused(TaskRefusal.DRAINING)
    assert backend.store.extend_lease(who, authority) == LeaseGranted(POLICY.lease_s)
    done = TaskReport(task_id="t1", attempt=1, status=TaskStatus.SUCCEEDED, result={})
    assert backend.store.report(who, authority, done) is Reported.ACCEPTED


def test_the_authority_is_read_anew_for_every_decision(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    reads = authority.reads
    for _ in range(3):
        backend.store.claim(who, authority, limit=1)
    assert authority.reads == reads + 3


def test_environments_do_not_touch_each_other(backend: WorkBackend) -> None:
    authority = granted()
    working(backend.store, authority)
    assert backend.store.mirror("NPR") is None
    assert backend.store.claim(caller(environment="NPR"), Authority(), limit=1) == refused(TaskRefusal.NOT_HOLDER)
    assert backend.store.claimed_under("NPR", FencingToken(100)) == 0
