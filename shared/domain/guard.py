"""The guard: may this gateway, with this token, act right now? Decided over what one transaction has read.

The transaction holds the mirror row locked and has read the authority after locking it, in that order: read the
other way round, an old token comes back in when PostgreSQL has lost its newest commits (ADR 0003).
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from shared.domain.fencing import FencingToken
from shared.domain.gateways import ActivationStatus
from shared.domain.locks import EnvironmentLock
from shared.domain.policy import Policy
from shared.domain.tasks import TaskRefusal


class Purpose(Enum):
    """What a gateway wants to do under the guard."""

    BEAT = "beat"  # get or extend its lease
    CLAIM = "claim"  # take new tasks
    REPORT = "report"  # progress, complete or fail a task it holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """The `environment_fence` row: PostgreSQL's copy of token and holder, and the leases, on PostgreSQL's clock."""

    environment: str
    token: FencingToken
    holder: str | None
    lease_until: datetime | None  # None: no lease was ever granted under this token
    not_before: datetime | None  # None: no former lease to wait for
    validated_timeline: str  # the timeline on which a transaction that read the authority last confirmed this row


@dataclass(frozen=True, slots=True)
class Present:
    """The authority answered with the lock."""

    lock: EnvironmentLock


@dataclass(frozen=True, slots=True)
class Absent:
    """The authority answered: there is no lock for this environment."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The authority did not answer in time."""

    why: str = ""


AuthorityReading = Present | Absent | Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The gateway that asks, with the token it presents."""

    gateway_id: str
    environment: str
    token: FencingToken


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSnapshot:
    """All that one guarded transaction has read."""

    caller: Caller
    purpose: Purpose
    mirror: Mirror | None  # None: the environment was never mirrored
    authority: AuthorityReading
    timeline: str  # the timeline of the connection
    now: datetime  # PostgreSQL's clock


class Granted(Enum):
    """The guard's yes."""

    GRANTED = "granted"


class SyncFirst(Enum):
    """The mirror lags, or its timeline is not validated: bring it up to date, then ask again."""

    SYNC_FIRST = "sync_first"


@dataclass(frozen=True, slots=True)
class Denied:
    """The guard's no, with the reason the caller gets."""

    reason: TaskRefusal


GuardDecision = Granted | SyncFirst | Denied


def decide_guard(snapshot: GuardSnapshot) -> GuardDecision:
    """Return whether the caller may act; anything unclear is a no."""
    mirror, authority = snapshot.mirror, snapshot.authority
    match authority:
        case Absent():
            return Denied(TaskRefusal.AUTHORITY_REGRESSED) if mirror else Denied(TaskRefusal.NOT_HOLDER)
        case Unreachable():
            # Mirror-only mode: only where a transaction that itself read the authority has confirmed this row.
            if mirror is None or mirror.validated_timeline != snapshot.timeline:
                return Denied(TaskRefusal.AUTHORITY_UNREACHABLE)
        case Present(lock):
            outcome = decide_sync(mirror, authority)
            if outcome is SyncOutcome.REGRESSED:
                return Denied(TaskRefusal.AUTHORITY_REGRESSED)
            if mirror is None or outcome is SyncOutcome.RAISED or mirror.validated_timeline != snapshot.timeline:
                return SyncFirst.SYNC_FIRST
            refusal = _refusal_by_authority(snapshot, lock)
            if refusal:
                return Denied(refusal)
    assert mirror is not None
    refusal = _refusal_by_mirror(snapshot, mirror)
    return Denied(refusal) if refusal else Granted.GRANTED


def _refusal_by_authority(snapshot: GuardSnapshot, lock: EnvironmentLock) -> TaskRefusal | None:
    caller = snapshot.caller
    if lock.holder != caller.gateway_id:
        return TaskRefusal.NOT_HOLDER
    if lock.status_of(caller.gateway_id) is ActivationStatus.FAILED:
        return TaskRefusal.HOLDER_FAILED
    if snapshot.purpose is Purpose.CLAIM and lock.draining:
        return TaskRefusal.DRAINING
    return None


