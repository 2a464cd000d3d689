"""A host may die at any write while somebody answers an operation; the answer holds or can be given again."""

from collections.abc import Callable

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.operations import OperationRequest, OperationStatus, Step
from shared.domain.refusals import RefusalCode
from shared.flows.commands import StepOutcome
from shared.steps.answer_operation import Answered, approve_operation, cancel_operation
from shared.steps.run_step import run_step
from tests.unit.steps.acting import begun
from tests.unit.steps.test_interruptions import Clocked, Countdown, HostDied
from tests.unit.steps.test_two_person import asked, marked

SINCE = "2026-01-01T00:00:00+00:00"
Story = Callable[[Clocked, OperationRequest], None]


def started_and_cancelled(world: Clocked, request: OperationRequest) -> None:
    cancel(world, request)
    run_operation(world.ports, request, sleep=world.pass_time)


def cancel(world: World, request: OperationRequest) -> None:
    done = cancel_operation(world.ports, request.id, actor="second", reason="a false alarm")
    assert isinstance(done, Answered), done


def starting(hook: Countdown) -> tuple[Clocked, OperationRequest]:
    """Return a world whose failover has asked Azure for the start."""
    world = Clocked(hook)
    world.with_failed_primary()
    request = begun(world)
    assert run_step(world.ports, request, Step.VERIFY_PRIMARY_DOWN, {}).outcome is StepOutcome.DONE
    assert run_step(world.ports, request, Step.START_DR_CLUSTER, {}).detail == "start accepted"
    return world, request


def points(prepare: Callable[[Countdown], tuple[Clocked, OperationRequest]], story: Story) -> list[str]:
    hook = Countdown()
    world, request = prepare(hook)
    hook.armed = True
    story(world, request)
    return hook.seen


def audited(world: World) -> list[str]:
    return [entry.action for entry in reversed(world.ports.audit.list("PRO", limit=100))]


def test_a_cancellation_killed_at_any_write_and_repeated_ends_cancelled_with_nothing_moved() -> None:
    all_points = points(starting, started_and_cancelled)
    assert len(all_points) > 15
    for at in range(len(all_points)):
        hook = Countdown()
        world, request = starting(hook)
        before = world.lock
        hook.at, hook.armed = at, True
        with pytest.raises(HostDied):
            started_and_cancelled(world, request)
        hook.armed = False
        cancel(world, request)  # who got no answer asks again
        run_operation(world.ports, request, sleep=world.pass_time)

        assert world.operation(request.id).status is OperationStatus.CANCELLED, all_points[at]
        lock = world.lock
        assert (lock.holder, lock.token, lock.operation) == (before.holder, before.token, None), all_points[at]
        assert lock.stop_dr_due_at is not None, all_points[at]
        assert audited(world)[-3:] == ["failover.begun", "failover.cancel_requested", "failover.cancelled"], at


def test_a_cancellation_that_landed_holds_though_nobody_asks_again() -> None:
    all_points = points(starting, started_and_cancelled)
    landed = all_points.index("locks.replace.after")
    for at in range(landed, len(all_points)):
        hook = Countdown()
        world, request = starting(hook)
        hook.at, hook.armed = at, True
        with pytest.raises(HostDied):
            started_and_cancelled(world, request)
        hook.armed = False
        run_operation(world.ports, request, sleep=world.pass_time)

        assert world.operation(request.id).status is OperationStatus.CANCELLED, all_points[at]
        assert audited(world)[-3:] == ["failover.begun", "failover.cancel_requested", "failover.cancelled"], at


def awaiting(hook: Countdown) -> tuple[Clocked, OperationRequest]:
    """Return a world whose failover waits for a second administrator."""
    world = Clocked(hook)
    marked(world.with_failed_primary())
    request = asked(world)
    assert run_step(world.ports, request, Step.AWAIT_APPROVAL, {}).outcome is StepOutcome.WAITING
    return world, request


def approve(world: World, request: OperationRequest) -> None:
    done = approve_operation(world.ports, request.id, actor="second", object_id="object-2", reason="seen")
    assert isinstance(done, Answered) or done.code is RefusalCode.ALREADY_APPROVED, done


def approved_and_waited_for(world: Clocked, request: OperationRequest) -> None:
    approve(world, request)
    assert run_step(world.ports, request, Step.AWAIT_APPROVAL, {"since": SINCE}).outcome is StepOutcome.DONE


def test_an_approval_killed_at_any_write_and_repeated_lets_the_operation_run_once() -> None:
    all_points = points(awaiting, approved_and_waited_for)
    assert len(all_points) > 8
    for at in range(len(all_points)):
        hook = Countdown()
        world, request = awaiting(hook)
        before = world.lock.token
        hook.at, hook.armed = at, True
        with pytest.raises(HostDied):
            approved_and_waited_for(world, request)
        hook.armed = False
        assert world.lock.token == before, all_points[at]
        approve(world, request)
        run_operation(world.ports, request, sleep=world.pass_time)

        operation = world.operation(request.id)
        assert (operation.status, world.lock.holder) == (OperationStatus.SUCCEEDED, world.dr.id), all_points[at]
        assert operation.request.approval is not None, all_points[at]
        expected = ["failover.begun", "failover.approved", "lock.moved", "failover.succeeded"]
        assert audited(world)[-4:] == expected, all_points[at]
