"""Every tick that changes a verdict stores the change, once, and an idle tick costs no more than before."""

from collections import Counter
from datetime import timedelta

from devhost.simulation.world import World
from shared.domain.events import EventType
from shared.domain.faults import Conflict, LockStoreUnavailable
from shared.steps.watch_health import watch_health
from tests.unit.steps.fleet import Fleet


def changes(world: World) -> list[tuple[str, object, object]]:
    newest = world.ports.events.after("PRO", 0, limit=500)
    return [(e.subject, e.data["from"], e.data["to"]) for e in newest if e.type is EventType.VERDICT_CHANGED]


def silent(world: World) -> World:
    world.founded()
    world.primary.alive = False
    return world


def test_each_change_of_a_verdict_is_told_once_with_its_reason() -> None:
    world = silent(World())
    before = len(changes(world))

    world.pass_time(450)

    assert changes(world)[before:] == [
        ("gw-pro-primary", "healthy", "suspect"),
        ("gw-pro-primary", "suspect", "failed"),
    ]
    newest = next(e for e in world.ports.events.newest("PRO", limit=9) if e.type is EventType.VERDICT_CHANGED)
    assert "3 missed heartbeats" in str(newest.data["reason"])


def test_two_monitors_that_see_the_same_change_tell_it_once() -> None:
    racing: list[World] = []

    def race(point: str) -> None:
        if point == "sight.replace.before" and racing:
            watch_health(racing.pop().ports)

    world = silent(World(fault=race))
    before = len(changes(world))
    world.pass_time(105)
    world.clock.time += timedelta(seconds=15)
    racing.append(world)

    watch_health(world.ports)

    assert not racing
    assert changes(world)[before:] == [("gw-pro-primary", "healthy", "suspect")]


def test_a_tick_that_is_repeated_after_its_sight_was_not_written_tells_the_change_once() -> None:
    crashing = False

    def crash(point: str) -> None:
        if crashing and point == "sight.replace.before":
            raise LockStoreUnavailable(point)

    world = silent(World(fault=crash))
    before = len(changes(world))
    world.pass_time(105)
    crashing = True
    world.pass_time(15)
    crashing = False
    world.clock.time += timedelta(seconds=5)
    watch_health(world.ports)

    assert changes(world)[before:] == [("gw-pro-primary", "healthy", "suspect")]


def test_a_timeline_that_takes_no_events_does_not_keep_the_monitor_from_marking() -> None:
    def refuse(point: str) -> None:
        if point == "events.insert.before":
            raise Conflict(point)

    world = silent(World(fault=refuse))
    world.pass_time(450)

    assert world.lock.mark_of("gw-pro-primary") is not None


def test_an_idle_tick_costs_four_requests_whatever_the_number_of_environments() -> None:
    """Table Storage bills each transaction, every 15 s, for ever."""
    points: Counter[str] = Counter()

    def count(point: str) -> None:
        if not point.endswith(".after"):
            points[point] += 1

    fleet = Fleet(20, fault=count)
    fleet.pass_time(600)
    points.clear()

    watch_health(fleet.ports)

    assert points == {"locks.read_all": 1, "gateways.read_all": 1, "sight.read": 1, "sight.replace.before": 1}
