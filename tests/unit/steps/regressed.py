"""A world whose Table Storage was put back to an older copy, and what its tests ask of it."""

from __future__ import annotations

from datetime import timedelta

from devhost.simulation.world import World
from shared.domain.faults import (
    LockStoreUnavailable,
)
from shared.domain.guard import Mirror
from shared.domain.operations import OperationStatus
from shared.domain.refusals import RefusalCode, Refused
from shared.steps.restore_authority import Restored, restore_authority
from tests.unit.steps.acting import carried_out

LEASE_AND_MARGIN_S = 70.0


def mirror_of(world: World) -> Mirror:
    mirror = world.work.mirror("PRO")
    assert mirror is not None
    return mirror


def with_week_old_tables(*, primary_is_back: bool = False) -> World:
    """Return a world on its DR gateway whose Table Storage has just been put back to when the primary held it."""
    world = World().founded()
    copy = world.tables.snapshot()
    world.clock.time += timedelta(days=7)
    world.pass_time(2 * world.policy.heartbeat_timeout_s)
    world.primary.alive = False
    world.pass_time(450)
    assert carried_out(world).status is OperationStatus.SUCCEEDED
    world.pass_time(LEASE_AND_MARGIN_S)
    if primary_is_back:
        world.primary.boot()
    world.tables.restore(copy)
    return world


def restored(world: World, *, holder: str | None = None) -> Restored:
    answer = restore_authority(world.ports, "PRO", actor="admin", reason="storage account restored", holder=holder)
    assert isinstance(answer, Restored), answer
    return answer


def code_of(answer: object) -> RefusalCode:
    assert isinstance(answer, Refused), answer
    return answer.code


class LocksAway:
    """A fault hook under which the locks do not answer once it is armed."""

    def __init__(self) -> None:
        self.armed = False

    def __call__(self, point: str) -> None:
        if self.armed and point.startswith("locks."):
            raise LockStoreUnavailable(point)
