"""How tasks are queued, claimed, reported on, and taken from gateways that were lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.environments import Role
from shared.domain.faults import IdempotencyKeyReused, UnknownConfig, UnknownTask
from shared.domain.fencing import FencingToken
from shared.domain.guard import Caller, SyncOutcome
from shared.domain.refusals import JsonValue
from shared.domain.tasks import OnLostOwner, Task, TaskRefusal, TaskStatus, UnfinishedTasks
from shared.ports import LeaseGranted, Reported, TaskReport, WorkRefused, WorkStore
from tests.contract.work.backends import (
    DR,
    POLICY,
    PRIMARY,
    PRO,
    Authority,
    WorkBackend,
    caller,
    claimed,
    config,
    gateway,
    granted,
    queue,
    working,
)


def report(
    task_id: str,
    status: TaskStatus = TaskStatus.SUCCEEDED,
    *,
    attempt: int = 1,
    result: dict[str, JsonValue] | None = None,
) -> TaskReport:
    return TaskReport(task_id=task_id, attempt=attempt, status=status, result=result or {})


def running(store: WorkStore, authority: Authority, who: Caller, *task_ids: str) -> list[Task]:
    """Queue and claim tasks; return them."""
    queue(store, config(), *task_ids)
    return claimed(store.claim(who, authority, limit=len(task_ids)))


def only_task(store: WorkStore, *, gateway_id: str = PRIMARY) -> Task:
    (task,) = store.tasks(PRO, gateway_id=gateway_id, holder=True, status=None, limit=10)
    return task


def test_tasks_are_claimed_oldest_first_and_once(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "t1", "t2", "t3")
    first = claimed(backend.store.claim(who, authority, limit=2))
    second = claimed(backend.store.claim(who, authority, limit=2))
    assert [task.id for task in first + second] == ["t1", "t2", "t3"]
    assert claimed(backend.store.claim(who, authority, limit=2)) == []


def test_a_claimed_task_names_its_claim_and_what_to_do(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    (task,) = running(backend.store, authority, who, "t1")
    assert (task.status, task.gateway_id, task.token, task.attempt) == (TaskStatus.RUNNING, PRIMARY, 100, 1)
    assert (task.idempotency_key, task.payload, task.result) == ("t1", {"secret": "db"}, {})
    assert task.claimed_at == task.progressed_at is not None
    assert (backend.store.running_tasks(PRO), backend.store.pending_tasks(PRO)) == (1, 0)
    assert only_task(backend.store) == task


def test_a_completed_task_keeps_who_did_it(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    running(backend.store, authority, who, "t1")
    answer = backend.store.report(who, authority, report("t1", result={"version": 7}))
    assert answer is Reported.ACCEPTED
    task = only_task(backend.store)
    assert (task.status, task.gateway_id, task.token, task.attempt) == (TaskStatus.SUCCEEDED, PRIMARY, 100, 1)
    assert task.result == {"version": 7}
    assert task.completed_at is not None
    assert backend.store.running_tasks(PRO) == 0


@pytest.mark.parametrize("status", [TaskStatus.SUCCEEDED, TaskStatus.FAILED])
def test_the_same_end_reported_again_is_repeated_and_another_is_refused(
    backend: WorkBackend, status: TaskStatus
) -> None:
    authority = granted()
    who = working(backend.store, authority)
    running(backend.store, authority, who, "t1")
    backend.store.report(who, authority, report("t1", status, result={"a": [1, {"b": None}]}))
    ended = only_task(backend.store)
    again = report("t1", status, result={"a": [1, {"b": None}]})
    assert backend.store.report(who, authority, again) is Reported.REPEATED
    other_status = TaskStatus.FAILED if status is TaskStatus.SUCCEEDED else TaskStatus.SUCCEEDED
    for other in (
        report("t1", status, result={"a": 2}),
        report("t1", other_status, result={"a": [1, {"b": None}]}),
        report("t1", TaskStatus.RUNNING),
    ):
        assert backend.store.report(who, authority, other) == WorkRefused(TaskRefusal.ALREADY_DONE)
    assert only_task(backend.store) == ended


def test_an_end_accepted_before_the_lock_moved_is_still_repeated_after_it(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    running(backend.store, authority, who, "t1")
    backend.store.report(who, authority, report("t1", result={"version": 7}))
    authority.grant(DR, 200)
    assert backend.store.report(who, authority, report("t1", result={"version": 7})) is Reported.REPEATED
    assert backend.store.report(who, authority, report("t1")) == WorkRefused(TaskRefusal.NOT_HOLDER)
    newer = caller(PRIMARY, 200)
    refused = backend.store.report(newer, authority, report("t1", result={"version": 7}))
    assert refused == WorkRefused(TaskRefusal.NOT_HOLDER)


@pytest.mark.parametrize("attempt", [0, 2])
def test_a_report_on_another_attempt_is_superseded(backend: WorkBackend, attempt: int) -> None:
    authority = granted()
    who = working(backend.store, authority)
    (task,) = running(backend.store, authority, who, "t1")
    refused = WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)
    assert backend.store.report(who, authority, report("t1", attempt=attempt)) == refused
    assert only_task(backend.store) == task


def test_a_report_on_a_task_that_does_not_exist_is_the_callers_fault(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    with pytest.raises(UnknownTask):
        backend.store.report(who, authority, report("t9"))


def test_a_gateway_cannot_reach_a_task_of_another_environment(backend: WorkBackend) -> None:
    authority = granted()
    running(backend.store, authority, working(backend.store, authority), "t1")
    elsewhere = Authority(lock=replace(authority.lock, environment="NPR") if authority.lock else None)
    intruder = caller(environment="NPR")
    assert backend.store.extend_lease(intruder, elsewhere) == LeaseGranted(POLICY.lease_s)
    with pytest.raises(UnknownTask):
        backend.store.report(intruder, elsewhere, report("t1"))
    assert claimed(backend.store.claim(intruder, elsewhere, limit=1)) == []
    assert backend.store.running_tasks(PRO) == 1


def test_progress_keeps_a_task_from_expiring(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    running(backend.store, authority, who, "t1")
    for percent in (40, 80):
        backend.pass_time(POLICY.task_timeout_s - 5)
        progress = report("t1", TaskStatus.RUNNING, result={"percent": percent})
        assert backend.store.report(working(backend.store, authority), authority, progress) is Reported.ACCEPTED
        assert backend.store.expire_tasks() == []
    assert only_task(backend.store).result == {"percent": 80}


def test_a_silent_task_is_queued_again_and_its_late_end_is_refused(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    running(backend.store, authority, who, "t1")
    backend.pass_time(POLICY.task_timeout_s + 1)
    (left,) = backend.store.expire_tasks()
    assert (left.id, left.status, left.attempt, left.token, left.gateway_id) == (
        "t1",
        TaskStatus.PENDING,
        1,
        None,
        None,
    )
    assert backend.store.expire_tasks() == []
    working(backend.store, authority)
    superseded = WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)
    assert backend.store.report(who, authority, report("t1")) == superseded
    (again,) = claimed(backend.store.claim(who, authority, limit=1))
    assert (again.attempt, again.idempotency_key) == (2, "t1")
    assert backend.store.report(who, authority, report("t1")) == superseded
    assert backend.store.report(who, authority, report("t1", attempt=2)) is Reported.ACCEPTED
    assert backend.store.report(who, authority, report("t1")) == superseded
    assert backend.store.claimed_under(PRO, FencingToken(100)) == 1


def test_a_silent_task_that_must_not_run_twice_is_held_in_doubt(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(OnLostOwner.HOLD), "t1")
    claimed(backend.store.claim(who, authority, limit=1))
    backend.pass_time(POLICY.task_timeout_s + 1)
    (left,) = backend.store.expire_tasks()
    assert (left.status, left.gateway_id, left.token) == (TaskStatus.IN_DOUBT, PRIMARY, 100)
    working(backend.store, authority)
    assert backend.store.report(who, authority, report("t1")) == WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)
    assert claimed(backend.store.claim(who, authority, limit=1)) == []


def test_a_task_that_used_up_its_attempts_fails_and_stays_failed(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(max_attempts=2), "t1")
    for expected in (TaskStatus.PENDING, TaskStatus.FAILED):
        claimed(backend.store.claim(who, authority, limit=1))
        backend.pass_time(POLICY.task_timeout_s + 1)
        (left,) = backend.store.expire_tasks()
        assert left.status is expected
        working(backend.store, authority)
    assert left.completed_at is not None
    late = report("t1", TaskStatus.FAILED, attempt=2)
    assert backend.store.report(who, authority, late) == WorkRefused(TaskRefusal.ALREADY_DONE)
    backend.pass_time(POLICY.task_timeout_s + 1)
    assert backend.store.expire_tasks() == []


def test_raising_the_fence_hands_unfinished_tasks_back_as_their_configs_say(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), "again", "done", "queued")
    queue(backend.store, config(OnLostOwner.HOLD), "doubtful")
    queue(backend.store, config(max_attempts=1), "spent")
    everything = claimed(backend.store.claim(who, authority, limit=2))
    backend.store.report(who, authority, report("done"))
    backend.store.expire_tasks()
    everything += claimed(backend.store.claim(who, authority, limit=10))
    assert len(everything) == 5
    authority.grant(DR, 200)
    sync = backend.store.sync_mirror(PRO, authority)
    assert (sync.outcome, sync.requeued, sync.in_doubt, sync.failed) == (SyncOutcome.RAISED, 2, 1, 1)
    left = backend.store.tasks(PRO, gateway_id=PRIMARY, holder=True, status=None, limit=10)
    assert {task.id: task.status for task in left} == {
        "again": TaskStatus.PENDING,
        "queued": TaskStatus.PENDING,
        "done": TaskStatus.SUCCEEDED,
        "doubtful": TaskStatus.IN_DOUBT,
        "spent": TaskStatus.FAILED,
    }
    assert backend.store.claimed_under(PRO, FencingToken(100)) == 5
    assert backend.store.report(who, authority, report("again")) == WorkRefused(TaskRefusal.NOT_HOLDER)


def test_a_recovered_holder_cannot_finish_what_it_claimed_under_its_former_token(backend: WorkBackend) -> None:
    authority = granted()
    running(backend.store, authority, working(backend.store, authority), "t1")
    authority.grant(PRIMARY, 200)
    backend.store.sync_mirror(PRO, authority)
    backend.pass_time(POLICY.lease_s + POLICY.server_margin_s + 1)
    who = working(backend.store, authority, token=200)
    assert backend.store.report(who, authority, report("t1")) == WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)
    (again,) = claimed(backend.store.claim(who, authority, limit=1))
    assert (again.attempt, again.token) == (2, 200)
    assert backend.store.claimed_under(PRO, FencingToken(100)) == 1
    assert backend.store.claimed_under(PRO, FencingToken(200)) == 1


def test_the_same_request_queues_one_task_within_a_config(backend: WorkBackend) -> None:
    one = config()
    backend.store.put_config(one)
    first = backend.store.add_task(one, task_id="t1", idempotency_key="monday")
    assert backend.store.add_task(one, task_id="t2", idempotency_key="monday") == first
    assert backend.store.pending_tasks(PRO) == 1


def test_a_key_that_came_with_another_config_or_body_queues_nothing(backend: WorkBackend) -> None:
    one, other = config(), config(max_attempts=1)
    backend.store.put_config(one)
    backend.store.put_config(other)
    first = backend.store.add_task(one, task_id="t1", idempotency_key="monday", request_digest="a")
    for what, digest in ((other, "a"), (one, "b")):
        with pytest.raises(IdempotencyKeyReused):
            backend.store.add_task(what, task_id="t2", idempotency_key="monday", request_digest=digest)
    assert backend.store.pending_tasks(PRO) == 1
    again = backend.store.add_task(one, task_id="t3", idempotency_key="monday", request_digest="a")
    assert again == first


def test_a_key_of_one_environment_says_nothing_in_another(backend: WorkBackend) -> None:
    elsewhere = replace(config(max_attempts=1), environment="NPR")
    for what in (config(), elsewhere):
        backend.store.put_config(what)
    backend.store.add_task(config(), task_id="t1", idempotency_key="monday")
    assert backend.store.add_task(elsewhere, task_id="t2", idempotency_key="monday").id == "t2"


def test_a_claim_hands_out_one_task_per_second_of_lease_that_is_left(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(), *(f"t{number}" for number in range(10)))
    backend.pass_time(POLICY.lease_s - 3)
    batch = claimed(backend.store.claim(who, authority, limit=10))
    assert 1 <= len(batch) <= 3
    working(backend.store, authority)
    assert len(claimed(backend.store.claim(who, authority, limit=10))) == 10 - len(batch)


def test_a_task_of_a_config_that_was_never_stored_is_the_callers_fault(backend: WorkBackend) -> None:
    with pytest.raises(UnknownConfig):
        backend.store.add_task(config(), task_id="t1", idempotency_key="monday")
    assert backend.store.pending_tasks(PRO) == 0


def test_tasks_are_listed_newest_first_and_the_unclaimed_ones_for_the_holder(backend: WorkBackend) -> None:
    authority = granted()
    who = working(backend.store, authority)
    running(backend.store, authority, who, "t1", "t2")
    backend.store.report(who, authority, report("t1"))
    backend.pass_time(1)
    queue(backend.store, config(), "t3")

    def listed(*, gateway_id: str, holder: bool, status: TaskStatus | None = None, limit: int = 10) -> list[str]:
        tasks = backend.store.tasks(PRO, gateway_id=gateway_id, holder=holder, status=status, limit=limit)
        return [task.id for task in tasks]

    assert listed(gateway_id=PRIMARY, holder=True) == ["t3", "t2", "t1"]
    assert listed(gateway_id=PRIMARY, holder=False) == ["t2", "t1"]
    assert listed(gateway_id=PRIMARY, holder=True, limit=1) == ["t3"]
    assert listed(gateway_id=PRIMARY, holder=True, status=TaskStatus.SUCCEEDED) == ["t1"]
    assert listed(gateway_id=DR, holder=True) == ["t3"]
    assert listed(gateway_id=DR, holder=False) == []


def test_a_config_is_kept_and_replaced(backend: WorkBackend) -> None:
    assert backend.store.config("cfg-hold-3") is None
    backend.store.put_config(config(OnLostOwner.HOLD))
    assert backend.store.config("cfg-hold-3") == config(OnLostOwner.HOLD)
    queue(backend.store, config(), "t1")
    assert backend.store.config("cfg-requeue-3") == config()


def test_a_registration_is_copied_without_its_liveness(backend: WorkBackend) -> None:
    known = gateway(PRIMARY, Role.PRIMARY)
    assert backend.store.copied_gateway(PRIMARY) is None
    backend.store.copy_gateway(known)
    backend.store.copy_gateway(known)
    assert backend.store.copied_gateway(PRIMARY) == known


def test_tasks_that_have_not_ended_are_counted_by_environment(backend: WorkBackend) -> None:
    assert backend.store.unfinished_tasks().get(PRO, UnfinishedTasks()) == UnfinishedTasks()
    authority = granted()
    who = working(backend.store, authority)
    queue(backend.store, config(OnLostOwner.HOLD), "doubtful")
    claimed(backend.store.claim(who, authority, limit=1))
    backend.pass_time(POLICY.task_timeout_s + 1)
    backend.store.expire_tasks()
    queue(backend.store, config(), "done", "runs", "waits", "waits-too")
    working(backend.store, authority)
    claimed(backend.store.claim(who, authority, limit=2))
    backend.store.report(who, authority, report("done"))
    backend.pass_time(5)
    counted = backend.store.unfinished_tasks()[PRO]
    assert (counted.pending, counted.running, counted.in_doubt) == (2, 1, 1)
    assert 5.0 <= counted.oldest_pending_age_s < 20.0
