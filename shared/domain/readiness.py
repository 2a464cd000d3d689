"""Judges what a preflight found; the table is in `domain/preflight.py`."""

from shared.domain.drills import is_overdue
from shared.domain.failover import has_regressed, health_of
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.guard import Present, SyncOutcome, decide_sync
from shared.domain.health import Verdict
from shared.domain.policy import Policy
from shared.domain.preflight import (
    LAG_LIMIT_S,
    NEEDED_ACTIONS,
    STATE_KEPT_S,
    STATE_WARNING_S,
    Check,
    CheckName,
    CheckStatus,
    Findings,
    NotAsked,
    Preflight,
    is_rested,
)
from shared.domain.refusals import JsonValue

PASS, WARN, FAIL = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL


def judge_readiness(findings: Findings, policy: Policy) -> Preflight:
    """Return every check of one environment over what was found."""
    checks = (
        _cluster_access(findings), _cluster_state(findings), _cluster_rest(findings, policy), _dr_gateway(findings),
        _database(findings), _replication(findings), _key_vault(findings, policy), _authority(findings),
        _active_gateway(findings, policy), _monitor(findings, policy), _drill(findings, policy), _pause(findings),
    )  # fmt: skip
    snapshot = findings.snapshot
    return Preflight(environment=snapshot.environment, checked_at=snapshot.now, checks=checks)


def _check(name: CheckName, status: CheckStatus, summary: str, **evidence: JsonValue) -> Check:
    return Check(name=name, status=status, summary=summary, evidence=evidence)


def _unanswered(name: CheckName, what: NotAsked) -> Check:
    return _check(name, FAIL, f"could not be checked: {what.why}")


def _cluster_access(findings: Findings) -> Check:
    if isinstance(findings.allowed, NotAsked):
        return _unanswered(CheckName.CLUSTER_ACCESS, findings.allowed)
    missing = sorted(NEEDED_ACTIONS - findings.allowed)
    if missing:
        return _check(CheckName.CLUSTER_ACCESS, FAIL, "the identity lacks rights on the DR cluster", missing=[*missing])
    return _check(CheckName.CLUSTER_ACCESS, PASS, "the identity may read, start and stop the DR cluster")


def _cluster_state(findings: Findings) -> Check:
    name, state = CheckName.CLUSTER_STATE, findings.cluster
    if isinstance(state, NotAsked):
        return _unanswered(name, state)
    shown = f"DR cluster is {state.describe()}"
    lock, dr = findings.snapshot.lock, findings.snapshot.dr
    if lock is not None and dr is not None and lock.value.holder == dr.id:
        return _check(name, PASS if state.ready else FAIL, f"{shown}; its gateway holds the lock")
    if state.provisioning in ("Failed", "Canceled"):
        return _check(name, FAIL, shown)
    if state.stopped:
        return _check(name, PASS, shown)
    why = "; it is being changed" if state.in_transition else ", though the primary holds the lock"
    return _check(name, WARN, f"{shown}{why}")


def _cluster_rest(findings: Findings, policy: Policy) -> Check:
    name, now = CheckName.CLUSTER_REST, findings.snapshot.now
    if findings.last_start_at is None:
        return _check(name, WARN, "no start of the DR cluster is on record")
    age_s = (now - findings.last_start_at).total_seconds()
    evidence: dict[str, JsonValue] = {"last_start_at": findings.last_start_at.isoformat(), "age_seconds": round(age_s)}
    if age_s > STATE_KEPT_S:
        return _check(name, FAIL, "not started for 12 months: Azure may have dropped the cluster's state", **evidence)
    if age_s > STATE_WARNING_S:
        return _check(name, WARN, "not started for 9 months; Azure keeps the state for 12", **evidence)
    wait_s = is_rested(findings, policy)
    if wait_s:
        return _check(name, WARN, f"stopped a moment ago; Azure wants {wait_s:.0f} s more before a start", **evidence)
    return _check(name, PASS, f"started {age_s / 86400:.0f} days ago", **evidence)


def _dr_gateway(findings: Findings) -> Check:
    name, dr = CheckName.DR_GATEWAY, findings.snapshot.dr
    if dr is None:
        return _check(name, FAIL, "no gateway with role dr-standby is registered")
    if not dr.role_matches:
        detail = f"{dr.id} reports role {dr.reported_role} in {dr.reported_environment}"
        return _check(name, FAIL, detail, reported_role=dr.reported_role, reported_environment=dr.reported_environment)
    heard = dr.last_heartbeat.isoformat() if dr.last_heartbeat else None
    return _check(name, PASS, f"{dr.id} is registered as {dr.role.value}", last_heartbeat=heard, version=dr.version)


def _database(findings: Findings) -> Check:
    if isinstance(findings.database, NotAsked):
        return _unanswered(CheckName.DATABASE, findings.database)
    return _check(CheckName.DATABASE, PASS, "PostgreSQL answers, can be written and has the schema")


