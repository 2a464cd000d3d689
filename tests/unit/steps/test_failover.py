"""Failover from the request to the report, over the emulated stores (runbook section 1)."""

import threading

import pytest

from devhost.emulators.memory_clusters import RUNNING
from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import PRO, World
from shared.domain.clusters import ClusterState, PowerState
from shared.domain.failover import AlreadyDone, Joined
from shared.domain.faults import UnknownEnvironment
from shared.domain.gateways import ActivationStatus
from shared.domain.operations import OperationKind, OperationStatus, Step, StepStatus
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import TaskRefusal
from shared.flows.commands import StepOutcome
from shared.ports import WorkRefused
from shared.steps.admin_calls import execute_rotation
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.gateway_calls import claim_tasks
from shared.steps.run_step import run_step
from tests.unit.steps.acting import begun, carried_out, everything, failed_over


def asked(world: World, kind: OperationKind = OperationKind.FAILOVER) -> object:
    return begin_operation(world.ports, "PRO", kind, requested_by="operator", reason="test")


def test_the_dr_gateway_holds_the_environment_after_a_failover() -> None:
    world = World().with_failed_primary()
    before = world.lock.token

    operation = carried_out(world)

    assert operation.status is OperationStatus.SUCCEEDED
    assert world.lock.holder == "gw-pro-dr"
    assert world.lock.token > before
    assert world.lock.status_of("gw-pro-dr") is ActivationStatus.ACTIVE
    assert world.lock.status_of("gw-pro-primary") is ActivationStatus.FAILED
    assert operation.result["message"] == "DR gateway activated for environment PRO"
    assert operation.result["fencing_token"] == str(world.lock.token)


def test_every_step_is_recorded_with_its_runbook_section_times_and_attempts() -> None:
    operation = carried_out(World().with_failed_primary())

    assert [record.step.runbook for record in operation.steps] == ["1.1", "1.2", "1.3", "1.4", "1.4", "1.5", "1.6"]
    for record in operation.steps:
        assert record.status is StepStatus.SUCCEEDED
        assert record.attempts >= 1
        assert record.started_at is not None
        assert record.ended_at is not None
        assert record.ended_at >= record.started_at


def test_the_recovery_time_is_split_into_detect_decide_and_execute() -> None:
    recovery = carried_out(World().with_failed_primary()).result["recovery_time"]

    assert isinstance(recovery, dict)
    assert recovery["detect_seconds"] == 360.0
    parts = (recovery["detect_seconds"], recovery["decide_seconds"], recovery["execute_seconds"])
    assert recovery["total_seconds"] == pytest.approx(sum(float(str(part)) for part in parts))


@pytest.mark.parametrize("minutes_silent", [0, 2, 5])
def test_a_primary_that_is_not_marked_failed_is_not_displaced_and_nothing_changes(minutes_silent: int) -> None:
    world = World().founded()
    world.primary.alive = False
    world.pass_time(60.0 * minutes_silent)
    before = everything(world)

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_FAILED
    assert refused.code.message == "Primary is not in failed state"
    assert refused.evidence["primary"]
    assert everything(world) == before


def test_a_primary_that_is_marked_failed_but_beats_again_is_not_displaced() -> None:
    world = World().with_failed_primary()
    world.primary.boot()
    world.primary.beat()
    before = everything(world)

    refused = asked(world)

    assert world.lock.status_of("gw-pro-primary") is ActivationStatus.FAILED
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_FAILED
    assert everything(world) == before


def test_an_environment_without_a_dr_gateway_is_refused_and_nothing_changes() -> None:
    world = World()
    world.primary.boot()
    world.pass_time(300)
    world.primary.alive = False
    world.pass_time(600)
    before = everything(world)

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.DR_GATEWAY_NOT_REGISTERED
    assert everything(world) == before


def test_an_unknown_environment_is_a_callers_fault_that_names_the_known_ones() -> None:
    world = World().founded()

    with pytest.raises(UnknownEnvironment, match="XYZ does not exist; known: PRO"):
        begin_operation(world.ports, "XYZ", OperationKind.FAILOVER, requested_by="operator", reason="")


def test_a_failover_is_refused_while_another_operation_runs() -> None:
    world = failed_over()
    world.primary.boot()
    world.pass_time(120)
    begun(world, OperationKind.FAILBACK)
    before = everything(world)

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.OPERATION_IN_PROGRESS
    assert everything(world) == before


