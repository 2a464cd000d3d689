"""Operations that need a second administrator: they wait, and without an approval nothing of them is carried out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.modes import Modes
from shared.domain.operations import Operation, OperationKind, OperationRequest, OperationStatus, Step
from shared.domain.refusals import RefusalCode, Refused
from shared.flows.commands import StepOutcome
from shared.steps.admin_calls import deactivate_gateway
from shared.steps.answer_operation import Answered, approve_operation, cancel_operation
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.reconcile import running_operations
from shared.steps.run_step import run_step
from tests.unit.steps.acting import everything, failed_over, with_primary_back


def marked(world: World) -> World:
    """Mark the environment: it needs two administrators."""
    found = world.ports.locks.read("PRO")
    assert found is not None
    lock = replace(found.value, modes=Modes(two_person=True), written_by="modes/1")
    world.ports.locks.replace(lock, etag=found.etag)
    return world


def asked(world: World, kind: OperationKind = OperationKind.FAILOVER) -> OperationRequest:
    begun = begin_operation(
        world.ports, "PRO", kind, requested_by="first", requester_id="object-1", reason="region is gone"
    )
    assert isinstance(begun, Begun), begun
    return begun.request


def approved(world: World, request: OperationRequest, *, object_id: str = "object-2") -> Answered | Refused:
    return approve_operation(world.ports, request.id, actor="second", object_id=object_id, reason="seen it")


def carried_out_when_approved(world: World, request: OperationRequest, *, after_s: float = 60.0) -> Operation:
    asked_at, told = world.clock.time, iter([True])

    def sleep(seconds: float) -> None:
        world.pass_time(seconds)
        if world.clock.time - asked_at >= timedelta(seconds=after_s) and next(told, False):
            assert isinstance(approved(world, request), Answered)

    run_operation(world.ports, request, sleep=sleep)
    return world.operation(request.id)


def test_an_operation_waits_for_the_second_administrator_and_then_runs() -> None:
    world = marked(World().with_failed_primary())
    request = asked(world)
    assert world.operation(request.id).status is OperationStatus.WAITING_APPROVAL

    operation = carried_out_when_approved(world, request)

    assert operation.status is OperationStatus.SUCCEEDED
    assert operation.request.approval is not None
    assert (operation.request.approval.by, operation.request.approval.reason) == ("second", "seen it")
    assert operation.steps[0].step is Step.AWAIT_APPROVAL
    assert world.lock.holder == world.dr.id
    assert operation.result["recovery_time"]["decide_seconds"] >= 60  # type: ignore[index,call-overload,operator]


def test_while_it_waits_nothing_is_started() -> None:
    world = marked(World().with_failed_primary())
    request = asked(world)
    waiting = run_step(world.ports, request, Step.AWAIT_APPROVAL, {})
    assert waiting.outcome is StepOutcome.WAITING
    assert world.clusters.calls == []
    assert world.operation(request.id).status is OperationStatus.WAITING_APPROVAL


def test_without_an_approval_no_step_of_it_does_anything() -> None:
    """What a host of the release before would do, which does not know of approvals."""
    world = marked(World().with_failed_primary())
    request = replace(asked(world), needs_approval=False)
    before = everything(world)
    for step in Step:
        if step not in (Step.AWAIT_APPROVAL, Step.FINISH_OPERATION):
            args: Mapping[str, Any] = {"etag": "v", "to": world.dr.id, "token": "9"}
            result = run_step(world.ports, request, step, args)
            assert (result.outcome, result.error["code"]) == (StepOutcome.STOPPED, "ApprovalNeeded"), step
    assert everything(world) == before


def test_an_operation_that_nobody_approves_ends_as_failed_and_moves_nothing() -> None:
    world = marked(World().with_failed_primary())
    before = world.lock
    request = asked(world)

    run_operation(world.ports, request, sleep=world.pass_time)

    operation = world.operation(request.id)
    assert (operation.status, operation.error["code"]) == (OperationStatus.FAILED, "ApprovalExpired")
    waited_s = (operation.updated_at - request.requested_at).total_seconds()
    assert world.policy.approval_timeout_s <= waited_s < world.policy.approval_timeout_s + 30
    assert (world.lock.token, world.lock.holder, world.clusters.calls) == (before.token, before.holder, [])


def test_who_asked_cannot_approve_and_nothing_changes() -> None:
    world = marked(World().with_failed_primary())
    request = asked(world)
    before = everything(world)

    refused = approved(world, request, object_id="object-1")

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.SELF_APPROVAL
    assert everything(world) == before


def test_an_approval_counts_once_and_for_its_operation_only() -> None:
    world = marked(World().with_failed_primary())
    first = asked(world)
    cancel_operation(world.ports, first.id, actor="first", reason="again")
    run_operation(world.ports, first, sleep=world.pass_time)
    second = asked(world)
    before = everything(world)

    replayed = approved(world, first)

    assert isinstance(replayed, Refused)
    assert replayed.code is RefusalCode.OPERATION_ENDED
    assert everything(world) == before
    assert isinstance(approved(world, second), Answered)
    before = everything(world)
    twice = approved(world, second)
    assert isinstance(twice, Refused)
    assert twice.code is RefusalCode.ALREADY_APPROVED
    assert everything(world) == before


def test_an_approval_that_comes_too_late_changes_nothing() -> None:
    world = marked(World().with_failed_primary())
    request = asked(world)
    world.pass_time(world.policy.approval_timeout_s)
    before = everything(world)
    late = approved(world, request)
    assert isinstance(late, Refused)
    assert late.code is RefusalCode.APPROVAL_EXPIRED
    assert everything(world) == before


def test_a_waiting_operation_can_be_cancelled() -> None:
    world = marked(World().with_failed_primary())
    request = asked(world)
    assert isinstance(cancel_operation(world.ports, request.id, actor="first", reason="no"), Answered)
    run_operation(world.ports, request, sleep=world.pass_time)
    assert world.operation(request.id).status is OperationStatus.CANCELLED
    assert world.clusters.calls == []


def test_a_primary_that_is_back_when_the_approval_comes_is_not_displaced() -> None:
    world = marked(World().with_failed_primary())
    request = asked(world)
    world.primary.boot()
    operation = carried_out_when_approved(world, request, after_s=30)
    assert operation.error["code"] == "PrimaryNotFailed"
    assert world.lock.holder == world.primary.id


def test_a_failback_waits_as_well_and_the_stop_of_the_cluster_does_not() -> None:
    world = with_primary_back(marked(failed_over()))
    request = asked(world, OperationKind.FAILBACK)
    assert carried_out_when_approved(world, request).status is OperationStatus.SUCCEEDED
    world.pass_time(world.policy.hold_s + 60)
    stop = running_operations(world.ports)[0]
    assert (stop.kind, stop.needs_approval) == (OperationKind.STOP_DR_CLUSTER, False)


def test_waiting_and_approval_are_told_and_audited_once() -> None:
    world = marked(World().with_failed_primary())
    request = asked(world)
    carried_out_when_approved(world, request)
    told = [event.type.value for event in reversed(world.ports.events.newest("PRO", limit=50))]
    begun = told.index("operation.begun")
    assert told[begun : begun + 4] == [
        "operation.begun", "operation.waiting_approval", "operation.approved", "step.ended",
    ]  # fmt: skip
    assert told.count("operation.waiting_approval") == told.count("operation.approved") == 1
    entries = [e for e in world.ports.audit.list("PRO", limit=100) if e.action == "failover.approved"]
    assert [(e.actor, e.reason) for e in entries] == [("second", "seen it")]


def test_the_mark_is_judged_when_the_operation_is_registered() -> None:
    world = World().with_failed_primary()
    request = asked(world)
    marked(world)
    assert not request.needs_approval
    run_operation(world.ports, request, sleep=world.pass_time)
    assert world.operation(request.id).status is OperationStatus.SUCCEEDED


def test_one_person_cannot_take_the_holder_out_of_a_marked_environment() -> None:
    world = marked(World().founded())
    before = everything(world)
    refused = deactivate_gateway(world.ports, world.primary.id, actor="first", forced=True, reason="split brain")
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.SECOND_PERSON_NEEDED
    assert everything(world) == before
