"""Retrying a failed operation, and leaving out steps that only look: decided anew, and nothing is moved twice."""

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.failover import AlreadyDone, Joined
from shared.domain.operations import Operation, OperationKind, OperationRequest, OperationStatus, Step, StepStatus
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import RotationConfig
from shared.flows.commands import StepOutcome
from shared.steps.answer_operation import Answered, skip_step
from shared.steps.begin_operation import Begun
from shared.steps.retry_operation import retry_operation
from shared.steps.run_step import run_step
from tests.unit.steps.acting import begun, carried_out, everything, failed_over, with_primary_back
from tests.unit.steps.test_force import forced
from tests.unit.steps.test_two_person import approved, asked, carried_out_when_approved, marked

FAILED, SUCCEEDED = OperationStatus.FAILED, OperationStatus.SUCCEEDED


def retried(world: World, failed: Operation, *skips: Step) -> OperationRequest:
    done = retry_operation(
        world.ports, failed.request.id, actor="first", requester_id="object-1", reason="again", skips=skips
    )
    assert isinstance(done, Begun), done
    return done.request


def carried_on(world: World, failed: Operation, *skips: Step) -> Operation:
    request = retried(world, failed, *skips)
    run_operation(world.ports, request, sleep=world.pass_time)
    return world.operation(request.id)


def with_silent_dr_gateway(world: World) -> Operation:
    """Fail over to a gateway that never beats under its token, and return the failed operation."""
    request = begun(world)
    for step in (Step.VERIFY_PRIMARY_DOWN, Step.START_DR_CLUSTER):
        args: dict[str, object] = {}
        while (result := run_step(world.ports, request, step, args)).outcome is StepOutcome.WAITING:
            args = dict(result.data)
            world.pass_time(result.retry_after_s)
    world.pass_time(60)
    world.dr_boots, world.dr.alive = False, False
    run_operation(world.ports, request, sleep=world.pass_time)
    return world.operation(request.id)


def test_a_failover_whose_cluster_did_not_start_is_retried_with_a_fresh_decision() -> None:
    world = World().with_failed_primary()
    world.dr_boots = False
    failed = carried_out(world)
    assert (failed.status, failed.error["lock_moved"]) == (FAILED, False)
    world.dr_boots = True

    again = carried_on(world, failed)

    assert (again.status, again.request.retry_of) == (SUCCEEDED, failed.request.id)
    assert world.lock.holder == world.dr.id


def test_a_retry_is_refused_like_any_failover_when_the_primary_is_back() -> None:
    world = World().with_failed_primary()
    world.dr_boots = False
    failed = carried_out(world)
    world.primary.boot()
    world.pass_time(world.policy.heartbeat_interval_s * 10)
    before = everything(world)

    refused = retry_operation(world.ports, failed.request.id, actor="first", requester_id="object-1", reason="again")

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_FAILED
    assert everything(world) == before


def test_what_failed_after_the_move_is_taken_up_without_moving_again() -> None:
    world = World().with_failed_primary()
    failed = with_silent_dr_gateway(world)
    assert (failed.status, failed.error["code"], failed.error["lock_moved"]) == (FAILED, "HolderNotConfirmed", True)
    moved = world.lock.token
    world.dr_boots = True

    again = carried_on(world, failed)

    assert again.status is SUCCEEDED
    assert (world.lock.token, world.lock.holder, world.lock.granted_by) == (moved, world.dr.id, failed.request.id)
    assert [entry.action for entry in world.ports.audit.list("PRO", limit=100)].count("lock.moved") == 1
    assert again.result["fencing_token"] == str(moved)


def test_a_retry_of_a_retry_still_moves_nothing() -> None:
    world = World().with_failed_primary()
    failed = with_silent_dr_gateway(world)
    second = carried_on(world, failed)
    assert (second.status, second.error["lock_moved"]) == (FAILED, True)
    moved = world.lock.token
    world.dr_boots = True
    third = carried_on(world, second)
    assert (third.status, third.request.retry_of, world.lock.token) == (SUCCEEDED, failed.request.id, moved)


def test_steps_that_only_look_can_be_left_out_of_the_retry() -> None:
    world = World().with_failed_primary()
    failed = with_silent_dr_gateway(world)

    again = carried_on(world, failed, Step.VERIFY_DR_ACTIVE)

    assert again.status is SUCCEEDED
    record = next(one for one in again.steps if one.step is Step.VERIFY_DR_ACTIVE)
    assert (record.status, record.detail) == (StepStatus.SKIPPED, "skipped by first: again")
    entries = [e for e in world.ports.audit.list("PRO", limit=100) if e.action == "failover.step_skipped"]
    assert [(e.actor, e.reason, e.after["step"]) for e in entries] == [("first", "again", "verify_dr_active")]
    assert entries[0].after["unknown"] == "nobody has seen the DR gateway beat under its token"


