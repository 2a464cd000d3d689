"""Moves the health monitor's sight on by one tick: what it could see, mass silence, and the verdicts it came to.

All of it is one row, read and written once per tick whatever the number of environments. Changes are told before the
row is written, under ids that name the tick before: of two instances, and of a tick repeated after a crash, one event.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from shared.domain.events import EventType
from shared.domain.failover import Snapshot, health_of
from shared.domain.faults import Conflict
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.health import Health, Sight, Verdict, is_fresh, judge, tick
from shared.domain.locks import EnvironmentLock
from shared.domain.mass_silence import WatchedHolder, next_silence
from shared.domain.refusals import JsonValue
from shared.ports import Ports
from shared.steps.quiet_look import MonitorMemory
from shared.steps.timeline import tell
from shared.telemetry import log, warn

MOST_NAMED = 20  # members that an event names; it says how many there are


def advance_sight(ports: Ports, memory: MonitorMemory, snapshots: Sequence[Snapshot]) -> Sight:
    """Write the sight after a tick over these snapshots, tell what has changed, and return the sight.

    Raises:
        LockStoreUnavailable, OutcomeUnknown: Table Storage does not answer; the tick has not counted.
    """
    now = ports.clock.now()
    # Forgotten first: after a write that failed or conflicted nobody here knows what is stored.
    stored, memory.sight = memory.sight, None
    stored = stored or ports.sight.read()
    previous = stored.value if stored else None
    current = tick(previous, now=now, policy=ports.policy)
    if previous is not None and current.watching_since != previous.watching_since:
        _tell_blind(previous, now)
    silence = next_silence(
        previous.silence if previous else None, _holders(ports, snapshots, current), now=now,
        heartbeat_timeout_s=ports.policy.heartbeat_timeout_s,
    )  # fmt: skip
    current = replace(current, silence=silence)
    seen = [replace(snapshot, sight=current) for snapshot in snapshots]
    judged = {
        gateway.id: health_of(gateway, snapshot, ports.policy)
        for snapshot in seen
        for gateway in (snapshot.primary, snapshot.dr)
        if gateway
    }
    current = replace(current, verdicts={name: health.verdict for name, health in judged.items()})
    if previous is not None:
        _tell_silence(ports, snapshots, previous, current)
        _tell_verdicts(ports, seen, previous, judged)
    with suppress(Conflict):  # another instance has just written its own pass: as good as ours
        memory.sight = ports.sight.write(current, etag=stored.etag if stored else None)
    return current


def _holders(ports: Ports, snapshots: Sequence[Snapshot], sight: Sight) -> list[WatchedHolder]:
    """Return the holders whose silence would have consequences: neither marked already nor paused."""
    found = []
    for snapshot in snapshots:
        lock = snapshot.lock.value if snapshot.lock else None
        holder = next((g for g in (snapshot.primary, snapshot.dr) if g and lock and g.id == lock.holder), None)
        if lock is None or holder is None or lock.modes.is_paused(snapshot.now):
            continue
        if lock.status_of(holder.id) is ActivationStatus.FAILED:
            continue
        verdict = judge(holder, sight=sight, cold=False, now=snapshot.now, policy=ports.policy).verdict
        found.append(
            WatchedHolder(
                gateway=holder.id, last_heartbeat=holder.last_heartbeat or holder.registered_at,
                is_fresh=is_fresh(holder, now=snapshot.now, policy=ports.policy),
                is_silent=verdict in (Verdict.SUSPECT, Verdict.FAILED),
            )
        )  # fmt: skip
    return found


def _tell_silence(ports: Ports, snapshots: Sequence[Snapshot], previous: Sight, current: Sight) -> None:
    """Say once that most gateways are silent, and once that they are not, however many environments there are."""
    before = previous.silence if previous.silence and previous.silence.is_going_on else None
    after = current.silence if current.silence and current.silence.is_going_on else None
    silence = after or before
    if silence is None or (before and after):
        return
    kind = EventType.MASS_SILENCE_BEGAN if after else EventType.MASS_SILENCE_ENDED
    data: dict[str, JsonValue] = {
        "since": silence.since.isoformat(),
        "silent": len(silence.members),
        "environments": len(snapshots),
        "members": [*sorted(silence.members)[:MOST_NAMED]],
    }
    warn(kind.value, **data)
    first = min(snapshot.environment for snapshot in snapshots)
    event_id = f"silence/{previous.last_tick_at.isoformat()}"
    tell(ports, first, event_id=event_id, type=kind, subject="health-monitor", data=data)


def _tell_verdicts(ports: Ports, seen: Sequence[Snapshot], previous: Sight, judged: dict[str, Health]) -> None:
    for snapshot in seen:
        for gateway in (snapshot.primary, snapshot.dr):
            if gateway is None:
                continue
            before, health = previous.verdicts.get(gateway.id), judged[gateway.id]
            if before is None or before is health.verdict:
                continue
            lock = snapshot.lock.value if snapshot.lock else None
            data = _change(before, health, gateway, lock, snapshot)
            log(EventType.VERDICT_CHANGED.value, environment=snapshot.environment, gateway=gateway.id, **data)
            event_id = f"verdict/{gateway.id}/{previous.last_tick_at.isoformat()}/{health.verdict.value}"
            tell(
                ports, snapshot.environment, event_id=event_id, type=EventType.VERDICT_CHANGED, subject=gateway.id,
                data=data,
            )  # fmt: skip


def _change(
    before: Verdict, health: Health, gateway: Gateway, lock: EnvironmentLock | None, snapshot: Snapshot
) -> dict[str, JsonValue]:
    age_s, silence = health.heartbeat_age_s, snapshot.sight.silence if snapshot.sight else None
    return {
        "from": before.value,
        "to": health.verdict.value,
        "reason": health.reason,
        "heartbeat_age_seconds": round(age_s, 3) if age_s is not None else None,
        "consecutive_failures": health.consecutive_failures,
        "role": gateway.role.value,
        "holds_the_lock": lock is not None and lock.holder == gateway.id,
        "in_mass_silence": silence is not None and gateway.id in silence.members,
        "paused": lock is not None and lock.modes.is_paused(snapshot.now),
    }


def _tell_blind(previous: Sight, now: datetime) -> None:
    gap_s = (now - previous.last_tick_at).total_seconds()
    warn("monitor.sight_restarted", seconds_since_last_tick=round(gap_s, 3))
