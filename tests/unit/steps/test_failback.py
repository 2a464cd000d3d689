"""Failback and the later stop of the DR cluster (runbook section 2)."""

from datetime import timedelta

import pytest

from devhost.emulators.memory_clusters import STOPPED
from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import PRO, World
from shared.domain.clusters import ClusterState, PowerState
from shared.domain.failover import AlreadyDone
from shared.domain.gateways import ActivationStatus
from shared.domain.operations import OperationKind, OperationStatus
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import TaskRefusal
from shared.ports import WorkRefused
from shared.steps.admin_calls import execute_rotation
from shared.steps.begin_operation import begin_operation
from shared.steps.gateway_calls import claim_tasks
from shared.steps.reconcile import running_operations
from tests.unit.steps.acting import begun, carried_out, everything, failed_over, with_primary_back

FAILBACK = OperationKind.FAILBACK


def asked(world: World) -> object:
    return begin_operation(world.ports, "PRO", FAILBACK, requested_by="operator", reason="test")


def test_the_primary_holds_the_environment_again_under_a_new_token() -> None:
    world = with_primary_back(failed_over())
    before = world.lock.token

    operation = carried_out(world, FAILBACK)

    assert operation.status is OperationStatus.SUCCEEDED
    assert operation.result["message"] == "Failback completed, primary reactivated for environment PRO"
    assert world.lock.holder == "gw-pro-primary"
    assert world.lock.token > before
    assert world.lock.status_of("gw-pro-primary") is ActivationStatus.ACTIVE
    assert world.lock.status_of("gw-pro-dr") is ActivationStatus.STANDBY


def test_the_old_primary_stays_failed_however_well_it_beats_until_failback() -> None:
    world = with_primary_back(failed_over())

    world.pass_time(3600)

    assert world.lock.status_of("gw-pro-primary") is ActivationStatus.FAILED
    assert world.lock.holder == "gw-pro-dr"


def test_a_silent_primary_does_not_get_the_environment_back_and_nothing_changes() -> None:
    world = failed_over()
    before = everything(world)

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_RECOVERED
    assert everything(world) == before


def test_a_primary_that_has_beaten_for_a_moment_only_does_not_get_it_back() -> None:
    world = failed_over()
    world.primary.boot()
    world.pass_time(world.policy.stability_window_s / 2)
    before = everything(world)

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_RECOVERED
    assert everything(world) == before


def test_a_stopped_primary_cluster_refuses_the_failback() -> None:
    world = with_primary_back(failed_over())
    assert PRO.primary_cluster is not None
    world.clusters.put(PRO.primary_cluster, ClusterState(power=PowerState.RUNNING, provisioning="Updating"))

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_CLUSTER_NOT_RUNNING


def test_an_unreachable_database_refuses_the_failback() -> None:
    world = with_primary_back(failed_over())
    world.work.database.down = True

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.DATABASE_NOT_REACHABLE


