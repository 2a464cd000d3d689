"""Two hosts may carry out one operation at once, as scaled-out instances with engines of their own do.

The test counts the store accesses of an undisturbed run, then runs it again once per access with a second driver, which
moves the lock exactly there and leaves the rest to the first one.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from devhost.simulation.world import World
from shared.domain.operations import OperationKind, OperationRequest, Step
from shared.domain.policy import Policy
from shared.flows.catalogue import FLOWS
from shared.flows.commands import Call, Sleep, StepOutcome, StepResult
from shared.steps.run_step import run_step
from tests.unit.steps.acting import begun, failed_over, outcome_of, with_primary_back

LONGEST_S = 0.005
MOVES = (Step.ACTIVATE_DR, Step.REACTIVATE_PRIMARY)
KINDS = [OperationKind.FAILOVER, OperationKind.FAILBACK]


class Meeting:
    """A fault hook that lets somebody else act once, at the n-th access after it was armed."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.at: int | None = None
        self.armed = False
        self.act: Callable[[], object] = dict

    def __call__(self, point: str) -> None:
        if not self.armed:
            return
        self.seen.append(point)
        if self.at is not None and len(self.seen) == self.at + 1:
            self.armed = False
            self.act()


class MeetingWorld(World):
    """A world whose gateways and timers meet nobody: only the operation's own driver does."""

    def __init__(self, hook: Meeting) -> None:
        # The second driver waits in real time where the first one's transaction holds the fence.
        super().__init__(fault=hook, policy=replace(Policy(), guarded_transaction_s=LONGEST_S))
        self.hook = hook

    def pass_time(self, seconds: float) -> None:
        armed, self.hook.armed = self.hook.armed, False
        super().pass_time(seconds)
        self.hook.armed = armed


def drive(world: MeetingWorld, request: OperationRequest, *, until: tuple[Step, ...] = ()) -> None:
    """Carry an operation out, to its end or until one of these steps is done."""
    flow = FLOWS[request.kind]()
    command = next(flow)
    while True:
        match command:
            case Call(step, args):
                result = run_step(world.ports, request, step, args)
                if step in until and result.outcome is StepOutcome.DONE:
                    return
            case Sleep(seconds):
                world.pass_time(seconds)
                result = StepResult(outcome=StepOutcome.DONE)
        try:
            command = flow.send(result)
        except StopIteration:
            return


def prepared(kind: OperationKind) -> tuple[MeetingWorld, OperationRequest]:
    world = MeetingWorld(Meeting())
    if kind is OperationKind.FAILOVER:
        world.with_failed_primary()
    else:
        failed_over(world)
        with_primary_back(world)
    return world, begun(world, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_driver_whose_colleague_has_moved_the_lock_goes_on_from_there(kind: OperationKind) -> None:
    world, request = prepared(kind)
    world.hook.armed = True
    drive(world, request)
    points, undisturbed = world.hook.seen, outcome_of(world.lock)
    assert len(points) > 40
    for at, point in enumerate(points):
        world, request = prepared(kind)
        world.hook.act = partial(drive, world, request, until=MOVES)
        before = world.lock.token
        world.hook.at, world.hook.armed = at, True
        drive(world, request)

        where = f"{point}, access {at}"
        record = world.operation(request.id)
        assert record.status.value == "succeeded", (where, record.error)
        assert outcome_of(world.lock) == undisturbed, where
        moves = [entry for entry in world.ports.audit.list("PRO", limit=100) if entry.action == "lock.moved"]
        assert world.lock.token > before, where
        assert len({entry.after["fencing_token"] for entry in moves}) == (1 if kind is OperationKind.FAILOVER else 2), (
            where
        )
