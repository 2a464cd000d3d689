"""The health monitor's passes: marks, recoveries, and blindness that never counts as silence (runbook, overview)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from devhost.simulation.world import World
from shared.domain.environments import Environment
from shared.domain.events import EventType
from shared.domain.faults import LockStoreUnavailable
from shared.domain.gateways import ActivationStatus
from shared.domain.health import Verdict
from shared.domain.operations import OperationKind
from shared.steps.change_modes import pause_environment
from shared.steps.gateway_calls import claim_tasks
from shared.steps.quiet_look import MonitorMemory
from shared.steps.watch_health import TOLD_AGAIN_FOR, watch_health
from tests.unit.steps.acting import begun, carried_out, failed_over, with_primary_back

FAILED = ActivationStatus.FAILED
ACTIVE = ActivationStatus.ACTIVE


def silent(world: World, seconds: float) -> World:
    world.primary.alive = False
    world.pass_time(seconds)
    return world


def status(world: World) -> ActivationStatus:
    return world.lock.status_of("gw-pro-primary")


def test_a_holder_is_marked_failed_after_three_silent_windows_and_not_before() -> None:
    world = silent(World().founded(), 355)
    assert status(world) is ACTIVE

    world.pass_time(30)

    assert status(world) is FAILED


class BetweenTheLooks:
    """A fault hook that lets something happen between the monitor's two looks, whichever comes first."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.act: Callable[[], object] | None = None

    def __call__(self, point: str) -> None:
        if point in ("locks.read_all", "gateways.read_all"):
            self.looks.append(point)
            if len(self.looks) == 2 and self.act:
                self.act()


def test_a_verdict_on_what_was_seen_before_the_lock_moved_does_not_mark_the_new_holder() -> None:
    hook = BetweenTheLooks()
    world = World(fault=hook).with_failed_primary()
    world.pass_time(600)  # the DR gateway has been silent for longer than it takes to fail
    hook.looks, hook.act = [], lambda: carried_out(world)

    watch_health(world.ports)

    assert hook.looks[:2] == ["locks.read_all", "gateways.read_all"]
    assert world.lock.holder == "gw-pro-dr"
    assert world.lock.status_of("gw-pro-dr") is ACTIVE


def test_a_first_pass_of_the_monitor_looks_twice_however_many_environments_there_are() -> None:
    points: list[str] = []
    world = World(fault=points.append).founded()
    second = Environment(name="NPR", dr_cluster="clusters/npr-dr")
    points.clear()

    watch_health(replace(world.ports, environments={**world.ports.environments, "NPR": second}))

    touched = [point for point in points if point.partition(".")[0] in ("locks", "gateways", "sight", "audit")]
    assert touched == [
        "locks.read_all", "gateways.read_all", "sight.read", "sight.replace.before", "sight.replace.after",
    ]  # fmt: skip


def test_skipped_and_repeated_ticks_do_not_change_when_a_holder_is_marked() -> None:
    world = World().founded()
    world.primary.alive = False
    for _ in range(20):
        watch_health(world.ports)
    assert status(world) is ACTIVE
    world.clock.time += timedelta(seconds=100)
    for _ in range(20):
        watch_health(world.ports)
    assert status(world) is ACTIVE


def test_silence_while_the_public_endpoint_was_down_does_not_count() -> None:
    world = World().founded()
    world.primary.alive = False
    world.canary.up = False
    world.pass_time(90)
    world.canary.up = True

    world.pass_time(360)
    assert status(world) is ACTIVE
    world.pass_time(60)
    assert status(world) is FAILED


def test_after_a_long_blindness_the_verdict_is_unknown_for_one_window_and_counting_starts_anew() -> None:
    world = World().founded()
    world.primary.alive = False
    world.clock.time += timedelta(hours=2)

    seen = watch_health(world.ports).verdicts["gw-pro-primary"]
    world.pass_time(110)

    assert seen is Verdict.UNKNOWN
    assert status(world) is ACTIVE
    world.pass_time(300)
    assert status(world) is FAILED


def test_one_failed_pass_delays_a_verdict_by_that_pass_only() -> None:
    world = World().founded()
    world.primary.alive = False
    world.canary.up = False
    world.pass_time(15)
    world.canary.up = True

    world.pass_time(390)

    assert status(world) is FAILED


