"""What the step tests do over and over: ask for an operation, carry it out, look at what changed."""

from collections.abc import Mapping
from typing import Any

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import Operation, OperationKind, OperationRequest
from shared.steps.begin_operation import Begun, begin_operation


def begun(world: World, kind: OperationKind = OperationKind.FAILOVER) -> OperationRequest:
    """Begin an operation that must be allowed, and return its request."""
    result = begin_operation(world.ports, "PRO", kind, requested_by="operator", reason="test")
    assert isinstance(result, Begun), result
    return result.request


def carried_out(world: World, kind: OperationKind = OperationKind.FAILOVER) -> Operation:
    """Begin an operation, carry it out, and return its record."""
    request = begun(world, kind)
    run_operation(world.ports, request, sleep=world.pass_time)
    return world.operation(request.id)


def failed_over(world: World | None = None) -> World:
    """Return a world whose DR gateway holds the lock."""
    world = (world or World()).with_failed_primary()
    assert carried_out(world).status.value == "succeeded"
    return world


def with_primary_back(world: World) -> World:
    """Boot the primary again and let it beat on time for long enough."""
    world.primary.boot()
    world.pass_time(world.policy.stability_window_s + 2 * world.policy.heartbeat_interval_s)
    return world


def everything(world: World) -> Mapping[str, Any]:
    """Return all rows of both stores, to compare before and after."""
    tables = world.tables.snapshot()
    return {
        "locks": dict(tables.locks.rows),
        "gateways": dict(tables.gateways.rows),
        "operations": dict(tables.operations.rows),
        "audit": dict(tables.audit.rows),
        "work": world.work.database.snapshot(),
        "cluster calls": list(world.clusters.calls),
    }


def outcome_of(lock: EnvironmentLock) -> tuple[str | None, bool, tuple[str, ...], bool]:
    """Return what two runs of the same story must agree on: holder, idle, who is marked failed, stop planned."""
    marked = tuple(mark.gateway for mark in lock.failed if mark.token == lock.token)
    return lock.holder, lock.operation is None, marked, lock.stop_dr_due_at is not None
