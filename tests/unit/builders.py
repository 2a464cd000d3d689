"""Records with sensible defaults: a healthy PRO environment at T0, and what a test changes about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import settings

from shared.domain.clusters import ClusterState, PowerState
from shared.domain.environments import Role
from shared.domain.failover import Snapshot
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway, Heartbeat, Identity
from shared.domain.guard import Caller, Mirror
from shared.domain.health import Sight
from shared.domain.locks import EnvironmentLock, FailedMark, Versioned
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.policy import Policy

T0: Final = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
POLICY: Final = Policy()
TOKEN: Final = FencingToken(1_772_366_400_000_000_000)  # T0 in nanoseconds: what the lock of `lock()` carries

PRIMARY: Final = "gw-pro-primary"
DR: Final = "gw-pro-dr"

PROPERTY: Final = settings(deadline=None, database=None, derandomize=True, max_examples=300)
"""Every run tries the same examples, and a slow machine fails none of them."""

RUNNING: Final = ClusterState(power=PowerState.RUNNING, provisioning="Succeeded")
STOPPED: Final = ClusterState(power=PowerState.STOPPED, provisioning="Succeeded")


def above(token: int, *, by: int = 1) -> FencingToken:
    """Return a token above another."""
    return FencingToken(token + by)


def primary_gateway(**changes: Any) -> Gateway:
    """Return the primary: heard at T0, on time for the last ten minutes."""
    return replace(_gateway(PRIMARY, Role.PRIMARY), **changes)


def dr_gateway(**changes: Any) -> Gateway:
    """Return the DR gateway: heard at T0, on time for the last ten minutes."""
    return replace(_gateway(DR, Role.DR_STANDBY), **changes)


def beat(**changes: Any) -> Heartbeat:
    """Return a heartbeat of the primary's present boot."""
    return replace(Heartbeat(boot_id="boot-1", role="primary", environment="PRO"), **changes)


def lock(**changes: Any) -> EnvironmentLock:
    """Return the lock of PRO: held by the primary under TOKEN, nothing running, nobody failed."""
    held = EnvironmentLock(
        environment="PRO",
        holder=PRIMARY,
        token=TOKEN,
        granted_by="found/1",
        acquired_at=T0 - 3600 * SECOND,
        written_by="found/1",
    )
    return replace(held, **changes)


def mark(gateway: str = PRIMARY, *, token: FencingToken = TOKEN) -> FailedMark:
    """Return a failed mark that the monitor set at T0 for a gateway last heard 400 s before."""
    return FailedMark(gateway=gateway, token=token, at=T0, last_heartbeat=T0 - 400 * SECOND)


def failed_over_lock(**changes: Any) -> EnvironmentLock:
    """Return the lock after a failover: held by the DR gateway under TOKEN, the primary still failed."""
    moved = lock(
        holder=DR,
        previous_holder=PRIMARY,
        previous_token=FencingToken(TOKEN - 1),
        failed=(mark(PRIMARY),),
        granted_by="op-failover",
        written_by="op-failover/move",
    )
    return replace(moved, **changes)


def request(kind: OperationKind = OperationKind.FAILOVER, **changes: Any) -> OperationRequest:
    """Return a request for an operation on PRO, made at T0."""
    asked = OperationRequest(
        id=f"op-{kind.value}", kind=kind, environment="PRO", requested_by="operator", requested_at=T0
    )
    return replace(asked, **changes)


def sight(*, watched_s: float = 3600.0, at: datetime = T0) -> Sight:
    """Return the sight of a monitor that ticked at `at` and has watched that long without a gap."""
    return Sight(last_tick_at=at, watching_since=at - timedelta(seconds=watched_s))


def mirror(**changes: Any) -> Mirror:
    """Return the mirror of `lock()`: the primary has a lease for 60 s more, on a validated timeline."""
    copy = Mirror(
        environment="PRO",
        token=TOKEN,
        holder=PRIMARY,
        lease_until=T0 + 60 * SECOND,
        not_before=None,
        validated_timeline="00000001",
    )
    return replace(copy, **changes)


def mirror_of(held: EnvironmentLock, **changes: Any) -> Mirror:
    """Return the mirror that is up to date with this lock."""
    return mirror(**{"token": held.token, "holder": held.holder, **changes})


def caller(gateway_id: str = PRIMARY, *, token: int = TOKEN) -> Caller:
    """Return a gateway that asks the guard."""
    return Caller(gateway_id=gateway_id, environment="PRO", token=FencingToken(token))


def at_version(value: EnvironmentLock, etag: str = "v7") -> Versioned[EnvironmentLock]:
    """Return the lock as it was read at a version."""
    return Versioned(value, etag)


def steady_snapshot(**changes: Any) -> Snapshot:
    """Return PRO at T0 in steady state: the primary holds the lock and beats, the DR gateway stands by.

    Unless a test says otherwise, the mirror is up to date with the lock, or with `lock()` where the lock is missing.
    """
    found = changes.get("lock", at_version(lock()))
    seen = Snapshot(
        environment="PRO",
        lock=found,
        primary=primary_gateway(),
        dr=dr_gateway(),
        sight=sight(),
        now=T0,
        mirror=mirror_of(found.value if found else lock()),
    )
    return replace(seen, **changes)


def failed_snapshot(**changes: Any) -> Snapshot:
    """Return PRO at T0 with its primary silent for 400 s and marked failed: a failover is allowed."""
    silent = primary_gateway(last_heartbeat=T0 - 400 * SECOND)
    return steady_snapshot(**{"primary": silent, "lock": at_version(lock(failed=(mark(),))), **changes})


def failed_over_snapshot(**changes: Any) -> Snapshot:
    """Return PRO at T0 on its DR gateway, with the primary well again: a failback is allowed."""
    return steady_snapshot(**{"lock": at_version(failed_over_lock()), "primary_cluster": RUNNING, **changes})


def _gateway(gateway_id: str, role: Role) -> Gateway:
    return Gateway(
        id=gateway_id,
        environment="PRO",
        role=role,
        identity=Identity(tenant_id="tenant", object_id=gateway_id),
        registered_at=T0 - 7200 * SECOND,
        boot_id="boot-1",
        booted_at=T0 - 7200 * SECOND,
        last_heartbeat=T0,
        streak_started_at=T0 - 600 * SECOND,
        streak_beats=41,
        reported_role=role.value,
        reported_environment="PRO",
        checks={"key_vault": "ok"},
    )