def test_a_store_that_does_not_answer_gives_no_verdict() -> None:
    failing = False

    def fault(point: str) -> None:
        if failing and point.startswith("gateways"):
            raise LockStoreUnavailable(point)

    world = World(fault=fault).founded()
    failing = True
    world.clock.time += timedelta(seconds=15)

    seen = watch_health(world.ports)

    assert (seen.sees, seen.verdicts) == (False, {})


def test_a_failed_holder_that_beats_on_time_three_times_is_active_again_under_a_new_token() -> None:
    world = World().with_failed_primary()
    before = world.lock.token
    world.primary.boot()

    world.pass_time(2 * world.policy.heartbeat_interval_s)
    assert status(world) is FAILED
    world.pass_time(2 * world.policy.heartbeat_interval_s)

    assert status(world) is ACTIVE
    assert world.lock.token > before
    mirror = world.work.mirror("PRO")
    assert mirror is not None
    assert mirror.token == world.lock.token


def test_a_failed_holder_is_not_let_back_in_while_an_operation_runs() -> None:
    world = World().with_failed_primary()
    begun(world, OperationKind.FAILOVER)
    before = world.lock.token
    world.primary.boot()

    world.pass_time(120)

    assert world.lock.token == before
    assert status(world) is FAILED


def test_a_failed_holder_gets_no_lease_and_no_tasks_until_it_is_let_back_in() -> None:
    world = World().with_failed_primary()
    world.primary.boot()

    first = world.primary.beat()
    second = world.primary.beat()

    assert (first.lease_s, second.lease_s) == (None, None)
    assert second.lease_refusal == "holder_failed"
    refused = claim_tasks(world.ports, world.primary.caller, world.primary.identity, limit=1)
    assert str(refused) == "WorkRefused(reason=<TaskRefusal.HOLDER_FAILED: 'holder_failed'>)"


def test_a_cold_standby_is_never_marked_failed() -> None:
    world = World().founded()

    world.pass_time(24 * 3600)

    assert watch_health(world.ports).verdicts["gw-pro-dr"] is Verdict.COLD
    assert world.lock.status_of("gw-pro-dr") is ActivationStatus.STANDBY


def test_a_dr_gateway_that_holds_the_lock_and_falls_silent_is_marked_failed() -> None:
    world = failed_over()
    world.dr_boots = False
    world.dr.alive = False

    world.pass_time(450)

    assert world.lock.status_of("gw-pro-dr") is FAILED
    assert world.lock.status_of("gw-pro-primary") is FAILED


def touched(world: World, points: list[str], memory: MonitorMemory) -> list[str]:
    points.clear()
    assert watch_health(world.ports, memory).sees
    return [point for point in points if point.partition(".")[0] in ("locks", "gateways", "sight")]


QUIET = ["gateways.read_all", "sight.replace.before", "sight.replace.after"]


def test_a_pass_in_which_nothing_can_follow_reads_the_heartbeats_and_writes_the_sight_only() -> None:
    points: list[str] = []
    world, memory = World(fault=points.append).founded(), MonitorMemory()
    assert "locks.read_all" in touched(world, points, memory)
    for _ in range(3):
        world.clock.time += timedelta(seconds=15)
        world.primary.beat()
        assert touched(world, points, memory) == QUIET


def test_a_silent_holder_or_a_database_that_does_not_answer_makes_the_monitor_read_the_lock() -> None:
    points: list[str] = []
    world, memory = World(fault=points.append).founded(), MonitorMemory()
    touched(world, points, memory)
    world.work.database.down = True
    assert "locks.read_all" in touched(world, points, memory)
    world.work.database.down = False
    touched(world, points, memory)
    assert touched(world, points, memory) == QUIET
    world.clock.time += timedelta(seconds=world.policy.heartbeat_timeout_s)
    assert "locks.read_all" in touched(world, points, memory)


def test_a_monitor_that_remembers_the_former_holder_marks_the_new_one_though_the_former_is_well() -> None:
    world, memory = with_primary_back(failed_over()), MonitorMemory()
    watch_health(world.ports, memory)
    carried_out(world, OperationKind.FAILBACK)
    world.primary.alive = False
    for _ in range(30):
        world.clock.time += timedelta(seconds=15)
        world.dr.beat()  # its cluster runs for another half hour
        watch_health(world.ports, memory)
    assert status(world) is FAILED


