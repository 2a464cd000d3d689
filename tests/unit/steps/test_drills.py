"""A drill rehearses everything but the move, leaves no trace, and is never in a failover's way."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from devhost.emulators.memory_clusters import RUNNING, STOPPED
from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import PRO, World
from shared.domain.drills import DrillPhase
from shared.domain.failover import Joined
from shared.domain.operations import Operation, OperationKind, OperationRequest, OperationStatus, Step, StepStatus
from shared.domain.refusals import Refused
from shared.steps.begin_drill import abort_drill, begin_drill, begin_scheduled_drill, running_drills
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.run_step import run_step
from tests.unit.steps.acting import failed_over

DAY_S = 86_400


def untouched(world: World) -> Mapping[str, Any]:
    """Return what a drill must leave as it was, version for version: lock, token, mirror, tasks.

    The primary goes on beating, so its lease is the one thing in there that moves.
    """
    rows = world.work.database.snapshot().rows["PRO"]
    assert rows.fence is not None
    return {
        "locks": dict(world.tables.locks.rows.snapshot().rows),
        "work": replace(rows, fence=replace(rows.fence, lease_until=None)),
    }


def drilled(world: World, *, sleep: Callable[[float], None] | None = None) -> Operation:
    request = drill_begun(world)
    run_operation(world.ports, request, sleep=sleep or world.pass_time)
    return world.operation(request.id)


def drill_begun(world: World) -> OperationRequest:
    begun = begin_drill(world.ports, "PRO", requested_by="operator", reason="quarterly")
    assert isinstance(begun, Begun), begun
    return begun.request


def refused(world: World) -> str:
    refusal = begin_drill(world.ports, "PRO", requested_by="operator", reason="quarterly")
    assert isinstance(refusal, Refused), refusal
    return refusal.code.code


def slot_phase(world: World) -> DrillPhase | None:
    found = world.ports.drills.read("PRO")
    return found.value.phase if found and found.value.operation else None


def test_a_drill_starts_the_cluster_lets_the_gateway_rotate_a_canary_and_stops_it_again() -> None:
    world = World().founded()
    before = untouched(world)
    operation = drilled(world)
    assert operation.status is OperationStatus.SUCCEEDED
    assert [record.status for record in operation.steps] == [StepStatus.SUCCEEDED] * 5
    assert world.clusters.calls == ["start", "stop"]
    assert world.clusters.state(PRO.dr_cluster) == STOPPED
    dr = world.ports.gateways.read("PRO", "gw-pro-dr")
    assert dr is not None
    assert dr.value.canary is None
    assert untouched(world) == before
    found = world.ports.drills.read("PRO")
    assert found is not None
    assert found.value.last_succeeded_at is not None
    assert found.value.operation is None


@pytest.mark.parametrize("last_step", ["verify_drill", "start_dr_cluster", "verify_dr_gateway", "run_canary"])
def test_fifty_drills_aborted_at_every_step_change_neither_lock_nor_mirror_nor_tasks(last_step: str) -> None:
    world = World().founded()
    before = untouched(world)
    for number in range(13):
        request = drill_begun(world)

        def sleep(seconds: float, drill: OperationRequest = request) -> None:
            world.pass_time(seconds)
            running = [r.step.id for r in world.operation(drill.id).steps if r.status is StepStatus.RUNNING]
            if last_step in running or last_step == "verify_drill":
                abort_drill(world.ports, drill.id, "PRO", actor="operator", reason="enough")

        if last_step == "verify_drill":
            sleep(0)
        world.dr_boots = last_step != "verify_dr_gateway"
        world.dr.canary = None if last_step == "run_canary" else True
        run_operation(world.ports, request, sleep=sleep)
        operation = world.operation(request.id)
        assert (operation.status, operation.error["code"]) == (OperationStatus.FAILED, "DrillAborted"), number
        assert world.clusters.state(PRO.dr_cluster).stopped
        assert untouched(world) == before
        world.pass_time(world.policy.hold_s + 1)


def test_a_canary_that_fails_or_is_never_reported_fails_the_drill_and_the_cluster_is_stopped() -> None:
    for outcome in (False, None):
        world = World().founded()
        world.dr.canary = outcome
        operation = drilled(world)
        assert (operation.status, operation.error["code"]) == (OperationStatus.FAILED, "CanaryFailed")
        assert world.clusters.state(PRO.dr_cluster).stopped


def test_a_cluster_that_does_not_start_fails_the_drill() -> None:
    world = World().founded()
    world.clusters.start_error = "QuotaExceeded"
    operation = drilled(world)
    assert (operation.status, operation.error["code"]) == (OperationStatus.FAILED, "ClusterStartFailed")
    assert world.ports.drills.read("PRO") is not None
    assert slot_phase(world) is None


@pytest.mark.parametrize("step", ["start_dr_cluster", "verify_dr_gateway", "run_canary", "stop_after_drill"])
def test_a_failure_of_the_primary_makes_the_drill_give_way_and_the_failover_succeeds(step: str) -> None:
    world = World().founded()
    world.dr.canary = None if step == "run_canary" else True
    world.dr_boots = step != "verify_dr_gateway"
    request = drill_begun(world)
    failover: list[OperationRequest] = []

    def sleep(seconds: float) -> None:
        world.pass_time(seconds)
        running = [r.step.id for r in world.operation(request.id).steps if r.status is StepStatus.RUNNING]
        if step not in running or failover:
            return
        world.dr_boots, world.primary.alive = True, False
        world.pass_time(world.policy.heartbeat_timeout_s * (world.policy.failure_threshold + 0.5))
        begun = begin_operation(world.ports, "PRO", OperationKind.FAILOVER, requested_by="operator", reason="real")
        assert isinstance(begun, Begun), begun
        failover.append(begun.request)
        # A failover that relied on a cluster the drill still stops would hang here, as the drill does not run.
        stopping = slot_phase(world) is DrillPhase.STOPPING
        if not stopping:
            run_operation(world.ports, begun.request, sleep=world.pass_time)

    run_operation(world.ports, request, sleep=sleep_until_yielded(world, sleep, failover))
    assert world.operation(failover[0].id).status is OperationStatus.SUCCEEDED
    assert world.lock.holder == "gw-pro-dr"
    assert world.clusters.state(PRO.dr_cluster) == RUNNING


def sleep_until_yielded(
    world: World, sleep: Callable[[float], None], failover: list[OperationRequest]
) -> Callable[[float], None]:
    """Return a sleep that also carries the failover out as soon as the drill has stepped back."""

    def slept(seconds: float) -> None:
        sleep(seconds)
        waits = failover and world.operation(failover[0].id).status is OperationStatus.RUNNING
        if waits and slot_phase(world) is not DrillPhase.STOPPING:
            run_operation(world.ports, failover[0], sleep=world.pass_time)

    return slept


def test_a_failover_waits_while_a_drill_may_stop_the_cluster_and_never_relies_on_it() -> None:
    world = World().founded()
    request = drill_begun(world)
    seen: list[str] = []

    def sleep(seconds: float) -> None:
        if slot_phase(world) is DrillPhase.STOPPING and not seen:
            begun_anyway(world)
            seen.append(run_one_start(world))
        world.pass_time(seconds)

    run_operation(world.ports, request, sleep=sleep_to_the_end(world, sleep))
    assert seen == ["a drill is giving way"]


def begun_anyway(world: World) -> None:
    """Let the primary die unseen and the failover begin while the drill's stop is on its way."""
    world.primary.alive = False
    time = world.clock.time
    world.pass_time(world.policy.heartbeat_timeout_s * (world.policy.failure_threshold + 0.5))
    assert world.clock.time > time
    begun = begin_operation(world.ports, "PRO", OperationKind.FAILOVER, requested_by="operator", reason="real")
    assert isinstance(begun, Begun), begun