def _refusal_by_mirror(snapshot: GuardSnapshot, mirror: Mirror) -> TaskRefusal | None:
    caller, now = snapshot.caller, snapshot.now
    if mirror.holder != caller.gateway_id:
        return TaskRefusal.NOT_HOLDER
    if mirror.token != caller.token:
        return TaskRefusal.STALE_TOKEN
    if mirror.not_before is not None and now < mirror.not_before:
        return TaskRefusal.NOT_BEFORE
    if snapshot.purpose is not Purpose.BEAT and (mirror.lease_until is None or mirror.lease_until <= now):
        return TaskRefusal.LEASE_EXPIRED
    return None


class SyncOutcome(Enum):
    """What bringing the mirror up to date came to."""

    RAISED = "raised"  # the mirror now carries a newer token
    CURRENT = "current"  # it was up to date
    REGRESSED = "regressed"  # the authority is missing or behind the mirror: nothing may act
    UNREACHABLE = "unreachable"  # the authority did not answer; nothing was changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What bringing the mirror up to date came to, and the mirror as it is now."""

    outcome: SyncOutcome
    mirror: Mirror | None
    requeued: int = 0  # unfinished tasks of the former token, by what became of them; counted by a raise only
    in_doubt: int = 0
    failed: int = 0


def decide_sync(mirror: Mirror | None, authority: AuthorityReading) -> SyncOutcome:
    """Return what a transaction that holds the mirror row for update must do; the mirror never falls."""
    match authority:
        case Unreachable():
            return SyncOutcome.UNREACHABLE
        case Absent():
            return SyncOutcome.REGRESSED if mirror else SyncOutcome.CURRENT
        case Present(lock):
            if mirror is None or lock.token > mirror.token:
                return SyncOutcome.RAISED
            same = lock.token == mirror.token and lock.holder == mirror.holder
            return SyncOutcome.CURRENT if same else SyncOutcome.REGRESSED


def not_before_after_raise(mirror: Mirror | None, *, policy: Policy) -> datetime | None:
    """Return when the next holder may get its first lease: never before the former lease plus the margin.

    Computed even when the lease looks over: the former holder counts on another clock (ADR 0003).
    """
    if mirror is None or mirror.lease_until is None:
        return mirror.not_before if mirror else None
    waited = mirror.lease_until + timedelta(seconds=policy.server_margin_s)
    return max(waited, mirror.not_before) if mirror.not_before else waited


def not_before_at_raise(
    mirror: Mirror | None, lock: EnvironmentLock, *, timeline: str, now: datetime, policy: Policy
) -> datetime | None:
    """Return the wait that a raise writes: the former lease and margin, or a whole lease where one may be unknown.

    A lease this database knows nothing of may run when the database is on a timeline that was not validated (it may
    have lost its newest commits), when it has no mirror although tokens were granted before this one (it was lost
    altogether), and after a restore of the lock (ADR 0003, ADR 0013).

    Args:
        timeline: The timeline of the connection.
        now: PostgreSQL's clock.
    """
    wait = not_before_after_raise(mirror, policy=policy)
    lost = lock.previous_token is not None if mirror is None else mirror.validated_timeline != timeline
    if not (lost or lock.was_restored):
        return wait
    whole = now + timedelta(seconds=policy.lease_s + policy.server_margin_s)
    return max(whole, wait) if wait else whole


def batch_within_lease(asked: int, *, lease_until: datetime | None, now: datetime) -> int:
    """Return how many tasks a claim may hand out: one per second of the lease that is left, at least one (ADR 0011).

    A gateway whose heartbeats fail gets ever smaller batches, and leaves little behind when it loses the lease.
    """
    left_s = (lease_until - now).total_seconds() if lease_until else 0.0
    return max(1, min(asked, math.ceil(left_s)))


def not_before_on_new_timeline(mirror: Mirror, *, now: datetime, policy: Policy) -> datetime:
    """Return when anybody may act on a PostgreSQL timeline that may have lost a lease it granted."""
    waited = now + timedelta(seconds=policy.lease_s + policy.server_margin_s)
    return max(waited, mirror.not_before) if mirror.not_before else waited