def test_an_environment_that_never_failed_over_has_nothing_to_fail_back() -> None:
    world = World().founded()
    before = everything(world)

    refused = asked(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.NOT_FAILED_OVER
    assert everything(world) == before


def test_repeating_a_done_failback_answers_the_same_token_and_changes_nothing() -> None:
    world = with_primary_back(failed_over())
    carried_out(world, FAILBACK)
    before = everything(world)

    assert asked(world) == AlreadyDone(world.lock.token)
    assert everything(world) == before


def test_while_draining_the_holder_gets_no_new_claims() -> None:
    world = with_primary_back(failed_over())
    execute_rotation(world.ports, "cfg-pro", actor="operator", idempotency_key="a")
    execute_rotation(world.ports, "cfg-pro", actor="operator", idempotency_key="b")
    assert claim_tasks(world.ports, world.dr.caller, world.dr.identity, limit=1)
    refused: list[object] = []

    def watch() -> None:
        if world.lock.draining:
            refused.append(claim_tasks(world.ports, world.dr.caller, world.dr.identity, limit=1))

    world.watchers.append(watch)
    operation = carried_out(world, FAILBACK)

    assert operation.status is OperationStatus.SUCCEEDED
    assert refused
    assert set(refused) == {WorkRefused(TaskRefusal.DRAINING)}


def test_the_primary_waits_out_the_dr_gateways_lease_before_it_works() -> None:
    world = with_primary_back(failed_over())
    leased = world.work.mirror("PRO")
    assert leased is not None
    assert leased.lease_until is not None
    execute_rotation(world.ports, "cfg-pro", actor="operator", idempotency_key="a")
    carried_out(world, FAILBACK)

    early = claim_tasks(world.ports, world.primary.caller, world.primary.identity, limit=1)
    world.pass_time(world.policy.lease_s + world.policy.server_margin_s)
    later = claim_tasks(world.ports, world.primary.caller, world.primary.identity, limit=1)

    assert early == WorkRefused(TaskRefusal.NOT_BEFORE)
    assert isinstance(later, list)
    assert len(later) == 1


def test_the_dr_cluster_is_stopped_only_after_the_hold_time() -> None:
    world = with_primary_back(failed_over())
    carried_out(world, FAILBACK)

    assert running_operations(world.ports) == []
    world.pass_time(world.policy.hold_s + 60)
    (stop,) = running_operations(world.ports)
    run_operation(world.ports, stop, sleep=world.pass_time)

    assert stop.kind is OperationKind.STOP_DR_CLUSTER
    assert world.operation(stop.id).status is OperationStatus.SUCCEEDED
    assert world.clusters.state(PRO.dr_cluster) == STOPPED
    assert world.lock.operation is None


def test_the_stop_is_dropped_when_the_environment_needs_the_cluster_again() -> None:
    world = with_primary_back(failed_over())
    carried_out(world, FAILBACK)
    world.primary.alive = False
    world.pass_time(450)
    assert carried_out(world).status is OperationStatus.SUCCEEDED

    world.pass_time(2 * world.policy.hold_s)

    assert running_operations(world.ports) == []
    assert world.clusters.calls == ["start"]
    assert world.lock.holder == "gw-pro-dr"


def test_a_failover_is_refused_while_the_cluster_is_being_stopped() -> None:
    world = with_primary_back(failed_over())
    carried_out(world, FAILBACK)
    world.pass_time(world.policy.hold_s + 60)
    running_operations(world.ports)

    refused = begin_operation(world.ports, "PRO", OperationKind.FAILOVER, requested_by="operator", reason="")

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.OPERATION_IN_PROGRESS


def test_a_failback_whose_primary_dies_while_draining_leaves_the_dr_gateway_in_charge_and_working() -> None:
    world = with_primary_back(failed_over())
    execute_rotation(world.ports, "cfg-pro", actor="operator", idempotency_key="a")
    assert claim_tasks(world.ports, world.dr.caller, world.dr.identity, limit=1)
    before = world.lock.token
    request = begun(world, FAILBACK)
    world.primary.alive = False
    world.pass_time(world.policy.heartbeat_interval_s)

    run_operation(world.ports, request, sleep=world.pass_time)

    assert world.operation(request.id).error["code"] == "PrimaryNotRecovered"
    assert (world.lock.holder, world.lock.token, world.lock.draining) == ("gw-pro-dr", before, False)


@pytest.mark.parametrize("kind", [OperationKind.FAILOVER, OperationKind.FAILBACK])
def test_the_token_rises_although_the_clock_steps_back(kind: OperationKind) -> None:
    world = with_primary_back(failed_over()) if kind is FAILBACK else World().with_failed_primary()
    before = world.lock.token
    nanoseconds = world.clock.unix_ns
    world.clock.unix_ns = lambda: nanoseconds() - 3600 * 10**9  # type: ignore[method-assign]

    assert carried_out(world, kind).status is OperationStatus.SUCCEEDED
    assert world.lock.token == before + 1


def test_a_failback_outlives_a_control_plane_that_was_away_for_a_moment() -> None:
    """Nobody could beat meanwhile, so the primary's run of heartbeats begins anew; that is not the primary's fault."""
    world = with_primary_back(failed_over())
    request = begun(world, FAILBACK)
    world.clock.time += timedelta(seconds=2 * world.policy.on_time_s)
    world.live()

    run_operation(world.ports, request, sleep=world.pass_time)

    assert world.operation(request.id).status is OperationStatus.SUCCEEDED
    assert world.lock.holder == "gw-pro-primary"
