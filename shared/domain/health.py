"""Health verdicts: when silence means failed, and when it only means that nobody was listening.

A verdict is a pure function of receipt times. No counter is raised per tick, so a duplicate, late or skipped
tick cannot change it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from shared.domain.gateways import Gateway
from shared.domain.mass_silence import MassSilence
from shared.domain.policy import Policy


class Verdict(Enum):
    """What the health monitor thinks of a gateway."""

    HEALTHY = "healthy"  # heard within HeartbeatTimeout
    SUSPECT = "suspect"  # at least one missed heartbeat
    FAILED = "failed"  # FailureThreshold missed heartbeats (runbook, overview)
    COLD = "cold"  # a standby whose cluster is stopped: silent by design
    UNKNOWN = "unknown"  # the monitor was blind, so silence proves nothing


GAPS_KEPT: Final = 32
"""Gaps remembered; more than any detection time has, and little enough for one table property."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of time in which the health monitor could not see."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Since when, and with which gaps, the health monitor has been able to see.

    A tick counts only when it could see: a store error or a failed canary leaves none behind, and so becomes a
    gap. A gap above HeartbeatTimeout ends the sight, which starts again with the next good tick; shorter ones
    are kept and subtracted from any silence they fall into.
    """

    last_tick_at: datetime
    watching_since: datetime
    gaps: tuple[Gap, ...] = ()
    silence: MassSilence | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)  # by gateway id, as the last tick judged

    def blind_s(self, start: datetime, end: datetime) -> float:
        """How many seconds between two instants the monitor could not see."""
        overlaps = ((min(end, gap.end) - max(start, gap.start)).total_seconds() for gap in self.gaps)
        return sum(overlap for overlap in overlaps if overlap > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A verdict with the numbers it came from."""

    verdict: Verdict
    consecutive_failures: int  # whole HeartbeatTimeouts of silence that the monitor saw
    heartbeat_age_s: float | None  # None: never heard
    reason: str


def tick(previous: Sight | None, *, now: datetime, policy: Policy) -> Sight:
    """Return the monitor's sight after a tick at `now` that could see."""
    if previous is None:
        return Sight(last_tick_at=now, watching_since=now)
    if now - previous.last_tick_at > timedelta(seconds=policy.heartbeat_timeout_s):
        return replace(previous, last_tick_at=now, watching_since=now, gaps=())
    if now <= previous.last_tick_at:
        # A tick that arrives out of order must not move time back and fake a gap for the next one.
        return previous
    gaps = previous.gaps
    if (now - previous.last_tick_at).total_seconds() > policy.on_time_s:
        gaps = (*gaps, Gap(start=previous.last_tick_at, end=now))
    # What a forgotten gap hid must not count as seen: the sight begins after it.
    watching_since = gaps[-GAPS_KEPT - 1].end if len(gaps) > GAPS_KEPT else previous.watching_since
    kept = tuple(gap for gap in gaps if gap.start >= watching_since)
    return replace(previous, last_tick_at=now, watching_since=watching_since, gaps=kept)


def judge(gateway: Gateway, *, sight: Sight | None, cold: bool, now: datetime, policy: Policy) -> Health:
    """Return the verdict on one gateway at `now`.

    Args:
        sight: What the monitor has seen; None before its first tick.
        cold: Whether silence is by design: the gateway does not hold the lock and its cluster is stopped.
    """
    age_s = (now - gateway.last_heartbeat).total_seconds() if gateway.last_heartbeat else None
    window_s = policy.heartbeat_timeout_s

    def health(verdict: Verdict, reason: str, missed: int = 0) -> Health:
        return Health(verdict=verdict, consecutive_failures=missed, heartbeat_age_s=age_s, reason=reason)

    if is_fresh(gateway, now=now, policy=policy):
        return health(Verdict.HEALTHY, f"last heartbeat {age_s:.1f} s ago")
    if cold:
        return health(Verdict.COLD, "holds nothing and is silent, as a stopped standby is by design")
    if sight is None or now - sight.last_tick_at > timedelta(seconds=window_s):
        return health(Verdict.UNKNOWN, "the health monitor has not ticked lately")
    silent_s = silence_seen_s(gateway, sight=sight, now=now)
    counted = int(silent_s // window_s)
    if counted < 1:
        return health(Verdict.UNKNOWN, f"the health monitor has seen {silent_s:.1f} s of its silence only")
    said = f"silent for {silent_s:.1f} s: {counted} missed heartbeats"
    if counted >= policy.failure_threshold:
        return health(Verdict.FAILED, said, counted)
    return health(Verdict.SUSPECT, f"{said}, {policy.failure_threshold} are failure", counted)


def judge_cautiously(gateway: Gateway, *, sight: Sight | None, cold: bool, now: datetime, policy: Policy) -> Health:
    """Return the verdict that may have consequences by itself: as `judge`, but not out of a mass silence.

    A member's silence proves nothing while it goes on, and counts from its end afterwards.
    """
    health = judge(gateway, sight=sight, cold=cold, now=now, policy=policy)
    silence = sight.silence if sight else None
    accused = health.verdict in (Verdict.SUSPECT, Verdict.FAILED)
    if sight is None or silence is None or gateway.id not in silence.members or not accused:
        return health
    if silence.ended_at is None:
        reason = f"{health.reason}; most gateways fell silent with it, so this may be our own outage"
        return replace(health, verdict=Verdict.UNKNOWN, consecutive_failures=0, reason=reason)
    anew = replace(sight, watching_since=max(sight.watching_since, silence.ended_at))
    return judge(gateway, sight=anew, cold=cold, now=now, policy=policy)


def silence_seen_s(gateway: Gateway, *, sight: Sight, now: datetime) -> float:
    """Return how many seconds of a gateway's silence up to `now` the monitor has seen."""
    # Silence counts only from when there was somebody to hear, and something to be heard.
    since = max(sight.watching_since, min(gateway.last_heartbeat or gateway.registered_at, now))
    return (now - since).total_seconds() - sight.blind_s(since, now)


def is_fresh(gateway: Gateway, *, now: datetime, policy: Policy) -> bool:
    """Whether the gateway was heard within HeartbeatTimeout; needs no monitor.

    A heartbeat further in the future than one HeartbeatTimeout (the clock has stepped back since) proves nothing.
    """
    if gateway.last_heartbeat is None:
        return False
    return abs(now - gateway.last_heartbeat) < timedelta(seconds=policy.heartbeat_timeout_s)
