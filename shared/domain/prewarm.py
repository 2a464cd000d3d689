"""Prewarm: start the DR cluster on suspicion, so that its minutes pass while the failure is still being detected.

It grants nothing: lock, token and mirror stay as they are, and the failover that may follow decides as ever. Decision
table of `decide_prewarm` (first match wins):

    prewarm is off, or the environment is paused            -> no
    the lock has lost writes, or an operation runs          -> no
    the primary does not hold the lock                      -> no
    the primary is neither suspect nor failed               -> no
    most gateways fell silent together                      -> no: the monitor may be the one that is cut off
    the cluster is to be stopped later than half `hold_s`   -> start it if it is down
    otherwise                                               -> plan its stop first, then start it if it is down
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.domain.failover import Snapshot, has_regressed, health_of
from shared.domain.health import Verdict
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.modes import Prewarm
from shared.domain.policy import Policy

SUSPICIOUS = (Verdict.SUSPECT, Verdict.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warming:
    """The DR cluster is wanted. `plan` is the lock to write first, at the version that was judged; None: planned."""

    judged: Versioned[EnvironmentLock]
    plan: EnvironmentLock | None
    reason: str


def decide_prewarm(snapshot: Snapshot, policy: Policy, *, write_id: str) -> Warming | None:
    """Return what to do about the DR cluster of a suspect primary, or None."""
    found, primary = snapshot.lock, snapshot.primary
    if found is None or primary is None or has_regressed(snapshot):
        return None
    lock, now = found.value, snapshot.now
    if lock.modes.prewarm is Prewarm.OFF or lock.modes.is_paused(now) or lock.operation is not None:
        return None
    health = health_of(primary, snapshot, policy)
    if lock.holder != primary.id or health.verdict not in SUSPICIOUS:
        return None
    silence = snapshot.sight.silence if snapshot.sight else None
    if silence is not None and primary.id in silence.members:
        return None
    # Planned before the start is asked for: a cluster that nobody stops again costs money until somebody notices.
    due_at = now + timedelta(seconds=policy.hold_s)
    planned_for = lock.stop_dr_due_at
    is_planned = planned_for is not None and planned_for - now > timedelta(seconds=policy.hold_s / 2)
    plan = None if is_planned else replace(lock, stop_dr_due_at=due_at, written_by=write_id)
    return Warming(judged=found, plan=plan, reason=health.reason)
