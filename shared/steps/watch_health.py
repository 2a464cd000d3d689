"""One pass of the health monitor: keep the sight, mark silent holders failed, let recovered ones back in."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.events import EventType
from shared.domain.failover import Snapshot, has_regressed, health_of
from shared.domain.faults import Unavailable
from shared.domain.fencing import mint
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.health import Verdict, is_fresh
from shared.domain.locks import EnvironmentLock, Versioned, marked_failed, recovered
from shared.domain.modes import AutoFailover, Prewarm
from shared.domain.prewarm import SUSPICIOUS
from shared.ports import Ports
from shared.steps.advance_sight import advance_sight
from shared.steps.audit_trail import record_audit, record_audit_once, shown
from shared.steps.observe import authority_reader
from shared.steps.quiet_look import MonitorMemory, look
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log, warn

TOLD_AGAIN_FOR: Final = timedelta(hours=1)
"""How long passes make sure that a mark has been told; longer than any process of the monitor is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPass:
    """What one pass saw."""

    verdicts: dict[str, Verdict]  # by gateway id
    sees: bool
    candidates: tuple[str, ...] = ()  # environments whose holder is failed, and in which a failover may be automatic
    suspects: tuple[
        str, ...
    ] = ()  # environments whose holder is suspect or failed, and whose DR cluster may be started


def watch_health(ports: Ports, memory: MonitorMemory | None = None) -> MonitorPass:
    """Judge every gateway of every environment and write what follows from it, each by a conditional write.

    A pass that cannot see (a store does not answer, or its own canary gets no answer) leaves no tick behind and
    writes no verdict, and the silence it could not see does not count later.

    Args:
        memory: What this process remembers from its last pass; None: it has just started.
    """
    memory = memory or MonitorMemory()
    if not ports.canary.answers():
        warn("monitor.blind", detail="the public endpoint did not answer the canary")
        return MonitorPass(verdicts={}, sees=False)
    verdicts: dict[str, Verdict] = {}
    candidates: list[str] = []
    suspects: list[str] = []
    try:
        # Read what there is to see before saying that this pass saw it.
        snapshots = look(ports, memory)
        sight = advance_sight(ports, memory, snapshots)
        for snapshot in snapshots:
            found, lock = _watch_environment(ports, replace(snapshot, sight=sight))
            verdicts.update(found)
            if lock is not None and _is_candidate(lock, snapshot.now):
                candidates.append(snapshot.environment)
            if (
                lock is not None
                and lock.modes.prewarm is not Prewarm.OFF
                and found.get(lock.holder or "") in SUSPICIOUS
            ):
                suspects.append(snapshot.environment)
    except Unavailable as outage:
        warn("monitor.blind", detail=str(outage))
        return MonitorPass(verdicts=verdicts, sees=False)
    return MonitorPass(verdicts=verdicts, sees=True, candidates=tuple(candidates), suspects=tuple(suspects))


def _is_candidate(lock: EnvironmentLock, now: datetime) -> bool:
    """Whether it is worth asking: a look at every witness costs reads that an idle environment must not."""
    failed = lock.holder is not None and lock.mark_of(lock.holder) is not None
    asleep = lock.modes.auto_failover is AutoFailover.OFF or lock.modes.is_paused(now)
    return failed and not asleep and lock.operation is None


def _watch_environment(ports: Ports, snapshot: Snapshot) -> tuple[dict[str, Verdict], EnvironmentLock | None]:
    """Return the verdicts, and the lock as this pass has left it; None where nothing may come of it."""
    gateways = [gateway for gateway in (snapshot.primary, snapshot.dr) if gateway]
    verdicts = {gateway.id: health_of(gateway, snapshot, ports.policy).verdict for gateway in gateways}
    if has_regressed(snapshot):
        # The holder of a stale lock need not be the holder: neither a mark nor a new token may come of it.
        warn("authority.regressed", environment=snapshot.environment, detail="the monitor judges and writes nothing")
        return verdicts, None
    if snapshot.lock is None or snapshot.lock.value.holder is None:
        return verdicts, None
    lock = snapshot.lock
    holder = next((gateway for gateway in gateways if gateway.id == lock.value.holder), None)
    if holder is None:
        return verdicts, None
    failed = lock.value.status_of(holder.id) is ActivationStatus.FAILED
    paused = lock.value.modes.is_paused(snapshot.now)
    if failed and not paused:
        _tell_failed(ports, snapshot, lock.value, holder)
    if not failed and verdicts[holder.id] is Verdict.FAILED and not paused:
        return verdicts, _mark_failed(ports, snapshot, lock, holder)
    if failed and lock.value.operation is None and _has_recovered(holder, snapshot, ports):
        _let_back_in(ports, snapshot, lock, holder)
        return verdicts, None
    return verdicts, lock.value


