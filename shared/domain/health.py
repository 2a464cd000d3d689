"""Health verdicts: when silence means failed, and when it only means that nobody was listening.

A verdict is a pure function of receipt times. No counter is raised per tick, so a duplicate, late or skipped
tick cannot change it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from shared.domain.gateways import Gateway
from shared.domain.policy import Policy


class Verdict(Enum):
    """What the health monitor thinks of a gateway."""

    HEALTHY = "healthy"  # heard within HeartbeatTimeout
    SUSPECT = "suspect"  # at least one missed heartbeat
    FAILED = "failed"  # FailureThreshold missed heartbeats (runbook, overview)
    COLD = "cold"  # a standby whose cluster is stopped: silent by design
    UNKNOWN = "unknown"  # the monitor was blind, so silence proves nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Since when the health monitor has been able to see, without a gap.

    A gap between two ticks above HeartbeatTimeout, a store error or a failed canary ends the sight; it
    starts again with the next good tick.
    """

    last_tick_at: datetime
    watching_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A verdict with the numbers it came from."""

    verdict: Verdict
    consecutive_failures: int  # whole HeartbeatTimeouts since the last heartbeat
    heartbeat_age_s: float | None  # None: never heard
    reason: str


def tick(previous: Sight | None, *, now: datetime, policy: Policy) -> Sight:
    """Return the monitor's sight after a good tick at `now`; a gap above HeartbeatTimeout starts it anew."""
    if previous is None or now - previous.last_tick_at > timedelta(seconds=policy.heartbeat_timeout_s):
        return Sight(last_tick_at=now, watching_since=now)
    # A tick that arrives out of order must not move time back and fake a gap for the next one.
    return replace(previous, last_tick_at=max(now, previous.last_tick_at))


def blinded(previous: Sight | None, *, now: datetime) -> Sight:
    """Return the sight after a tick that could not see: whatever silence follows starts to count only now."""
    last_tick_at = max(now, previous.last_tick_at) if previous else now
    return Sight(last_tick_at=last_tick_at, watching_since=last_tick_at)


def judge(gateway: Gateway, *, sight: Sight | None, cold: bool, now: datetime, policy: Policy) -> Health:
    """Return the verdict on one gateway at `now`.

    Args:
        sight: What the monitor has seen; None before its first tick.
        cold: Whether silence is by design: the gateway does not hold the lock and its cluster is stopped.
    """
    age_s = (now - gateway.last_heartbeat).total_seconds() if gateway.last_heartbeat else None
    window_s = policy.heartbeat_timeout_s
    missed = int(age_s // window_s) if age_s is not None and age_s >= 0 else 0

    def health(verdict: Verdict, reason: str) -> Health:
        return Health(verdict=verdict, consecutive_failures=missed, heartbeat_age_s=age_s, reason=reason)

    if age_s is not None and age_s < window_s:
        return health(Verdict.HEALTHY, f"last heartbeat {age_s:.1f} s ago")
    if cold:
        return health(Verdict.COLD, "its cluster is stopped: silence is by design")
    if sight is None or now - sight.last_tick_at > timedelta(seconds=window_s):
        return health(Verdict.UNKNOWN, "the health monitor has not ticked lately")
    watched_s = (now - sight.watching_since).total_seconds()
    if watched_s < window_s:
        return health(Verdict.UNKNOWN, f"the health monitor has watched for {watched_s:.1f} s only")
    # Silence counts only while somebody was listening.
    silent_s = watched_s if age_s is None else min(age_s, watched_s)
    counted = int(silent_s // window_s)
    if counted >= policy.failure_threshold:
        return health(Verdict.FAILED, f"silent for {silent_s:.1f} s: {counted} missed heartbeats")
    return health(Verdict.SUSPECT, f"silent for {silent_s:.1f} s: {counted} of {policy.failure_threshold} missed")


def is_fresh(gateway: Gateway, *, now: datetime, policy: Policy) -> bool:
    """Whether the gateway was heard within HeartbeatTimeout; needs no monitor."""
    return gateway.last_heartbeat is not None and now - gateway.last_heartbeat < timedelta(
        seconds=policy.heartbeat_timeout_s
    )
