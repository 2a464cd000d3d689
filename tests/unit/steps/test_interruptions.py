"""A host may die before, inside and after every store access; the operation still ends as if it had not.

Each test counts the accesses of an undisturbed run, then runs it again once per access with the driver killed, or the
answer lost, exactly there. Afterwards the flow runs anew from its beginning: what a host does that lost its history.
"""

from collections.abc import Callable

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.faults import Conflict, OutcomeUnknown
from shared.domain.operations import OperationKind, OperationRequest
from tests.unit.steps.acting import begun, failed_over, outcome_of, with_primary_back


class HostDied(BaseException):
    """The process is gone; nothing in the product can catch it."""


class Countdown:
    """A fault hook that fires once, at the n-th write point after it was armed."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.at: int | None = None
        self.failure: Callable[[str], BaseException] = lambda point: HostDied(point)
        self.armed = False

    def __call__(self, point: str) -> None:
        if not self.armed or ".read" in point or ".list" in point or point == "clusters.state":
            return
        self.seen.append(point)
        if self.at is not None and len(self.seen) == self.at + 1:
            raise self.failure(point)


class Clocked(World):
    """A world whose gateways and timers are never hit by the fault: only the operation's own driver is."""

    def __init__(self, hook: Countdown) -> None:
        super().__init__(fault=hook)
        self.hook = hook

    def pass_time(self, seconds: float) -> None:
        armed, self.hook.armed = self.hook.armed, False
        try:
            super().pass_time(seconds)
        finally:
            self.hook.armed = armed


def prepared(kind: OperationKind, hook: Countdown) -> tuple[Clocked, OperationRequest]:
    world = Clocked(hook)
    if kind is OperationKind.FAILOVER:
        world.with_failed_primary()
    else:
        failed_over(world)
        with_primary_back(world)
    return world, begun(world, kind)


def points(kind: OperationKind) -> list[str]:
    hook = Countdown()
    world, request = prepared(kind, hook)
    hook.armed = True
    run_operation(world.ports, request, sleep=world.pass_time)
    return hook.seen


def uninterrupted(kind: OperationKind) -> object:
    world, request = prepared(kind, Countdown())
    run_operation(world.ports, request, sleep=world.pass_time)
    return outcome_of(world.lock)


KINDS = [OperationKind.FAILOVER, OperationKind.FAILBACK]


@pytest.mark.parametrize("kind", KINDS)
def test_an_operation_killed_at_any_write_ends_in_the_same_state_with_one_token(kind: OperationKind) -> None:
    all_points = points(kind)
    assert len(all_points) > 20
    for at in range(len(all_points)):
        hook = Countdown()
        world, request = prepared(kind, hook)
        before = world.lock.token
        hook.at, hook.armed = at, True
        with pytest.raises(HostDied):
            run_operation(world.ports, request, sleep=world.pass_time)
        hook.armed = False
        moved = world.lock.token if world.lock.token != before else None
        run_operation(world.ports, request, sleep=world.pass_time)

        assert outcome_of(world.lock) == uninterrupted(kind), all_points[at]
        assert world.operation(request.id).status.value == "succeeded", all_points[at]
        assert moved is None or world.lock.token == moved, all_points[at]
        mirror = world.work.mirror("PRO")
        assert mirror is not None
        assert (mirror.token, mirror.holder) == (world.lock.token, world.lock.holder), all_points[at]
        audited = [entry.action for entry in reversed(world.ports.audit.list("PRO", limit=100))]
        expected = [f"{kind.value}.begun", "lock.moved", f"{kind.value}.succeeded"]
        assert audited[-3:] == expected, all_points[at]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ["lost", "turned into a 412 by a repetition"])
def test_a_lost_answer_at_any_write_ends_in_the_same_state(kind: OperationKind, answer: str) -> None:
    all_points = points(kind)
    for at, point in enumerate(all_points):
        if not point.endswith(".after") or point.startswith("clusters"):
            continue
        hook = Countdown()
        world, request = prepared(kind, hook)
        hook.failure = OutcomeUnknown if answer == "lost" else Conflict
        hook.at, hook.armed = at, True
        run_operation(world.ports, request, sleep=world.pass_time)

        assert outcome_of(world.lock) == uninterrupted(kind), point
        assert world.operation(request.id).status.value == "succeeded", point
