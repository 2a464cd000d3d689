"""A forced failover: over a healthy primary or a blind monitor, with two persons, loudly, and without two at work."""

from dataclasses import replace
from datetime import timedelta

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.force import FENCED, RISK, risk_of
from shared.domain.operations import Operation, OperationKind, OperationRequest, OperationStatus, Step
from shared.domain.refusals import Refused
from shared.flows.commands import StepOutcome
from shared.steps.begin_operation import Begun, begin_requested, new_request
from shared.steps.plan_operation import plan_operation
from shared.steps.run_step import run_step
from tests.unit.steps.acting import carried_out, everything
from tests.unit.steps.test_two_person import approved, carried_out_when_approved

REASON = "region is on fire, seen by two of us"


def forced_request(world: World) -> OperationRequest:
    return new_request(
        world.ports, "PRO", OperationKind.FAILOVER, requested_by="first", requester_id="object-1", reason=REASON,
        forced=True,
    )  # fmt: skip


def forced(world: World) -> OperationRequest:
    begun = begin_requested(world.ports, forced_request(world))
    assert isinstance(begun, Begun), begun
    return begun.request


def carried_out_by_force(world: World) -> Operation:
    return carried_out_when_approved(world, forced(world), after_s=15)


def test_a_healthy_primary_is_displaced_when_a_second_administrator_agrees() -> None:
    world = World().founded()
    before = world.lock

    operation = carried_out_by_force(world)

    assert operation.status is OperationStatus.SUCCEEDED
    assert (world.lock.holder, world.lock.previous_holder) == (world.dr.id, world.primary.id)
    assert world.lock.token > before.token
    detail = next(one.detail for one in operation.steps if one.step is Step.VERIFY_PRIMARY_DOWN)
    assert detail.startswith("forced over PrimaryNotFailed: gw-pro-primary: activation_status active")
    assert risk_of(operation) == RISK + FENCED


def test_a_blind_monitor_does_not_hold_force_up() -> None:
    world = World().with_failed_primary()
    world.canary.up = False
    world.pass_time(world.policy.heartbeat_timeout_s * 2)
    operation = carried_out_by_force(world)
    assert operation.status is OperationStatus.SUCCEEDED
    assert "MonitorBlind" in operation.steps[1].detail


def test_force_always_needs_a_second_administrator_also_where_nothing_else_does() -> None:
    world = World().founded()
    assert not world.lock.modes.two_person
    request = forced(world)
    assert request.needs_approval
    refused = approved(world, request, object_id="object-1")
    assert isinstance(refused, Refused)
    run_operation(world.ports, request, sleep=world.pass_time)
    assert world.operation(request.id).error["code"] == "ApprovalExpired"
    assert world.lock.holder == world.primary.id


def test_the_new_holder_gets_no_lease_before_the_displaced_one_has_lost_its_own() -> None:
    world = World().founded()
    request = forced(world)
    approved(world, request)
    for step in (Step.AWAIT_APPROVAL, Step.VERIFY_PRIMARY_DOWN):
        assert run_step(world.ports, request, step, {}).outcome is StepOutcome.DONE
    world.clusters.put("clusters/pro-dr", world.clusters.state("clusters/pro-primary"))
    world.live()
    world.primary.beat()
    mirror = world.work.mirror("PRO")
    assert mirror is not None
    assert mirror.lease_until is not None
    until = mirror.lease_until
    judged = run_step(world.ports, request, Step.LOOK_AGAIN, {})
    assert run_step(world.ports, request, Step.ACTIVATE_DR, judged.data).outcome is StepOutcome.DONE

    granted_at = None
    while granted_at is None:
        world.clock.time += timedelta(seconds=1)
        if world.dr.beat().lease_s is not None:
            granted_at = world.clock.time

    assert granted_at >= until + timedelta(seconds=world.policy.server_margin_s)


def test_force_is_loud() -> None:
    world = World().founded()
    carried_out_by_force(world)
    events = [event for event in world.ports.events.newest("PRO", limit=50) if event.type.value == "operation.forced"]
    assert [(event.data["requested_by"], event.data["reason"], event.data["risk"]) for event in events] == [
        ("first", REASON, RISK)
    ]
    begun = next(entry for entry in world.ports.audit.list("PRO", limit=50) if entry.action == "failover.begun")
    assert (begun.after["forced"], begun.after["risk"], begun.reason) == (True, RISK, REASON)


def test_force_is_possible_once_per_interval() -> None:
    world = World().founded()
    request = forced(world)
    run_operation(world.ports, request, sleep=lambda _: world.pass_time(world.policy.approval_timeout_s / 2))
    world.clock.time = request.requested_at + timedelta(seconds=world.policy.force_interval_s - 1)
    before = everything(world)
    again = begin_requested(world.ports, forced_request(world))
    assert isinstance(again, Refused)
    assert again.code.code == "ForcedTooSoon"
    assert everything(world) == before
    world.clock.time += timedelta(seconds=1)
    assert isinstance(begin_requested(world.ports, forced_request(world)), Begun)


def test_the_dry_run_of_force_says_what_it_would_override() -> None:
    world = World().founded()
    before = everything(world)
    plan = plan_operation(world.ports, forced_request(world))
    assert plan.steps[0].step is Step.AWAIT_APPROVAL
    assert plan.steps[1].would.startswith("go on by force, over: Primary is not in failed state (gw-pro-primary")
    assert everything(world) == before


def test_only_the_operation_that_was_forced_overrides() -> None:
    """The payload of a step says nothing: what counts is how the operation was registered."""
    world = World().with_failed_primary()
    begun = begin_requested(world.ports, replace(forced_request(world), forced=False))
    assert isinstance(begun, Begun)
    world.primary.boot()
    world.primary.beat()
    result = run_step(world.ports, replace(begun.request, forced=True), Step.VERIFY_PRIMARY_DOWN, {})
    assert (result.outcome, result.error["code"]) == (StepOutcome.STOPPED, "PrimaryNotFailed")


@pytest.mark.parametrize("alive", [True, False])
def test_after_force_the_former_holder_stands_by_and_fails_back_as_after_any_failover(*, alive: bool) -> None:
    world = World().founded()
    carried_out_by_force(world)
    if not alive:
        world.primary.alive = False
    world.pass_time(world.policy.stability_window_s + 60)
    assert world.lock.status_of(world.primary.id).value == "standby"
    if alive:
        assert carried_out(world, OperationKind.FAILBACK).status is OperationStatus.SUCCEEDED