def test_the_lock_of_a_holder_that_is_marked_failed_is_read_in_every_pass() -> None:
    points: list[str] = []
    world, memory = World(fault=points.append).with_failed_primary(), MonitorMemory()
    world.primary.boot()
    for _ in range(2):
        world.primary.beat()
        world.clock.time += timedelta(seconds=15)
        assert "locks.read_all" in touched(world, points, memory)
        assert status(world) is FAILED


def test_a_monitor_that_slept_while_another_marked_the_holder_lets_it_back_in() -> None:
    world, memory = World().founded(), MonitorMemory()
    watch_health(world.ports, memory)
    silent(world, 400)
    assert status(world) is FAILED
    world.primary.alive = True  # the same boot: it was only cut off
    for _ in range(world.policy.recovery_heartbeats):
        world.clock.time += timedelta(seconds=15)
        world.primary.beat()
    watch_health(world.ports, memory)
    assert status(world) is ACTIVE


def test_a_remembered_lock_is_read_again_after_an_hour_and_after_a_clock_that_stepped_back() -> None:
    points: list[str] = []
    world, memory = World(fault=points.append).founded(), MonitorMemory()
    looks = 0
    for _ in range(250):
        world.clock.time += timedelta(seconds=15)
        world.primary.beat()
        looks += "locks.read_all" in touched(world, points, memory)
    assert looks == 2
    world.clock.time -= timedelta(hours=2)
    world.primary.beat()
    assert "locks.read_all" in touched(world, points, memory)


def test_after_another_monitor_wrote_its_sight_ours_reads_it_again() -> None:
    points: list[str] = []
    world, memory = World(fault=points.append).founded(), MonitorMemory()
    touched(world, points, memory)
    for _ in range(2):
        world.clock.time += timedelta(seconds=15)
        watch_health(world.ports)  # another process, which has just started
    assert "sight.replace.after" not in touched(world, points, memory)
    assert touched(world, points, memory)[-3:] == ["sight.read", "sight.replace.before", "sight.replace.after"]
    stored = world.ports.sight.read()
    assert stored is not None
    assert stored.value.last_tick_at == world.clock.time
    assert stored.value.gaps == ()


class DiesAfterTheMark:
    """A fault hook that ends the pass at a write which follows the mark, once."""

    def __init__(self, point: str) -> None:
        self.point, self.died = point, False
        self.marked: Callable[[], bool] = lambda: False

    def __call__(self, point: str) -> None:
        if point == self.point and not self.died and self.marked():
            self.died = True
            raise SystemExit


@pytest.mark.parametrize("point", ["locks.replace.after", "events.insert.before", "audit.insert.before"])
def test_a_mark_is_told_and_audited_once_although_the_monitor_died_right_after_it(point: str) -> None:
    hook = DiesAfterTheMark(point)
    world = World(fault=hook).founded()
    hook.marked = lambda: status(world) is FAILED
    try:
        silent(world, 600)
    except SystemExit:
        world.pass_time(120)

    events, entries = world.ports.events.newest("PRO", limit=50), world.ports.audit.list("PRO", limit=50)
    assert hook.died
    assert [event.type for event in events].count(EventType.GATEWAY_FAILED) == 1
    assert [entry.action for entry in entries].count("gateway.failed") == 1


def test_a_mark_is_not_told_during_a_pause_and_not_looked_for_for_ever() -> None:
    hook = DiesAfterTheMark("locks.replace.after")
    world = World(fault=hook).founded()
    hook.marked = lambda: status(world) is FAILED
    with pytest.raises(SystemExit):
        silent(world, 600)
    until = world.clock.now() + timedelta(minutes=10)
    pause_environment(world.ports, "PRO", until=until, actor="jana", reason="maintenance")

    def told() -> int:
        return [event.type for event in world.ports.events.newest("PRO", limit=50)].count(EventType.GATEWAY_FAILED)

    world.pass_time(300)
    assert told() == 0
    world.pass_time(600)
    assert told() == 1
    world.pass_time(TOLD_AGAIN_FOR.total_seconds())
    hook.point, hook.died = "events.list", False
    world.pass_time(60)
    assert not hook.died
