"""What happens when a raise, claims and reports meet; each race is held open by an authority that answers late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import psycopg
import pytest

from shared.domain.faults import OutcomeUnknown
from shared.domain.guard import SyncOutcome
from shared.domain.tasks import TaskRefusal, TaskStatus
from shared.ports import LeaseGranted, Reported, TaskReport, WorkRefused
from tests.contract.work.backends import (
    DR,
    POLICY,
    PRIMARY,
    PRO,
    Authority,
    MemoryBackend,
    PostgresBackend,
    WorkBackend,
    caller,
    claimed,
    config,
    granted,
    queue,
    working,
)

SHORT_S = 0.3  # long enough for a raise that nothing holds up to be over many times


class Gate:
    """Holds a reader of the authority until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._opened = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        assert self._opened.wait(10)

    def open(self) -> None:
        self._opened.set()


@contextmanager
def threads(count: int = 2) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(count) as pool:
        yield pool


def done(task_id: str) -> TaskReport:
    return TaskReport(task_id=task_id, attempt=1, status=TaskStatus.SUCCEEDED, result={})


def test_a_raise_waits_for_an_open_report_which_then_lands_before_it(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1")
    claimed(backend.store.claim(who, authority, limit=1))
    gate, newer = Gate(), granted(200, DR)
    with threads() as pool:
        slow = Authority(lock=authority.lock, before_read=gate)  # it will have read the lock of before the raise
        report = pool.submit(backend.store.report, who, slow, done("t1"))
        assert gate.entered.wait(5)
        raised = pool.submit(backend.store.sync_mirror, PRO, newer)
        assert not wait([raised], timeout=SHORT_S).done, "the raise passed an open guarded transaction"
        gate.open()
        assert report.result(5) is Reported.ACCEPTED
        assert raised.result(5).outcome is SyncOutcome.RAISED
        assert raised.result().requeued == 0
    assert backend.store.report(who, newer, done("t2")) == WorkRefused(TaskRefusal.NOT_HOLDER)


def test_a_raise_waits_for_an_open_claim_and_takes_its_tasks_back(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1")
    gate, newer = Gate(), granted(200, DR)
    with threads() as pool:
        slow = Authority(lock=authority.lock, before_read=gate)
        claim = pool.submit(backend.store.claim, who, slow, limit=1)
        assert gate.entered.wait(5)
        raised = pool.submit(backend.store.sync_mirror, PRO, newer)
        assert not wait([raised], timeout=SHORT_S).done, "the raise passed an open guarded transaction"
        gate.open()
        assert len(claimed(claim.result(5))) == 1
        assert raised.result(5).requeued == 1
    assert backend.store.running_tasks(PRO) == 0


def test_a_raise_waits_for_an_open_lease_and_reckons_with_it(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    backend.pass_time(POLICY.lease_s + 1)
    gate, newer = Gate(), granted(200, DR)
    with threads() as pool:
        slow = Authority(lock=authority.lock, before_read=gate)
        lease = pool.submit(backend.store.extend_lease, who, slow)
        assert gate.entered.wait(5)
        raised = pool.submit(backend.store.sync_mirror, PRO, newer)
        assert not wait([raised], timeout=SHORT_S).done, "the raise passed an open lease"
        gate.open()
        assert lease.result(5) == LeaseGranted(POLICY.lease_s)
        mirror = raised.result(5).mirror
    assert mirror is not None
    assert mirror.not_before is not None
    assert (mirror.not_before - backend.now()).total_seconds() > POLICY.lease_s


def test_of_two_first_syncs_one_makes_the_mirror_and_the_other_finds_it(backend: WorkBackend) -> None:
    gate, authority = Gate(), granted()
    with threads() as pool:
        first = pool.submit(backend.store.sync_mirror, PRO, Authority(lock=authority.lock, before_read=gate))
        assert gate.entered.wait(5)
        second = pool.submit(backend.store.sync_mirror, PRO, authority)
        assert not wait([second], timeout=SHORT_S).done
        gate.open()
        assert [first.result(5).outcome, second.result(5).outcome] == [SyncOutcome.RAISED, SyncOutcome.CURRENT]
        assert first.result().mirror == second.result().mirror


def test_a_sync_that_read_an_older_lock_late_does_not_lower_the_fence(backend: WorkBackend) -> None:
    gate, older, newer = Gate(), granted(200, DR), granted(300, PRIMARY)
    backend.store.sync_mirror(PRO, granted())
    with threads() as pool:
        late = pool.submit(backend.store.sync_mirror, PRO, Authority(lock=older.lock, before_read=gate))
        assert gate.entered.wait(5)
        raised = pool.submit(backend.store.sync_mirror, PRO, newer)
        gate.open()
        assert late.result(5).outcome is SyncOutcome.RAISED
        assert raised.result(5).outcome is SyncOutcome.RAISED
    mirror = backend.store.mirror(PRO)
    assert mirror is not None
    assert (mirror.token, mirror.holder) == (300, PRIMARY)


def test_callers_at_once_never_get_the_same_task(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    names = [f"t{number:03}" for number in range(60)]
    queue(backend.store, config(), *names)

    def take(_: int) -> list[str]:
        mine: list[str] = []
        while batch := claimed(backend.store.claim(who, authority, limit=3)):
            mine += [task.id for task in batch]
        return mine

    with threads(6) as pool:
        taken = [name for mine in pool.map(take, range(6)) for name in mine]
    assert sorted(taken) == names


def test_a_claim_passes_over_a_task_somebody_else_has_locked(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend, psycopg.connect(database_url) as other:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1", "t2")
        other.execute("select 1 from tasks where id = 't1' for update")
        assert [task.id for task in claimed(backend.store.claim(who, authority, limit=2))] == ["t2"]


def test_a_task_that_bears_an_older_token_takes_no_report(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1")
        claimed(backend.store.claim(who, authority, limit=1))
        backend.sql_without_triggers("update tasks set fencing_token = 50")
        assert backend.store.report(who, authority, done("t1")) == WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)
        assert backend.store.running_tasks(PRO) == 1


def test_a_small_pool_and_a_slow_authority_cannot_lock_each_other_up(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY, pool_size=2) as backend:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), *(f"t{number}" for number in range(20)))
        pause = threading.Event()
        slow = Authority(lock=authority.lock, before_read=lambda: pause.wait(0.05))
        with threads(20) as pool:
            answers = list(pool.map(lambda _: claimed(backend.store.claim(who, slow, limit=1)), range(20)))
        assert len({task.id for (task,) in answers}) == 20


@pytest.mark.parametrize("point", ["begin", "locked", "commit", "committed"])
def test_the_emulator_breaks_off_where_it_is_told_to(point: str) -> None:
    backend, authority = MemoryBackend(POLICY), granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1")

    def break_off(reached: str) -> None:
        if reached == point:
            raise OutcomeUnknown(point)

    backend.store.database.fault = break_off
    with pytest.raises(OutcomeUnknown):
        backend.store.claim(who, authority, limit=1)
    assert backend.store.running_tasks(PRO) == (1 if point == "committed" else 0)


def test_the_emulator_loses_what_was_committed_after_its_snapshot() -> None:
    backend, authority = MemoryBackend(POLICY), granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1")
    image = backend.store.database.snapshot()
    claimed(backend.store.claim(who, authority, limit=1))
    authority.grant(DR, 200)
    backend.store.sync_mirror(PRO, authority)
    backend.store.database.restore(image, timeline="00000002")
    mirror = backend.store.mirror(PRO)
    assert mirror is not None
    assert mirror.token == 100
    assert backend.store.claimed_under(PRO, caller().token) == 0
    assert backend.store.claim(who, authority, limit=1) == WorkRefused(TaskRefusal.NOT_HOLDER)
