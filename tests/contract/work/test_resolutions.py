"""A person ends the doubt about a task: once, with a reason, and the same decision again changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shared.domain.faults import UnknownTask
from shared.domain.tasks import OnLostOwner, Resolution, Task, TaskCursor, TaskRefusal, TaskStatus, TaskVerdict
from shared.ports import Reported, TaskNotResolved, TaskReport, TaskResolved, WorkRefused, WorkStore
from tests.contract.work.backends import (
    DR,
    POLICY,
    PRIMARY,
    PRO,
    Authority,
    PostgresBackend,
    WorkBackend,
    claimed,
    config,
    granted,
    queue,
    working,
)


def verdict(resolution: Resolution) -> TaskVerdict:
    return TaskVerdict(resolution=resolution, by="operator", reason="looked at the vault")


def in_doubt(backend: WorkBackend, authority: Authority, task_id: str = "t1") -> Task:
    """Return a task whose gateway fell silent over work that must not be repeated blindly."""
    queue(backend.store, config(OnLostOwner.HOLD), task_id)
    claimed(backend.store.claim(working(backend.store, authority), authority, limit=1))
    backend.pass_time(POLICY.task_timeout_s + 1)
    (left,) = backend.store.expire_tasks()
    assert left.status is TaskStatus.IN_DOUBT
    return left


def task(store: WorkStore, task_id: str = "t1") -> Task:
    found = store.task_page(environment=None, status=None, limit=100, after=None)
    return next(one for one in found if one.id == task_id)


def accepted(answer: TaskResolved | TaskNotResolved) -> TaskResolved:
    assert isinstance(answer, TaskResolved), answer
    return answer


@pytest.mark.parametrize(
    ("resolution", "status"), [(Resolution.DONE, TaskStatus.SUCCEEDED), (Resolution.GIVE_UP, TaskStatus.FAILED)]
)
def test_a_resolution_ends_the_task_and_keeps_who_had_it(
    backend: WorkBackend, resolution: Resolution, status: TaskStatus
) -> None:
    authority = granted()
    doubtful = in_doubt(backend, authority)
    answer = accepted(backend.store.resolve_task("t1", verdict(resolution)))
    assert (answer.before, answer.repeated) == (doubtful, False)
    assert answer.after == task(backend.store)
    assert (answer.after.status, answer.after.attempt, answer.after.gateway_id) == (status, 1, PRIMARY)
    assert answer.after.result == {"interrupted": "no_progress", "resolution": resolution.value}
    assert answer.after.completed_at is not None
    late = TaskReport(task_id="t1", attempt=1, status=TaskStatus.SUCCEEDED, result={})
    refused = backend.store.report(working(backend.store, authority), authority, late)
    assert refused == WorkRefused(TaskRefusal.ALREADY_DONE)


def test_a_retry_queues_the_task_under_its_next_attempt_and_kills_the_one_before(backend: WorkBackend) -> None:
    authority = granted()
    in_doubt(backend, authority)
    left = accepted(backend.store.resolve_task("t1", verdict(Resolution.RETRY))).after
    assert (left.status, left.attempt, left.token, left.gateway_id) == (TaskStatus.PENDING, 1, None, None)
    assert left.result == {}
    who = working(backend.store, authority)
    (again,) = claimed(backend.store.claim(who, authority, limit=1))
    assert (again.id, again.attempt, again.idempotency_key) == ("t1", 2, "t1")
    late = TaskReport(task_id="t1", attempt=1, status=TaskStatus.SUCCEEDED, result={})
    assert backend.store.report(who, authority, late) == WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)


def test_a_retry_is_granted_even_after_the_last_attempt(backend: WorkBackend) -> None:
    authority = granted()
    queue(backend.store, config(OnLostOwner.HOLD, max_attempts=1), "t1")
    claimed(backend.store.claim(working(backend.store, authority), authority, limit=1))
    backend.pass_time(POLICY.task_timeout_s + 1)
    backend.store.expire_tasks()
    assert accepted(backend.store.resolve_task("t1", verdict(Resolution.RETRY))).after.status is TaskStatus.PENDING


@pytest.mark.parametrize("resolution", Resolution)
def test_the_same_decision_again_is_repeated_and_another_is_refused(
    backend: WorkBackend, resolution: Resolution
) -> None:
    in_doubt(backend, granted())
    first = accepted(backend.store.resolve_task("t1", verdict(resolution)))
    again = accepted(backend.store.resolve_task("t1", verdict(resolution)))
    assert (again.before, again.after, again.repeated) == (first.after, first.after, True)
    for other in set(Resolution) - {resolution}:
        answer = backend.store.resolve_task("t1", verdict(other))
        assert answer == TaskNotResolved(task=first.after, earlier=resolution)
    assert task(backend.store) == first.after


def test_a_repeated_retry_does_not_take_the_task_from_whoever_has_claimed_it_since(backend: WorkBackend) -> None:
    authority = granted()
    in_doubt(backend, authority)
    backend.store.resolve_task("t1", verdict(Resolution.RETRY))
    who = working(backend.store, authority)
    (again,) = claimed(backend.store.claim(who, authority, limit=1))
    assert accepted(backend.store.resolve_task("t1", verdict(Resolution.RETRY))).repeated
    assert task(backend.store) == again
    done = TaskReport(task_id="t1", attempt=2, status=TaskStatus.SUCCEEDED, result={})
    assert backend.store.report(who, authority, done) is Reported.ACCEPTED


def test_a_task_that_is_in_doubt_again_needs_another_decision(backend: WorkBackend) -> None:
    authority = granted()
    in_doubt(backend, authority)
    backend.store.resolve_task("t1", verdict(Resolution.RETRY))
    claimed(backend.store.claim(working(backend.store, authority), authority, limit=1))
    backend.pass_time(POLICY.task_timeout_s + 1)
    backend.store.expire_tasks()
    answer = accepted(backend.store.resolve_task("t1", verdict(Resolution.DONE)))
    assert (answer.repeated, answer.after.status, answer.after.attempt) == (False, TaskStatus.SUCCEEDED, 2)


def test_a_task_that_was_never_in_doubt_is_left_alone(backend: WorkBackend) -> None:
    authority = granted()
    queue(backend.store, config(), "t1")
    for _ in range(2):
        before = task(backend.store)
        answer = backend.store.resolve_task("t1", verdict(Resolution.DONE))
        assert answer == TaskNotResolved(task=before, earlier=None)
        assert task(backend.store) == before
        claimed(backend.store.claim(working(backend.store, authority), authority, limit=1))
    with pytest.raises(UnknownTask):
        backend.store.resolve_task("t9", verdict(Resolution.DONE))


def test_of_contrary_decisions_at_once_one_stands(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend, ThreadPoolExecutor(6) as pool:
        in_doubt(backend, granted())
        wanted = [*Resolution, *Resolution]
        answers = list(pool.map(lambda one: backend.store.resolve_task("t1", verdict(one)), wanted))
        stood = [one for one in answers if isinstance(one, TaskResolved)]
        assert sorted(one.repeated for one in stood) == [False, True]
        rows = backend.sql("select attempt, resolved_by, reason from task_resolutions")
        assert rows == [(1, "operator", "looked at the vault")]


def test_a_decision_waits_for_whoever_is_just_changing_the_task(database_url: str) -> None:
    with (
        PostgresBackend(database_url, POLICY) as backend,
        psycopg.connect(database_url) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        in_doubt(backend, granted())
        other.execute("update tasks set status = 'failed', completed_at = now()")
        answer = pool.submit(backend.store.resolve_task, "t1", verdict(Resolution.DONE))
        with pytest.raises(TimeoutError):
            answer.result(0.3)
        other.commit()
        refused = answer.result(10)
        assert isinstance(refused, TaskNotResolved)
        assert refused.task.status is TaskStatus.FAILED


def test_a_page_of_tasks_begins_where_the_one_before_ended_although_tasks_came_meanwhile(
    backend: WorkBackend,
) -> None:
    for number in range(5):
        queue(backend.store, config(), f"t{number}")
        backend.pass_time(1)
    first = backend.store.task_page(environment=PRO, status=None, limit=2, after=None)
    end = TaskCursor(created_at=first[-1].created_at, id=first[-1].id)
    queue(backend.store, config(), "t5")
    rest = backend.store.task_page(environment=PRO, status=None, limit=10, after=end)
    assert [one.id for one in [*first, *rest]] == ["t4", "t3", "t2", "t1", "t0"]
    of_holder = backend.store.tasks(PRO, gateway_id=DR, holder=True, status=None, limit=2, after=end)
    assert [one.id for one in of_holder] == ["t2", "t1"]
    assert backend.store.task_page(environment="NPR", status=None, limit=10, after=None) == []
    assert backend.store.task_page(environment=PRO, status=TaskStatus.IN_DOUBT, limit=10, after=None) == []
