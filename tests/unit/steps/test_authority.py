"""Table Storage put back to an older copy under a running system: refusals, never a grant, until a restore."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import PRO, World
from shared.domain.gateways import ActivationStatus, BeatAnswer
from shared.domain.operations import OperationKind, OperationStatus
from shared.domain.refusals import RefusalCode
from shared.domain.tasks import TaskRefusal
from shared.ports import WorkRefused
from shared.steps.admin_calls import all_snapshots, deactivate_gateway, execute_rotation
from shared.steps.begin_operation import begin_operation, register_stop
from shared.steps.gateway_calls import claim_tasks
from shared.steps.observe import observe
from shared.steps.quiet_look import MonitorMemory
from shared.steps.reconcile import running_operations
from shared.web.responses import gateway_health_document
from tests.unit.steps.acting import carried_out, failed_over, with_primary_back
from tests.unit.steps.regressed import LocksAway, code_of, mirror_of, with_week_old_tables


@pytest.mark.parametrize("primary_is_back", [True, False])
def test_a_week_old_copy_causes_refusals_and_never_a_grant(primary_is_back: bool) -> None:
    world = with_week_old_tables(primary_is_back=primary_is_back)
    stale, mirror = world.tables.locks.rows.snapshot(), mirror_of(world)
    former = world.dr.caller
    answers: list[BeatAnswer] = []
    alive = (world.dr, world.primary) if primary_is_back else (world.dr,)
    world.watchers.append(lambda: answers.extend(gateway.answer for gateway in alive if gateway.answer))
    world.pass_time(900)

    assert len(answers) >= 60 * len(alive)
    assert all((answer.token, answer.lease_s) == (None, None) for answer in answers)
    assert ActivationStatus.ACTIVE not in {answer.status for answer in answers}
    assert world.tables.locks.rows.snapshot() == stale
    assert mirror_of(world) == mirror
    world.dr.answer = BeatAnswer(
        status=ActivationStatus.ACTIVE, token=former.token, lease_s=None, lease_refusal=None, draining=False
    )
    for gateway in alive:
        assert gateway.beat().lease_refusal == "authority_regressed"
    refused = WorkRefused(TaskRefusal.AUTHORITY_REGRESSED)
    assert claim_tasks(world.ports, former, world.dr.identity, limit=1) == refused


def test_while_the_authority_is_regressed_every_control_operation_says_so() -> None:
    world = with_week_old_tables()
    before = world.tables.locks.rows.snapshot()
    ports = world.ports
    calls: list[Callable[[], object]] = [
        lambda: begin_operation(ports, "PRO", OperationKind.FAILOVER, requested_by="operator", reason=""),
        lambda: begin_operation(ports, "PRO", OperationKind.FAILBACK, requested_by="operator", reason=""),
        lambda: deactivate_gateway(ports, "gw-pro-primary", actor="admin", forced=True, reason="test"),
        lambda: deactivate_gateway(ports, "gw-pro-dr", actor="admin", forced=True, reason="test"),
        lambda: execute_rotation(ports, "cfg-pro", actor="operator", idempotency_key="k"),
    ]
    assert [code_of(call()) for call in calls] == [RefusalCode.AUTHORITY_REGRESSED] * len(calls)
    document = gateway_health_document(all_snapshots(ports), world.policy)
    environment = json.loads(json.dumps(document))["environments"][0]
    assert (environment["authority"], environment["mirror"]) == ("regressed", "ahead")
    assert world.tables.locks.rows.snapshot() == before
    assert ports.work.pending_tasks("PRO") == 0


@pytest.mark.parametrize("remembers", [True, False])
def test_a_stale_lock_lets_no_recovered_holder_back_in(remembers: bool) -> None:
    """The copy dates from when the primary was marked failed; beating on time it would get a new token otherwise.

    A monitor that has just started knows nothing of the lock that was lost.
    """
    world = World().with_failed_primary()
    copy = world.tables.snapshot()
    assert carried_out(world).status is OperationStatus.SUCCEEDED
    world.tables.restore(copy)
    world.memory = world.memory if remembers else MonitorMemory()
    world.primary.boot()
    world.pass_time(300)
    assert world.tables.locks.rows.snapshot() == copy.locks
    assert mirror_of(world).holder == "gw-pro-dr"


def test_a_failed_holder_is_not_let_back_in_while_nobody_can_tell_whether_the_lock_is_stale() -> None:
    world = World().with_failed_primary()
    copy = world.tables.snapshot()
    assert carried_out(world).status is OperationStatus.SUCCEEDED
    world.tables.restore(copy)
    world.work.database.down = True
    world.primary.boot()
    world.pass_time(300)
    assert world.tables.locks.rows.snapshot() == copy.locks
    world.work.database.down = False
    world.pass_time(300)
    assert mirror_of(world).holder == "gw-pro-dr"


def test_the_dr_cluster_is_not_stopped_because_a_stale_lock_has_its_stop_planned() -> None:
    world = with_primary_back(failed_over())
    assert carried_out(world, OperationKind.FAILBACK).status is OperationStatus.SUCCEEDED
    copy = world.tables.snapshot()
    assert world.lock.stop_dr_due_at is not None
    world.primary.alive = False
    world.pass_time(500)
    assert carried_out(world).status is OperationStatus.SUCCEEDED
    world.tables.restore(copy)
    for _ in range(8):
        world.pass_time(world.policy.hold_s / 4)
        for request in running_operations(world.ports):
            run_operation(world.ports, request, sleep=world.pass_time)
    assert "stop" not in world.clusters.calls


@pytest.mark.parametrize("database_is_down", [True, False])
def test_no_stop_is_registered_on_a_lock_that_is_stale_or_may_be(database_is_down: bool) -> None:
    world = with_primary_back(failed_over())
    assert carried_out(world, OperationKind.FAILBACK).status is OperationStatus.SUCCEEDED
    copy = world.tables.snapshot()
    world.primary.alive = False
    world.pass_time(500)
    assert carried_out(world).status is OperationStatus.SUCCEEDED
    world.tables.restore(copy)
    world.clock.time += timedelta(seconds=world.policy.hold_s)
    world.work.database.down = database_is_down
    assert register_stop(world.ports, "PRO") is None
    assert world.tables.locks.rows.snapshot() == copy.locks


def test_an_operation_that_a_stale_lock_names_is_neither_started_nor_carried_out() -> None:
    world = with_primary_back(failed_over())
    assert carried_out(world, OperationKind.FAILBACK).status is OperationStatus.SUCCEEDED
    world.pass_time(world.policy.hold_s)
    (stop,) = running_operations(world.ports)
    assert stop.kind is OperationKind.STOP_DR_CLUSTER
    copy = world.tables.snapshot()
    run_operation(world.ports, stop, sleep=world.pass_time)
    world.primary.alive = False
    world.pass_time(500)
    assert carried_out(world).status is OperationStatus.SUCCEEDED
    stops = world.clusters.calls.count("stop")
    world.tables.restore(copy)
    assert running_operations(world.ports) == []
    run_operation(world.ports, stop, sleep=world.pass_time)  # its orchestration was restored as well
    assert world.clusters.calls.count("stop") == stops


class MovesWhileRead:
    """A fault hook that lets something happen while an observer reads, between the lock and the mirror."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], object]] = []

    def __call__(self, point: str) -> None:
        if point == "gateways.list" and self.acts:
            self.acts.pop()()


def test_a_lock_that_moves_while_it_is_looked_at_is_not_taken_for_a_stale_one() -> None:
    hook = MovesWhileRead()
    world = World(fault=hook).with_failed_primary()
    hook.acts.append(lambda: carried_out(world))
    snapshot = observe(world.ports, PRO.name)
    assert not hook.acts
    assert snapshot.lock is not None
    assert snapshot.mirror is not None
    assert snapshot.lock.value.token == snapshot.mirror.token


def test_while_table_storage_is_away_the_holder_is_told_that_it_goes_on_under_its_token() -> None:
    hook = LocksAway()
    world = World(fault=hook).founded()
    token = world.lock.token
    hook.armed = True
    answer = world.primary.beat()
    assert (answer.status, answer.token, answer.lease_s) == (ActivationStatus.ACTIVE, token, 60.0)
    assert world.dr.beat().token is None