def test_twenty_callers_at_once_get_one_operation() -> None:
    world = World().with_failed_primary()
    results: list[object] = []

    def call() -> None:
        results.append(asked(world))

    callers = [threading.Thread(target=call) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    started = [result.request.id for result in results if isinstance(result, Begun)]
    joined = [result.operation_id for result in results if isinstance(result, Joined)]
    assert len(started) == 1
    assert joined == started * 19


def test_repeating_a_done_activation_answers_the_same_token_and_changes_nothing() -> None:
    world = failed_over()
    before = everything(world)

    assert asked(world) == AlreadyDone(world.lock.token)
    assert everything(world) == before


def test_a_running_cluster_is_not_started_again_and_its_gateway_is_taken_as_it_is() -> None:
    world = World().with_failed_primary()
    world.clusters.put(PRO.dr_cluster, RUNNING)
    world.pass_time(60)
    asked_at = world.clock.now()

    operation = carried_out(world)

    assert operation.status is OperationStatus.SUCCEEDED
    assert world.clusters.calls == []
    assert (world.clock.now() - asked_at).total_seconds() <= 3 * world.policy.heartbeat_interval_s


def test_a_start_that_somebody_else_began_is_adopted() -> None:
    world = World().with_failed_primary()
    world.clusters.begin_start(PRO.dr_cluster)

    assert carried_out(world).status is OperationStatus.SUCCEEDED
    assert world.clusters.calls == ["start"]


FAILED_AFTER_START = ClusterState(power=PowerState.RUNNING, provisioning="Failed")
STILL_STOPPED = ClusterState(power=PowerState.STOPPED, provisioning="Failed")


@pytest.mark.parametrize("ends_as", [FAILED_AFTER_START, STILL_STOPPED])
def test_a_half_failed_start_fails_the_operation_and_moves_no_authority(ends_as: ClusterState) -> None:
    world = World().with_failed_primary()
    world.clusters.starts_end_as = ends_as
    before = world.lock

    operation = carried_out(world)

    assert operation.status is OperationStatus.FAILED
    assert operation.error["code"] == "ClusterStartFailed"
    assert (world.lock.holder, world.lock.token, world.lock.operation) == (before.holder, before.token, None)


def test_a_capacity_error_fails_the_operation_with_azures_code_and_moves_no_authority() -> None:
    world = World().with_failed_primary()
    world.clusters.start_error = "OverconstrainedAllocationRequest"
    before = world.lock

    operation = carried_out(world)

    assert operation.error["code"] == "ClusterStartFailed"
    assert "OverconstrainedAllocationRequest" in str(operation.error["evidence"])
    assert (world.lock.holder, world.lock.token) == (before.holder, before.token)


def test_a_start_that_never_ends_fails_at_its_deadline_and_moves_no_authority() -> None:
    world = World().with_failed_primary()
    world.clusters.put(PRO.dr_cluster, ClusterState(power=PowerState.RUNNING, provisioning="Starting"))
    before = world.lock

    operation = carried_out(world)

    assert operation.error["code"] == "StepTimeout"
    assert (world.lock.holder, world.lock.token, world.lock.operation) == (before.holder, before.token, None)


def test_a_gateway_that_never_boots_fails_the_operation_and_moves_no_authority() -> None:
    world = World().with_failed_primary()
    world.dr_boots = False
    before = world.lock

    operation = carried_out(world)

    assert operation.error["code"] == "StepTimeout"
    assert (world.lock.holder, world.lock.token) == (before.holder, before.token)


def test_a_primary_that_returns_while_the_cluster_starts_keeps_the_environment() -> None:
    world = World().with_failed_primary()
    request_at, before = world.clock.now(), world.lock

    def come_back() -> None:
        if not world.primary.alive and (world.clock.now() - request_at).total_seconds() > 100:
            world.primary.boot()

    world.watchers.append(come_back)
    operation = carried_out(world)

    assert operation.status is OperationStatus.FAILED
    assert operation.error["code"] == "PrimaryNotFailed"
    assert (world.lock.holder, world.lock.token) == (before.holder, before.token)


def test_with_postgresql_down_the_failover_completes_and_the_mirror_is_raised_before_any_claim() -> None:
    world = World().with_failed_primary()
    execute_rotation(world.ports, "cfg-pro", actor="operator", idempotency_key="")
    world.work.database.down = True

    operation = carried_out(world)

    assert operation.status is OperationStatus.SUCCEEDED
    assert operation.result["mirror"] == "pending"
    world.work.database.down = False
    stale = world.work.mirror("PRO")
    assert stale is not None
    assert stale.token < world.lock.token
    claimed = claim_tasks(world.ports, world.dr.caller, world.dr.identity, limit=5)
    raised = world.work.mirror("PRO")
    assert raised is not None
    assert (raised.token, raised.holder) == (world.lock.token, "gw-pro-dr")
    assert claimed is not None


def test_tasks_of_the_failed_primary_are_handed_back_and_claimed_by_the_dr_gateway() -> None:
    world = World().founded()
    execute_rotation(world.ports, "cfg-pro", actor="operator", idempotency_key="")
    first = claim_tasks(world.ports, world.primary.caller, world.primary.identity, limit=1)
    assert isinstance(first, list)
    former = world.primary.caller
    world.primary.alive = False
    world.pass_time(450)
    taken: list[tuple[str, int]] = []

    def work() -> None:
        if world.lock.holder == "gw-pro-dr" and world.dr.answer and world.dr.answer.token:
            claimed = claim_tasks(world.ports, world.dr.caller, world.dr.identity, limit=1)
            if isinstance(claimed, list):
                taken.extend((task.id, task.attempt) for task in claimed)

    world.watchers.append(work)

    operation = carried_out(world)

    assert operation.status is OperationStatus.SUCCEEDED
    assert taken == [(first[0].id, 2)]
    late = claim_tasks(world.ports, former, world.primary.identity, limit=1)
    assert late == WorkRefused(TaskRefusal.NOT_HOLDER)


def test_a_step_of_an_operation_that_is_no_longer_running_is_refused_and_changes_nothing() -> None:
    world = World().with_failed_primary()
    request = begun(world)
    args = {"etag": "x", "to": "gw-pro-dr", "token": str(world.lock.token + 1)}
    run_operation(world.ports, request, sleep=world.pass_time)
    before = everything(world)

    result = run_step(world.ports, request, Step.ACTIVATE_DR, args)

    assert result.outcome is StepOutcome.STOPPED
    assert result.error["code"] == "NotRunningOperation"
    assert everything(world) == before
