"""With PostgreSQL away, a move is acknowledged only when every transaction under the former token must have ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devhost.simulation.world import World
from shared.domain.operations import OperationKind, Step
from shared.flows.commands import StepOutcome, StepResult
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.run_step import run_step


class SlowWrite:
    """A fault that lets a long time pass while the lock's write is on its way."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.world: World | None = None

    def __call__(self, point: str) -> None:
        if self.world is not None and point == "locks.replace.before":
            self.world.clock.time += timedelta(seconds=self.seconds)


def acknowledged_after_s(slow: SlowWrite, *, clock_set_by_s: float) -> float:
    """Move the lock with PostgreSQL away; return how many seconds the step asked to wait before it was done."""
    world = World(fault=slow).with_failed_primary()
    begun = begin_operation(world.ports, "PRO", OperationKind.FAILOVER, requested_by="operator", reason="")
    assert isinstance(begun, Begun)
    looked = run_step(world.ports, begun.request, Step.LOOK_AGAIN, {})
    assert looked.outcome is StepOutcome.DONE
    world.work.database.down = True
    slow.world = world
    waited_s, result = 0.0, move(world, begun, looked)
    world.clock.time += timedelta(seconds=clock_set_by_s)
    while result.outcome is StepOutcome.WAITING:
        waited_s += result.retry_after_s
        world.clock.time += timedelta(seconds=result.retry_after_s)
        result = move(world, begun, result)
    assert result.data["mirror"] == "pending"
    return waited_s


def move(world: World, begun: Begun, former: StepResult) -> StepResult:
    return run_step(world.ports, begun.request, Step.ACTIVATE_DR, former.data)


@pytest.mark.parametrize("write_takes_s", [0.0, 3.0, 30.0])
@pytest.mark.parametrize("clock_set_by_s", [0.0, 600.0, -600.0])
def test_the_wait_begins_after_the_write_and_no_clock_shortens_it(write_takes_s: float, clock_set_by_s: float) -> None:
    waited_s = acknowledged_after_s(SlowWrite(write_takes_s), clock_set_by_s=clock_set_by_s)
    assert waited_s == pytest.approx(World().policy.guarded_transaction_s)
