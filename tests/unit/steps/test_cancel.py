"""Cancelling an operation: before the point of no return only, and from then on nothing moves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.clusters import PowerState
from shared.domain.faults import OutcomeUnknown, UnknownOperation
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.operations import Operation, OperationKind, OperationRequest, OperationStatus, Step, StepStatus
from shared.domain.refusals import RefusalCode, Refused
from shared.flows.commands import StepOutcome
from shared.ports import LockStore
from shared.steps.answer_operation import Answered, approve_operation, cancel_operation
from shared.steps.reconcile import running_operations
from shared.steps.run_step import run_step
from tests.unit.steps.acting import begun, carried_out, everything, failed_over, with_primary_back


def cancelled(world: World, request: OperationRequest) -> Answered:
    done = cancel_operation(world.ports, request.id, actor="second", reason="a false alarm")
    assert isinstance(done, Answered), done
    return done


def cancelled_at(world: World, kind: OperationKind, step: Step) -> Operation:
    """Carry an operation out, cancel it when `step` is about to run for the first time, and return its record."""
    request = begun(world, kind)
    times = iter(range(1000))

    def sleep(seconds: float) -> None:
        world.pass_time(seconds)
        record = next(one for one in world.operation(request.id).steps if one.step is step)
        if record.status is StepStatus.RUNNING and next(times) == 0:
            cancelled(world, request)

    run_operation(world.ports, request, sleep=sleep)
    return world.operation(request.id)


def test_a_failover_cancelled_while_the_cluster_starts_ends_cancelled_and_the_primary_keeps_the_lock() -> None:
    world = World().with_failed_primary()
    before = world.lock

    operation = cancelled_at(world, OperationKind.FAILOVER, Step.START_DR_CLUSTER)

    assert operation.status is OperationStatus.CANCELLED
    assert operation.error["code"] == "OperationCancelled"
    assert operation.error["detail"] == "cancelled by second: a false alarm"
    assert operation.error["lock_moved"] is False
    assert (world.lock.holder, world.lock.token, world.lock.operation) == (before.holder, before.token, None)
    statuses = {record.step: record.status for record in operation.steps}
    assert statuses[Step.START_DR_CLUSTER] is StepStatus.SKIPPED
    assert statuses[Step.ACTIVATE_DR] is StepStatus.PENDING


def test_the_cluster_that_a_cancelled_failover_started_is_left_running_and_stopped_after_the_hold_time() -> None:
    world = World().with_failed_primary()
    operation = cancelled_at(world, OperationKind.FAILOVER, Step.START_DR_CLUSTER)
    assert operation.ended_at is not None
    assert world.lock.stop_dr_due_at == operation.ended_at + timedelta(seconds=world.policy.hold_s)
    assert world.clusters.calls == ["start"]

    world.pass_time(world.policy.hold_s + 300)
    stops = [request for request in running_operations(world.ports) if request.kind is OperationKind.STOP_DR_CLUSTER]
    assert len(stops) == 1
    run_operation(world.ports, stops[0], sleep=world.pass_time)
    assert world.clusters.state(world.ports.environments["PRO"].dr_cluster).power is PowerState.STOPPED


def test_a_cluster_that_somebody_else_started_is_not_planned_to_be_stopped() -> None:
    world = World().with_failed_primary()
    world.clusters.begin_start(world.ports.environments["PRO"].dr_cluster)

    operation = cancelled_at(world, OperationKind.FAILOVER, Step.START_DR_CLUSTER)

    assert operation.status is OperationStatus.CANCELLED
    assert world.lock.stop_dr_due_at is None


def test_a_failback_cancelled_while_it_drains_lets_the_dr_gateway_claim_again() -> None:
    world = with_primary_back(failed_over())
    request = begun(world, OperationKind.FAILBACK)
    assert run_step(world.ports, request, Step.VERIFY_PRIMARY_RECOVERED, {}).outcome is StepOutcome.DONE
    run_step(world.ports, request, Step.DRAIN_DR_GATEWAY, {})
    assert world.lock.draining

    cancelled(world, request)
    run_operation(world.ports, request, sleep=world.pass_time)

    assert world.operation(request.id).status is OperationStatus.CANCELLED
    assert (world.lock.holder, world.lock.draining) == (world.dr.id, False)
    assert world.lock.stop_dr_due_at is None


def test_a_move_that_was_judged_before_the_cancellation_never_lands() -> None:
    world = World().with_failed_primary()
    request = begun(world)
    judged = run_step(world.ports, request, Step.LOOK_AGAIN, {})
    assert judged.outcome is StepOutcome.DONE
    before = world.lock.token
    cancelled(world, request)

    moved = run_step(world.ports, request, Step.ACTIVATE_DR, judged.data)

    assert (moved.outcome, moved.error["code"]) == (StepOutcome.STOPPED, "OperationCancelled")
    assert world.lock.token == before
    # Its request to the store may still be on its way: the version it was judged at is no more.
    assert world.ports.locks.read("PRO").etag != judged.data["etag"]  # type: ignore[union-attr]


@pytest.mark.parametrize("step", [Step.VERIFY_DR_ACTIVE, Step.ACTIVATE_DR])
def test_after_the_move_cancelling_is_refused_and_changes_nothing(step: Step) -> None:
    world = World().with_failed_primary()
    request = begun(world)
    judged = run_step(world.ports, request, Step.LOOK_AGAIN, {})
    run_step(world.ports, request, Step.ACTIVATE_DR, judged.data)
    if step is Step.VERIFY_DR_ACTIVE:
        run_step(world.ports, request, step, {})
    before = everything(world)

    done = cancel_operation(world.ports, request.id, actor="second", reason="too late")

    assert isinstance(done, Refused)
    assert done.code is RefusalCode.PAST_POINT_OF_NO_RETURN
    assert everything(world) == before


@pytest.mark.parametrize("when", ["while it ends", "after its end"])
def test_cancelling_again_changes_nothing(when: str) -> None:
    world = World().with_failed_primary()
    request = begun(world)
    assert not cancelled(world, request).repeated
    if when == "after its end":
        run_operation(world.ports, request, sleep=world.pass_time)
    before = everything(world)

    again = cancelled(world, request)

    assert again.repeated
    assert again.operation.request.cancellation is not None
    assert everything(world) == before


def test_cancelling_is_audited_and_told_once_with_who_and_why() -> None:
    world = World().with_failed_primary()
    request = begun(world)
    cancelled(world, request)
    run_operation(world.ports, request, sleep=world.pass_time)

    entries = [e for e in world.ports.audit.list("PRO", limit=100) if "cancel" in e.action]
    assert [(e.action, e.actor, e.reason) for e in reversed(entries)] == [
        ("failover.cancel_requested", "second", "a false alarm"),
        ("failover.cancelled", "operator", "test"),
    ]
    told = [event.type.value for event in world.ports.events.newest("PRO", limit=50) if "cancel" in event.type.value]
    assert told[::-1] == ["operation.cancel_requested", "operation.cancelled"]


def test_a_cancellation_that_lands_while_the_operation_is_ending_as_failed_ends_it_as_cancelled() -> None:
    world = World().with_failed_primary()
    request = begun(world)
    error = {"error": {"code": "StepTimeout", "message": "No"}, "detail": "late"}
    overtaken = Overtaken(world.ports.locks, lambda: cancelled(world, request))
    world.ports = replace(world.ports, locks=overtaken)
    first = run_step(world.ports, request, Step.FINISH_OPERATION, error)
    assert first.outcome is StepOutcome.WAITING
    assert run_step(world.ports, request, Step.FINISH_OPERATION, first.data).outcome is StepOutcome.DONE

    assert world.operation(request.id).status is OperationStatus.CANCELLED
    assert world.ports.audit.list("PRO", limit=1)[0].action == "failover.cancelled"
    # What a host does that lost its history: the record says the same.
    run_operation(world.ports, request, sleep=world.pass_time)
    assert world.operation(request.id).status is OperationStatus.CANCELLED


def test_the_record_of_a_cancelled_operation_is_ended_by_a_host_that_lost_its_history() -> None:
    world = World()
    world.with_failed_primary()
    request = begun(world)
    cancelled(world, request)
    operations = world.tables.operations.rows
    run_operation(world.ports, request, sleep=world.pass_time)
    found = world.ports.operations.read(request.id)
    assert found is not None
    reopened = replace(found.value, status=OperationStatus.RUNNING, error={}, ended_at=None)
    operations.replace(next(iter(operations.snapshot().rows)), reopened, etag=found.etag)

    run_operation(world.ports, request, sleep=world.pass_time)

    ended = world.operation(request.id)
    assert (ended.status, ended.error["detail"]) == (OperationStatus.CANCELLED, "cancelled by second: a false alarm")


def test_a_cancelled_failover_can_be_begun_again() -> None:
    world = World().with_failed_primary()
    cancelled_at(world, OperationKind.FAILOVER, Step.START_DR_CLUSTER)
    assert carried_out(world).status is OperationStatus.SUCCEEDED


def test_an_operation_that_nobody_knows_cannot_be_cancelled() -> None:
    with pytest.raises(UnknownOperation):
        cancel_operation(World().founded().ports, "PRO-00000099-a", actor="second", reason="why")


@pytest.mark.parametrize("failure", [OutcomeUnknown])
def test_a_cancellation_whose_answer_was_lost_is_recognised(failure: Callable[[str], BaseException]) -> None:
    armed: list[bool] = []

    def fault(point: str) -> None:
        if armed and point == "locks.replace.after":
            armed.clear()
            raise failure(point)

    world = World(fault=fault).with_failed_primary()
    request = begun(world)
    armed.append(True)
    assert not cancelled(world, request).repeated
    assert not armed
    assert cancelled(world, request).repeated


class Overtaken:
    """`LockStore` whose first replace lets something else happen before it."""

    def __init__(self, locks: LockStore, first: Callable[[], object]) -> None:
        self._first: list[Callable[[], object]] = [first]
        self._locks = locks
        self.read, self.read_all, self.insert = locks.read, locks.read_all, locks.insert

    def replace(self, lock: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock]:
        """Replace the lock read at `etag`."""
        while self._first:
            self._first.pop()()
        return self._locks.replace(lock, etag=etag)


def test_an_answer_that_is_refused_does_not_even_write_the_record_that_a_dead_host_left_out() -> None:
    class HostDied(BaseException):
        """The process is gone."""

    def fault(point: str) -> None:
        if point == "operations.insert.before":
            raise HostDied(point)

    world = World(fault=fault).with_failed_primary()
    with pytest.raises(HostDied):
        begun(world)
    running = world.lock.operation
    assert running is not None
    before = everything(world)
    refused = approve_operation(world.ports, running.id, actor="second", object_id="object-2", reason="")
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.APPROVAL_NOT_NEEDED
    assert everything(world) == before