def _mark_failed(
    ports: Ports, snapshot: Snapshot, lock: Versioned[EnvironmentLock], holder: Gateway
) -> EnvironmentLock | None:
    health = health_of(holder, snapshot, ports.policy)
    marked = marked_failed(
        lock.value, now=snapshot.now, last_heartbeat=holder.last_heartbeat, write_id=f"mark/{ports.ids.unique()}"
    )
    # Conditional on the version that was read before the heartbeats: a verdict about an older token cannot land.
    if replace_lock(ports, marked, etag=lock.etag) is None:
        return None
    log(
        "gateway.failed", environment=snapshot.environment, gateway=holder.id, reason=health.reason,
        consecutive_failures=health.consecutive_failures, fencing_token=str(lock.value.token),
    )  # fmt: skip
    _tell_failed(ports, snapshot, marked, holder)
    return marked


def _tell_failed(ports: Ports, snapshot: Snapshot, lock: EnvironmentLock, holder: Gateway) -> None:
    """Tell and audit the mark, once; later passes repeat it, for a monitor that died right after its write.

    People are paged by this event: losing it would leave a failure unattended.
    """
    mark = lock.mark_of(holder.id)
    if mark is None or snapshot.now - mark.at > TOLD_AGAIN_FOR:
        return
    health, fact = health_of(holder, snapshot, ports.policy), f"failed/{holder.id}/{mark.token}/{mark.at.isoformat()}"
    tell(
        ports, snapshot.environment, event_id=fact, type=EventType.GATEWAY_FAILED, subject=holder.id,
        data={
            "reason": health.reason, "consecutive_failures": health.consecutive_failures,
            "fencing_token": str(lock.token), "role": holder.role.value,
        },
    )  # fmt: skip
    record_audit_once(
        ports, snapshot.environment, write_id=fact, actor="health-monitor", action="gateway.failed",
        reason=health.reason, before=shown(lock), after=shown(lock),
    )  # fmt: skip


def _has_recovered(holder: Gateway, snapshot: Snapshot, ports: Ports) -> bool:
    if not snapshot.database_reachable:
        # Nobody can work, so nothing is won; and only the mirror can tell that this lock is not a stale one.
        return False
    fresh = is_fresh(holder, now=snapshot.now, policy=ports.policy)
    return fresh and holder.streak_beats >= ports.policy.recovery_heartbeats


def _let_back_in(ports: Ports, snapshot: Snapshot, lock: Versioned[EnvironmentLock], holder: Gateway) -> None:
    mirrored = snapshot.mirror.token if snapshot.mirror else None
    token = mint(stored=lock.value.token, mirrored=mirrored, now_unix_ns=ports.clock.unix_ns())
    back = recovered(lock.value, token=token, now=snapshot.now, write_id=f"recover/{ports.ids.unique()}")
    if replace_lock(ports, back, etag=lock.etag) is None:
        return
    log(
        "gateway.recovered", environment=snapshot.environment, gateway=holder.id, fencing_token=str(token),
        heartbeats_on_time=holder.streak_beats,
    )  # fmt: skip
    record_audit(
        ports, snapshot.environment, actor="health-monitor", action="gateway.recovered",
        before=shown(lock.value), after=shown(back),
    )  # fmt: skip
    tell(
        ports, snapshot.environment, event_id=back.written_by, type=EventType.GATEWAY_RECOVERED, subject=holder.id,
        data={"fencing_token": str(token), "heartbeats_on_time": holder.streak_beats},
    )  # fmt: skip
    try:
        ports.work.sync_mirror(snapshot.environment, authority_reader(ports, snapshot.environment))
    except Unavailable as outage:
        # The next heartbeat, claim or reconciler pass raises the fence with the same function.
        warn("mirror.pending", environment=snapshot.environment, detail=str(outage))