def _replication(findings: Findings) -> Check:
    name, found = CheckName.REPLICATION, findings.replication
    if isinstance(found, NotAsked):
        return _unanswered(name, found)
    evidence: dict[str, JsonValue] = {"replicas": found.replicas, "lag_seconds": found.lag_s}
    if not found.replicas and not found.is_standby:
        return _check(name, WARN, "no replica follows this server, or the role may not see any", **evidence)
    if found.lag_s is None:
        return _check(name, WARN, "the replica's lag cannot be read", **evidence)
    if found.lag_s > LAG_LIMIT_S:
        return _check(name, FAIL, f"the replica is {found.lag_s:.0f} s behind", **evidence)
    return _check(name, PASS, f"the replica is {found.lag_s:.1f} s behind", **evidence)


def _key_vault(findings: Findings, policy: Policy) -> Check:
    name, snapshot = CheckName.KEY_VAULT, findings.snapshot
    told = {gateway.id: gateway.checks.get("key_vault") for gateway in (snapshot.primary, snapshot.dr) if gateway}
    evidence: dict[str, JsonValue] = {"reported": dict(told)}
    unusable = [gateway for gateway, said in told.items() if said not in (None, "ok")]
    if unusable:
        return _check(name, FAIL, f"{', '.join(unusable)} cannot use its Key Vault", **evidence)
    if snapshot.primary is None or told.get(snapshot.primary.id) is None:
        return _check(name, WARN, "the primary has never said that it can use its Key Vault", **evidence)
    if is_overdue(findings.slot, now=snapshot.now, policy=policy):
        return _check(name, WARN, "no recent drill has shown that the DR site can write to its Key Vault", **evidence)
    return _check(name, PASS, "the primary uses its Key Vault, and the newest drill wrote to the DR site's", **evidence)


def _authority(findings: Findings) -> Check:
    name, snapshot = CheckName.AUTHORITY, findings.snapshot
    lock, mirror = snapshot.lock, snapshot.mirror
    evidence: dict[str, JsonValue] = {
        "lock_token": str(lock.value.token) if lock else None,
        "mirror_token": str(mirror.token) if mirror else None,
    }
    if has_regressed(snapshot):
        return _check(name, FAIL, "the lock is missing or older than the mirror", **evidence)
    if lock is None:
        return _check(name, FAIL, "the environment has no lock yet", **evidence)
    if not snapshot.database_reachable:
        return _check(name, WARN, "could not be checked: the mirror cannot be read", **evidence)
    if decide_sync(mirror, Present(lock.value)) is not SyncOutcome.CURRENT:
        return _check(name, WARN, "the mirror lags behind the lock", **evidence)
    return _check(name, PASS, f"lock and mirror agree on {lock.value.holder}", **evidence)


def _active_gateway(findings: Findings, policy: Policy) -> Check:
    name, snapshot = CheckName.ACTIVE_GATEWAY, findings.snapshot
    gateways = [gateway for gateway in (snapshot.primary, snapshot.dr) if gateway]
    active = [gateway for gateway in gateways if _is_active(gateway, findings)]
    if len(active) != 1:
        return _check(name, FAIL, f"{len(active)} gateways are active", active=[gateway.id for gateway in active])
    health = health_of(active[0], snapshot, policy)
    status = {Verdict.HEALTHY: PASS, Verdict.FAILED: FAIL}.get(health.verdict, WARN)
    return _check(name, status, f"{active[0].id} is active and {health.verdict.value}: {health.reason}")


def _is_active(gateway: Gateway, findings: Findings) -> bool:
    lock = findings.snapshot.lock
    return lock is not None and lock.value.status_of(gateway.id) is ActivationStatus.ACTIVE


def _monitor(findings: Findings, policy: Policy) -> Check:
    sight, now = findings.snapshot.sight, findings.snapshot.now
    if sight is None:
        return _check(CheckName.MONITOR, FAIL, "the health monitor has never ticked")
    age_s = (now - sight.last_tick_at).total_seconds()
    fresh = age_s <= policy.heartbeat_timeout_s
    return _check(CheckName.MONITOR, PASS if fresh else FAIL, f"the health monitor ticked {age_s:.0f} s ago",
                  watching_since=sight.watching_since.isoformat())  # fmt: skip


def _drill(findings: Findings, policy: Policy) -> Check:
    slot, now = findings.slot, findings.snapshot.now
    if slot is None or slot.last_succeeded_at is None:
        return _check(CheckName.DRILL, WARN, "no drill has ever succeeded")
    days = (now - slot.last_succeeded_at).total_seconds() / 86400
    overdue = is_overdue(slot, now=now, policy=policy)
    return _check(CheckName.DRILL, WARN if overdue else PASS, f"the newest successful drill is {days:.0f} days old",
                  last_succeeded_at=slot.last_succeeded_at.isoformat())  # fmt: skip


def _pause(findings: Findings) -> Check:
    lock, now = findings.snapshot.lock, findings.snapshot.now
    if lock is None or not lock.value.modes.is_paused(now):
        return _check(CheckName.PAUSE, PASS, "not paused")
    return _check(CheckName.PAUSE, WARN, f"paused until {lock.value.modes.paused_until}")