def run_one_start(world: World) -> str:
    request = world.lock.operation
    assert request is not None
    return run_step(world.ports, request, Step.START_DR_CLUSTER, {}).detail


def sleep_to_the_end(world: World, sleep: Callable[[float], None]) -> Callable[[float], None]:
    """Return a sleep that ends the failover once the drill has stepped back, so that the drill can end too."""

    def slept(seconds: float) -> None:
        sleep(seconds)
        request = world.lock.operation
        if request is not None and slot_phase(world) is DrillPhase.YIELDED:
            run_operation(world.ports, request, sleep=world.pass_time)

    return slept


def test_a_drill_is_refused_while_the_environment_is_not_at_rest() -> None:
    assert refused(World().with_failed_primary()) == "DrillNotNow"
    assert refused(failed_over()) == "DrillNotNow"
    suspect = World().founded()
    suspect.primary.alive = False
    suspect.pass_time(suspect.policy.heartbeat_timeout_s * 1.5)
    assert refused(suspect) == "DrillNotNow"
    warm = World().founded()
    warm.clusters.put(PRO.dr_cluster, RUNNING)
    assert refused(warm) == "DrillNotNow"


def test_a_second_drill_joins_the_first_and_a_new_one_waits_for_the_cluster_to_rest() -> None:
    world = World().founded()
    request = drill_begun(world)
    assert begin_drill(world.ports, "PRO", requested_by="b", reason="") == Joined(request.id)
    assert [one.id for one in running_drills(world.ports)] == [request.id]
    run_operation(world.ports, request, sleep=world.pass_time)
    assert running_drills(world.ports) == []
    assert refused(world) == "DrillNotNow"
    world.pass_time(world.policy.hold_s)
    assert drilled(world).status is OperationStatus.SUCCEEDED


def test_the_schedule_begins_one_drill_at_a_time_and_none_beside_a_running_one() -> None:
    world = World().founded()
    request = begin_scheduled_drill(world.ports)
    assert request is not None
    assert request.requested_by == "schedule"
    assert begin_scheduled_drill(world.ports) is None


def test_a_drill_whose_host_died_is_carried_out_anew_and_leaves_the_same_state() -> None:
    world = World().founded()
    before = untouched(world)
    request = drill_begun(world)
    steps = 0

    def dies(seconds: float) -> None:
        nonlocal steps
        steps += 1
        if steps % 2 == 0:
            raise KeyboardInterrupt
        world.pass_time(seconds)

    for _ in range(60):
        try:
            run_operation(world.ports, request, sleep=dies)
        except KeyboardInterrupt:
            continue
        break
    assert world.operation(request.id).status is OperationStatus.SUCCEEDED
    assert untouched(world) == before
