"""What is read is read once: a second look of the same pass costs time and may contradict the first."""

from devhost.simulation.world import World
from shared.domain.operations import OperationKind
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.observe import observe
from shared.steps.watch_health import watch_health


class Points:
    """A fault that fails nothing and keeps which accesses there were."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, point: str) -> None:
        self.seen.append(point)


def test_one_pass_of_the_monitor_reads_its_sight_once() -> None:
    points = Points()
    world = World(fault=points).founded()
    points.seen.clear()

    assert watch_health(world.ports).sees

    assert points.seen.count("sight.read") == 1


def test_an_operation_is_registered_on_the_lock_that_was_judged_without_another_read() -> None:
    points = Points()
    world = World(fault=points).with_failed_primary()
    points.seen.clear()

    begun = begin_operation(world.ports, "PRO", OperationKind.FAILOVER, requested_by="operator", reason="")

    assert isinstance(begun, Begun)
    assert points.seen[: points.seen.index("locks.replace.before")].count("locks.read") == 1


def test_the_lock_is_read_before_the_evidence() -> None:
    points = Points()
    world = World(fault=points).founded()
    points.seen.clear()

    observe(world.ports, "PRO")

    assert points.seen[:2] == ["locks.read", "gateways.list"]


def test_the_monitor_reads_the_locks_before_the_evidence() -> None:
    points = Points()
    world = World(fault=points).founded()
    points.seen.clear()

    watch_health(world.ports)

    assert [point.partition(".")[0] for point in points.seen[:2]] == ["locks", "gateways"]
