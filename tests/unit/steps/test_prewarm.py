"""A suspect primary's DR cluster is started early, planned to be stopped again, and nothing is granted by it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from devhost.emulators.memory_clusters import RUNNING, STOPPED
from devhost.simulation.world import PRO, World
from shared.domain.drills import DrillPhase
from shared.domain.events import EventType
from shared.domain.faults import ClusterApiUnavailable, LockStoreUnavailable
from shared.domain.locks import with_modes
from shared.domain.modes import Modes, Prewarm
from shared.domain.operations import OperationKind, OperationStatus
from shared.steps.prewarm import prewarm, prewarm_environment
from shared.steps.reconcile import running_operations
from tests.unit.steps.acting import begun, carried_out
from tests.unit.steps.test_drills import drill_begun, slot_phase


def with_modes_set(modes: Modes, world: World | None = None) -> World:
    world = world or World().founded()
    found = world.ports.locks.read("PRO")
    assert found is not None
    world.ports.locks.replace(with_modes(found.value, modes, write_id="modes"), etag=found.etag)
    return world


def suspected(modes: Modes | None = None, world: World | None = None) -> World:
    """Return a world whose primary has just missed its first heartbeat window, seen by the monitor."""
    world = with_modes_set(modes or Modes(prewarm=Prewarm.ON_SUSPECT), world)
    world.primary.alive = False
    world.pass_time(world.policy.heartbeat_timeout_s + 2 * world.policy.heartbeat_interval_s)
    return world


def test_a_suspect_primarys_cluster_is_started_and_its_stop_planned_and_nothing_is_granted() -> None:
    world = suspected()
    assert world.clusters.calls == ["start"]
    assert world.lock.holder == "gw-pro-primary"
    assert world.lock.previous_holder is None
    assert world.lock.operation is None
    assert world.lock.stop_dr_due_at is not None
    events = world.ports.events.after("PRO", 0, limit=100)
    assert [event.type for event in events if event.type is EventType.CLUSTER_PREWARMED] == [
        EventType.CLUSTER_PREWARMED
    ]
    (entry,) = [one for one in world.ports.audit.list("PRO", limit=50) if one.action == "cluster.prewarmed"]
    assert entry.before["fencing_token"] == entry.after["fencing_token"]


def test_the_failover_that_follows_needs_no_time_for_the_start() -> None:
    def execute_s(world: World) -> float:
        world.pass_time(world.policy.heartbeat_timeout_s * world.policy.failure_threshold)
        operation = carried_out(world)
        assert operation.status is OperationStatus.SUCCEEDED
        recovery = operation.result["recovery_time"]
        assert isinstance(recovery, dict)
        seconds = recovery["execute_seconds"]
        assert isinstance(seconds, float)
        return seconds

    cold, warm = execute_s(suspected(Modes())), execute_s(suspected())
    assert cold > 200  # how long this world's cluster takes to start
    assert warm < cold - 190


def test_a_false_alarm_ends_with_the_cluster_stopped_again() -> None:
    world = suspected()
    world.primary.boot()
    world.pass_time(world.policy.hold_s + 60)
    (request,) = running_operations(world.ports)
    assert request.kind is OperationKind.STOP_DR_CLUSTER
    assert world.lock.holder == "gw-pro-primary"


def test_a_suspicion_that_lasts_keeps_the_cluster_up() -> None:
    world = suspected()
    world.pass_time(3 * world.policy.hold_s)
    assert running_operations(world.ports) == []
    assert world.clusters.state(PRO.dr_cluster) == RUNNING
    assert world.clusters.calls == ["start"]


@pytest.mark.parametrize(
    "modes",
    [Modes(), Modes(prewarm=Prewarm.ON_SUSPECT, paused_until=World().clock.time + timedelta(days=1))],
)
def test_without_the_mode_and_in_a_pause_nothing_is_started(modes: Modes) -> None:
    world = suspected(modes)
    assert world.clusters.calls == []
    assert world.lock.stop_dr_due_at is None


def test_nothing_is_started_for_a_healthy_primary_during_an_operation_or_after_a_failover() -> None:
    healthy = with_modes_set(Modes(prewarm=Prewarm.ON_SUSPECT))
    assert not prewarm_environment(healthy.ports, "PRO")
    running = suspected(Modes())
    running.pass_time(running.policy.heartbeat_timeout_s * running.policy.failure_threshold)
    begun(running)
    with_modes_set(Modes(prewarm=Prewarm.ON_SUSPECT), running)
    assert not prewarm_environment(running.ports, "PRO")
    assert running.clusters.calls == []


def test_a_cluster_that_somebody_else_started_is_left_to_them() -> None:
    world = World().founded()
    world.clusters.put(PRO.dr_cluster, RUNNING)
    world = suspected(world=world)
    assert world.clusters.calls == []
    assert world.lock.stop_dr_due_at is None


def test_the_stop_is_planned_before_the_start_is_asked_for() -> None:
    def fault(point: str) -> None:
        if point == "locks.replace.before" and armed:
            raise LockStoreUnavailable("the plan cannot be written")

    armed = False
    world = suspected(Modes(), World(fault=fault).founded())
    with_modes_set(Modes(prewarm=Prewarm.ON_SUSPECT), world)
    armed = True
    prewarm(world.ports, ["PRO"])
    assert world.clusters.calls == []


def test_a_start_whose_answer_is_lost_is_not_repeated_once_it_is_seen() -> None:
    lost = ["once"]

    def fault(point: str) -> None:
        if point == "clusters.begin_start.after" and lost:
            lost.pop()
            raise ClusterApiUnavailable("no answer")

    world = suspected(world=World(fault=fault).founded())
    world.pass_time(2 * world.policy.heartbeat_interval_s)
    assert world.clusters.calls == ["start"]
    assert world.lock.stop_dr_due_at is not None


def test_while_a_drill_may_stop_the_cluster_nothing_is_started() -> None:
    world = with_modes_set(Modes(prewarm=Prewarm.ON_SUSPECT))
    drill_begun(world)
    found = world.ports.drills.read("PRO")
    assert found is not None
    world.ports.drills.replace(replace(found.value, phase=DrillPhase.STOPPING), etag=found.etag)
    world.primary.alive = False
    world.pass_time(world.policy.heartbeat_timeout_s + 2 * world.policy.heartbeat_interval_s)
    assert slot_phase(world) is DrillPhase.STOPPING
    assert world.clusters.calls == []
    assert world.clusters.state(PRO.dr_cluster) == STOPPED