@pytest.mark.parametrize("step", [Step.LOOK_AGAIN, Step.ACTIVATE_DR, Step.VERIFY_DR_GATEWAY])
def test_what_decides_or_moves_is_never_left_out(step: Step) -> None:
    world = World().with_failed_primary()
    failed = with_silent_dr_gateway(world)
    before = everything(world)
    refused = retry_operation(
        world.ports, failed.request.id, actor="first", requester_id="object-1", reason="again", skips=(step,)
    )
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.STEP_NOT_SKIPPABLE
    assert everything(world) == before


def test_a_failover_that_somebody_else_has_done_since_is_done() -> None:
    world = World().with_failed_primary()
    world.dr_boots = False
    failed = carried_out(world)
    world.dr_boots = True
    assert carried_out(world).status is SUCCEEDED
    done = retry_operation(world.ports, failed.request.id, actor="first", requester_id="object-1", reason="again")
    assert isinstance(done, AlreadyDone)


def test_a_retry_joins_the_one_that_runs() -> None:
    world = World().with_failed_primary()
    failed = with_silent_dr_gateway(world)
    running = retried(world, failed)
    again = retry_operation(world.ports, failed.request.id, actor="first", requester_id="object-1", reason="again")
    assert again == Joined(running.id)


def test_a_retry_needs_an_approval_of_its_own() -> None:
    world = marked(World().with_failed_primary())
    world.dr_boots = False
    failed = carried_out_when_approved(world, asked(world))
    assert failed.status is FAILED
    world.dr_boots = True
    request = retried(world, failed)
    assert request.needs_approval
    assert request.approval is None
    assert carried_out_when_approved(world, request).status is SUCCEEDED


def test_a_retry_of_a_forced_failover_is_not_forced() -> None:
    world = World().founded()
    world.dr_boots = False
    failed = carried_out_when_approved(world, forced(world))
    assert failed.status is FAILED
    refused = retry_operation(world.ports, failed.request.id, actor="first", requester_id="object-1", reason="again")
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_FAILED


def test_a_step_that_waits_is_left_out_while_the_operation_runs() -> None:
    world = World().with_failed_primary()
    world.work.add_task(
        RotationConfig(id="cfg-pro", environment="PRO", name="demo"), task_id="t1", idempotency_key="t1",
        request_digest="",
    )  # fmt: skip
    request, said = begun(world), iter([True])

    def sleep(seconds: float) -> None:
        world.pass_time(seconds)
        record = next(one for one in world.operation(request.id).steps if one.step is Step.VERIFY_OPERATIONS)
        if record.status is StepStatus.RUNNING and next(said, False):
            done = skip_step(world.ports, request.id, Step.VERIFY_OPERATIONS, actor="second", reason="no work tonight")
            assert isinstance(done, Answered)

    run_operation(world.ports, request, sleep=sleep)

    operation = world.operation(request.id)
    assert operation.status is SUCCEEDED
    assert (operation.steps[-1].status, operation.steps[-1].detail) == (
        StepStatus.SKIPPED, "skipped by second: no work tonight",
    )  # fmt: skip
    assert [skip.step for skip in operation.request.skips] == [Step.VERIFY_OPERATIONS]
    told = [event.type.value for event in world.ports.events.newest("PRO", limit=50)]
    assert told.count("step.skipped") == 1


def test_a_skip_that_is_refused_changes_nothing() -> None:
    world = World().with_failed_primary()
    request = begun(world)
    before = everything(world)
    refused = skip_step(world.ports, request.id, Step.LOOK_AGAIN, actor="second", reason="hurry")
    assert isinstance(refused, Refused)
    assert everything(world) == before


def test_a_failback_is_retried_after_its_move_and_plans_the_stop() -> None:
    world = with_primary_back(failed_over())
    request = begun(world, OperationKind.FAILBACK)
    original = world.primary.beat
    world.primary.beat = lambda: original() if world.lock.holder == world.dr.id else None  # type: ignore[method-assign,assignment,return-value]
    run_operation(world.ports, request, sleep=world.pass_time)
    failed = world.operation(request.id)
    assert (failed.error["code"], failed.error["lock_moved"]) == ("HolderNotConfirmed", True)
    assert world.lock.stop_dr_due_at is None

    again = carried_on(world, failed, Step.VERIFY_PRIMARY_ACTIVE)

    assert again.status is SUCCEEDED
    assert world.lock.stop_dr_due_at is not None


def test_an_approval_of_the_failed_operation_does_not_count_for_its_retry() -> None:
    world = marked(World().with_failed_primary())
    world.dr_boots = False
    failed = carried_out_when_approved(world, asked(world))
    retried(world, failed)
    refused = approved(world, failed.request)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.OPERATION_ENDED
