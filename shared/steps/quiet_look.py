"""What a monitor remembers, so that a pass from which nothing can follow need not read the locks (ADR 0020)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.domain.failover import Snapshot
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.health import Sight, is_fresh
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.policy import Policy
from shared.ports import Ports
from shared.steps.observe import observe_all, observe_gateways

LOOK_AFRESH: Final = timedelta(hours=1)
"""How old a remembered lock may get. A belt only: what would make it wrong is seen otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A lock whose holder was well, with what was known when it was last seen to be so."""

    lock: Versioned[EnvironmentLock]
    read_at: datetime
    last_heartbeat: datetime  # the holder's, as of the newest pass


@dataclass(slots=True)
class MonitorMemory:
    """What one process remembers; empty at its start. Losing it costs two requests and changes no verdict."""

    locks: dict[str, Remembered] = field(default_factory=dict)
    sight: Versioned[Sight] | None = None


def look(ports: Ports, memory: MonitorMemory) -> Sequence[Snapshot]:
    """Return the snapshot of every environment, without the sight; read the locks only where something may follow.

    From a snapshot with a remembered lock nothing may be written, and nothing would be: its holder beats, is not
    marked failed, and PostgreSQL's mirror names the same grant. As soon as one environment is not so quiet, locks and
    heartbeats are read anew, the locks first.

    Raises:
        LockStoreUnavailable: Without the locks or the heartbeats nothing can be decided.
    """
    remembered, memory.locks = memory.locks, {}
    quiet = _quiet(ports, remembered)
    snapshots = quiet or observe_all(ports)
    for snapshot in snapshots:
        holder = _holder(snapshot)
        if holder and holder.last_heartbeat and _is_well(snapshot, holder, ports.policy):
            assert snapshot.lock is not None
            read_at = remembered[snapshot.environment].read_at if quiet else snapshot.now
            memory.locks[snapshot.environment] = Remembered(
                lock=snapshot.lock, read_at=read_at, last_heartbeat=holder.last_heartbeat
            )
    return snapshots


def _quiet(ports: Ports, remembered: Mapping[str, Remembered]) -> Sequence[Snapshot]:
    """Return a snapshot for every environment, or nothing unless all of them are quiet."""
    if remembered.keys() != ports.environments.keys():
        return ()
    snapshots = observe_gateways(ports, {name: known.lock for name, known in remembered.items()})
    quiet = all(_is_quiet(snapshot, remembered[snapshot.environment], ports.policy) for snapshot in snapshots)
    return snapshots if quiet else ()


def _is_quiet(snapshot: Snapshot, known: Remembered, policy: Policy) -> bool:
    """Whether the lock, if it were read now, could give this pass nothing to do."""
    holder = _holder(snapshot)
    if holder is None or not _is_well(snapshot, holder, policy):
        return False
    # Another process may have marked the holder, but only if it was silent for the whole time that takes.
    unseen = snapshot.now - known.last_heartbeat + timedelta(seconds=policy.on_time_s)
    marked_after = timedelta(seconds=policy.heartbeat_timeout_s * policy.failure_threshold)
    return timedelta() <= snapshot.now - known.read_at < LOOK_AFRESH and unseen < marked_after


def _is_well(snapshot: Snapshot, holder: Gateway, policy: Policy) -> bool:
    lock, mirror = snapshot.lock, snapshot.mirror
    if lock is None or mirror is None:
        return False  # without PostgreSQL nobody can tell that the lock has not moved
    if (mirror.token, mirror.holder) != (lock.value.token, holder.id):
        return False  # the lock has moved, or lost writes, or its mirror lags
    failed = lock.value.status_of(holder.id) is ActivationStatus.FAILED
    return not failed and is_fresh(holder, now=snapshot.now, policy=policy)


def _holder(snapshot: Snapshot) -> Gateway | None:
    if snapshot.lock is None:
        return None
    gateways = (snapshot.primary, snapshot.dr)
    return next((gateway for gateway in gateways if gateway and gateway.id == snapshot.lock.value.holder), None)
