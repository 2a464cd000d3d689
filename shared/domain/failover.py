"""Failover, failback and deactivation: may it be done, over one snapshot, and if not, why not.

Decision table of `decide_activation` (first match wins; runbook 1.1 and 1.4):

    the lock is missing or older than the mirror    -> refused, AuthorityRegressed
    no lock yet                                     -> refused, PrimaryNotRegistered
    a failover runs already                         -> joined (by force only if it is forced as well)
    any other operation runs                        -> refused, OperationInProgress
    the DR gateway holds the lock                   -> already done, same token
    no DR gateway registered                        -> refused, DrGatewayNotRegistered
    the DR gateway reports another role             -> refused, GatewayRoleMismatch
    nobody holds the lock                           -> allowed
    the holder is not the registered primary        -> refused, PrimaryNotRegistered
    forced, and forced a short while ago            -> refused, ForcedTooSoon
    forced                                          -> allowed
    the primary was heard within HeartbeatTimeout   -> refused, "Primary is not in failed state"
    the monitor was blind                           -> refused, MonitorBlind
    the primary is marked failed                    -> allowed
    its mark is held back, its verdict is `failed`  -> allowed, and the same write marks it failed
    otherwise                                       -> refused, "Primary is not in failed state"

A pause and a mass silence hold back the monitor's marks, so that nothing begins by itself. They do not take the way out
from a person who finds the primary dead in a maintenance, or has lost a region. The mark is the stored form of the
verdict, so the verdict itself, judged over the same snapshot by the same function, proves as much (ADR 0022).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.clusters import ClusterState
from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.guard import Absent, Mirror, Present, SyncOutcome, decide_sync
from shared.domain.health import Health, Sight, Verdict, is_fresh, judge, judge_cautiously
from shared.domain.locks import EnvironmentLock, Versioned, marked_failed
from shared.domain.operations import OperationKind
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue, RefusalCode, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything a decision about one environment is made from; the lock was read before the rest."""

    environment: str
    lock: Versioned[EnvironmentLock] | None
    primary: Gateway | None
    dr: Gateway | None
    sight: Sight | None
    now: datetime
    mirror: Mirror | None = None
    database_reachable: bool = True
    primary_cluster: ClusterState | None = None  # None: not declared, or not asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The lock may move to `to`, provided it is still at the version that was judged.

    `lock.value` is what to build the write on: the lock as stored, with the failed mark that was held back, if any.
    """

    lock: Versioned[EnvironmentLock]
    to: str
    evidence: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """What was asked for is the case; nothing has to change."""

    token: FencingToken


@dataclass(frozen=True, slots=True)
class Joined:
    """The same procedure runs already; the caller follows that operation."""

    operation_id: str


Decision = Allowed | AlreadyDone | Joined | Refused


def decide_activation(
    snapshot: Snapshot, policy: Policy, *, operation_id: str | None = None, forced: bool = False
) -> Decision:
    """Return whether the DR gateway may be given the environment (runbook 1.1, 1.4).

    Args:
        operation_id: The operation that asks, whose own entry in the lock does not count as another one.
        forced: Whether what is known of the primary does not count (see `force`).
    """
    found = _running_or_unfounded(snapshot, policy, OperationKind.FAILOVER, operation_id, forced=forced)
    if not isinstance(found, Versioned):
        return found
    lock, dr, primary = found.value, snapshot.dr, snapshot.primary
    if dr is not None and lock.holder == dr.id:
        return AlreadyDone(lock.token)
    if dr is None:
        return _refused(RefusalCode.DR_GATEWAY_NOT_REGISTERED, "no gateway with role dr-standby", snapshot, policy)
    if not dr.role_matches:
        return _role_mismatch(dr, snapshot, policy)
    if lock.holder is not None:
        refusal = _unless_primary_is_down(snapshot, policy, lock, primary, forced=forced)
        if refusal:
            return refusal
    if forced and operation_id is None and _was_forced_lately(snapshot, policy, lock):
        return _refused(RefusalCode.FORCED_TOO_SOON, f"forced at {lock.forced_at}", snapshot, policy)
    if not forced and lock.holder is not None and primary is not None and lock.mark_of(primary.id) is None:
        silent_since = primary.last_heartbeat
        lock = marked_failed(lock, now=snapshot.now, last_heartbeat=silent_since, write_id=lock.written_by)
    return Allowed(lock=Versioned(lock, found.etag), to=dr.id, evidence=evidence(snapshot, policy))


def decide_failback(snapshot: Snapshot, policy: Policy, *, operation_id: str | None = None) -> Decision:
    """Return whether the primary may be given the environment back (runbook 2.1, 2.2)."""
    found = _running_or_unfounded(snapshot, policy, OperationKind.FAILBACK, operation_id)
    if not isinstance(found, Versioned):
        return found
    lock, dr, primary = found.value, snapshot.dr, snapshot.primary
    if primary is None:
        return _refused(RefusalCode.PRIMARY_NOT_REGISTERED, "no gateway with role primary", snapshot, policy)
    if lock.holder == primary.id:
        if dr is not None and lock.previous_holder == dr.id:
            return AlreadyDone(lock.token)
        return _refused(RefusalCode.NOT_FAILED_OVER, f"{primary.id} holds the lock", snapshot, policy)
    refusal = _unless_primary_is_well(snapshot, policy, primary)
    if refusal:
        return refusal
    return Allowed(lock=found, to=primary.id, evidence=evidence(snapshot, policy))


def decide_deactivation(
    snapshot: Snapshot, policy: Policy, gateway: Gateway, *, forced: bool
) -> Versioned[EnvironmentLock] | Refused | None:
    """Return the lock to vacate, None when the gateway holds nothing, or the refusal (runbook section 3)."""
    if has_regressed(snapshot):
        # A gateway that holds nothing in a stale lock may well be the holder.
        return _refused(RefusalCode.AUTHORITY_REGRESSED, "the mirror carries a newer grant", snapshot, policy)
    if snapshot.lock is None or snapshot.lock.value.holder != gateway.id:
        return None
    running = snapshot.lock.value.operation
    if running is not None:
        return _refused(RefusalCode.OPERATION_IN_PROGRESS, f"{running.kind.value} {running.id}", snapshot, policy)
    if not forced:
        return _refused(RefusalCode.LOCK_HOLDER_DEACTIVATION, f"{gateway.id} is the only holder", snapshot, policy)
    if snapshot.lock.value.modes.two_person:
        # One person could otherwise take the holder out, and then fail over an environment that nobody holds.
        return _refused(RefusalCode.SECOND_PERSON_NEEDED, f"{snapshot.environment} is marked", snapshot, policy)
    return snapshot.lock


def has_regressed(snapshot: Snapshot) -> bool:
    """Whether the lock is missing or older than the mirror: Table Storage has lost writes, and nothing may move."""
    reading = Present(snapshot.lock.value) if snapshot.lock else Absent()
    return snapshot.mirror is not None and decide_sync(snapshot.mirror, reading) is SyncOutcome.REGRESSED


def is_stable(gateway: Gateway, *, now: datetime, policy: Policy) -> bool:
    """Whether the gateway has beaten on time for the whole stability window, up to now."""
    if gateway.last_heartbeat is None or gateway.streak_started_at is None:
        return False
    on_time = now - gateway.last_heartbeat <= timedelta(seconds=policy.on_time_s)
    long_enough = now - gateway.streak_started_at >= timedelta(seconds=policy.stability_window_s)
    return on_time and long_enough and gateway.streak_beats >= policy.recovery_heartbeats


def health_of(gateway: Gateway, snapshot: Snapshot, policy: Policy) -> Health:
    """Return the verdict on a gateway of the snapshot; a standby that holds nothing may be cold."""
    cold = _is_cold(gateway, snapshot)
    return judge_cautiously(gateway, sight=snapshot.sight, cold=cold, now=snapshot.now, policy=policy)


def evidence(snapshot: Snapshot, policy: Policy) -> dict[str, JsonValue]:
    """Return what the snapshot shows, for people: lock, mirror, and both gateways with their verdicts."""
    lock = snapshot.lock.value if snapshot.lock else None
    shown: dict[str, JsonValue] = {
        "lock": {"holder": lock.holder, "fencing_token": str(lock.token)} if lock else None,
        "database": "reachable" if snapshot.database_reachable else "unreachable",
        "mirror_token": str(snapshot.mirror.token) if snapshot.mirror else None,
    }
    if lock and lock.operation:
        shown["operation"] = {"id": lock.operation.id, "type": lock.operation.kind.value}
    if snapshot.primary_cluster:
        shown["primary_cluster"] = snapshot.primary_cluster.describe()
    for gateway in (snapshot.primary, snapshot.dr):
        if gateway:
            shown[gateway.role.value] = _gateway_evidence(gateway, snapshot, policy)
    return shown


def _gateway_evidence(gateway: Gateway, snapshot: Snapshot, policy: Policy) -> dict[str, JsonValue]:
    health = health_of(gateway, snapshot, policy)
    status = snapshot.lock.value.status_of(gateway.id) if snapshot.lock else ActivationStatus.STANDBY
    return {
        "id": gateway.id,
        "activation_status": status.value,
        "verdict": health.verdict.value,
        "reason": health.reason,
        "last_heartbeat": gateway.last_heartbeat.isoformat() if gateway.last_heartbeat else None,
        "heartbeat_age_seconds": round(health.heartbeat_age_s, 3) if health.heartbeat_age_s is not None else None,
        "consecutive_failures": health.consecutive_failures,
        "heartbeats_on_time": gateway.streak_beats,
    }


def _running_or_unfounded(
    snapshot: Snapshot, policy: Policy, kind: OperationKind, operation_id: str | None, *, forced: bool = False
) -> Versioned[EnvironmentLock] | Joined | Refused:
    if snapshot.lock is None:
        if snapshot.mirror is not None:
            return _refused(RefusalCode.AUTHORITY_REGRESSED, "the environment lock is missing", snapshot, policy)
        return _refused(RefusalCode.PRIMARY_NOT_REGISTERED, "the environment has no lock yet", snapshot, policy)
    lock = snapshot.lock.value
    if has_regressed(snapshot):
        return _refused(RefusalCode.AUTHORITY_REGRESSED, "the mirror carries a newer grant", snapshot, policy)
    running = lock.operation
    if running is not None and running.id != operation_id:
        if running.kind is kind and (running.forced or not forced):
            return Joined(running.id)
        detail = f"{running.kind.value} {running.id} is running since {running.requested_at.isoformat()}"
        return _refused(RefusalCode.OPERATION_IN_PROGRESS, detail, snapshot, policy)
    return snapshot.lock


def _is_cold(gateway: Gateway, snapshot: Snapshot) -> bool:
    holds = snapshot.lock is not None and snapshot.lock.value.holder == gateway.id
    return gateway.role is Role.DR_STANDBY and not holds


def _is_held_back(gateway: Gateway, snapshot: Snapshot, lock: EnvironmentLock) -> bool:
    """Whether the monitor keeps a mark to itself: in a pause, and in a mass silence."""
    silence = snapshot.sight.silence if snapshot.sight else None
    return lock.modes.is_paused(snapshot.now) or (silence is not None and gateway.id in silence.members)


def _unless_primary_is_down(
    snapshot: Snapshot, policy: Policy, lock: EnvironmentLock, primary: Gateway | None, *, forced: bool
) -> Refused | None:
    if primary is None or lock.holder != primary.id:
        return _refused(RefusalCode.PRIMARY_NOT_REGISTERED, f"{lock.holder} is not a known primary", snapshot, policy)
    if forced:
        return None
    cold, sight, now = _is_cold(primary, snapshot), snapshot.sight, snapshot.now
    health = judge(primary, sight=sight, cold=cold, now=now, policy=policy)
    status = lock.status_of(primary.id)
    detail = f"{primary.id}: activation_status {status.value}, {health.reason}"
    # The mark is sticky, the heartbeat is not: a failed primary that beats again must not be displaced.
    if is_fresh(primary, now=snapshot.now, policy=policy):
        return _refused(RefusalCode.PRIMARY_NOT_FAILED, detail, snapshot, policy)
    if health.verdict is Verdict.UNKNOWN:
        return _refused(RefusalCode.MONITOR_BLIND, detail, snapshot, policy)
    held_back = _is_held_back(primary, snapshot, lock) and health.verdict is Verdict.FAILED
    if status is not ActivationStatus.FAILED and not held_back:
        return _refused(RefusalCode.PRIMARY_NOT_FAILED, detail, snapshot, policy)
    return None


def _was_forced_lately(snapshot: Snapshot, policy: Policy, lock: EnvironmentLock) -> bool:
    if lock.forced_at is None:
        return False
    return snapshot.now < lock.forced_at + timedelta(seconds=policy.force_interval_s)


def _unless_primary_is_well(snapshot: Snapshot, policy: Policy, primary: Gateway) -> Refused | None:
    if not primary.role_matches:
        return _role_mismatch(primary, snapshot, policy)
    if not is_stable(primary, now=snapshot.now, policy=policy):
        health = health_of(primary, snapshot, policy)
        detail = (
            f"{primary.id}: {health.reason}; {primary.streak_beats} heartbeats on time, "
            f"{policy.stability_window_s:g} s without a gap are needed"
        )
        return _refused(RefusalCode.PRIMARY_NOT_RECOVERED, detail, snapshot, policy)
    cluster = snapshot.primary_cluster
    if cluster is not None and not cluster.ready:
        return _refused(RefusalCode.PRIMARY_CLUSTER_NOT_RUNNING, cluster.describe(), snapshot, policy)
    if not snapshot.database_reachable:
        return _refused(RefusalCode.DATABASE_NOT_REACHABLE, "PostgreSQL did not answer", snapshot, policy)
    key_vault = primary.checks.get("key_vault", "ok")
    if key_vault != "ok":
        return _refused(RefusalCode.KEY_VAULT_NOT_REACHABLE, f"{primary.id} reports {key_vault}", snapshot, policy)
    return None


def _role_mismatch(gateway: Gateway, snapshot: Snapshot, policy: Policy) -> Refused:
    detail = f"{gateway.id} reports role {gateway.reported_role} in {gateway.reported_environment}"
    return _refused(RefusalCode.GATEWAY_ROLE_MISMATCH, detail, snapshot, policy)


def _refused(code: RefusalCode, detail: str, snapshot: Snapshot, policy: Policy) -> Refused:
    return Refused(code=code, detail=detail, evidence=evidence(snapshot, policy))
