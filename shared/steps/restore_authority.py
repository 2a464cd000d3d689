"""Rebuilds an environment lock that has lost writes, at the word of a person (ADR 0013)."""

from dataclasses import dataclass
from typing import Final

from shared.domain.faults import (
    Conflict,
    DatabaseUnavailable,
    LockStoreUnavailable,
    MalformedRequest,
    Unavailable,
    UnknownGateway,
)
from shared.domain.locks import RESTORED_BY, EnvironmentLock
from shared.domain.operations import OperationRequest, OperationStatus, finished
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.domain.restore import Restoration, decide_restore
from shared.ports import Ports
from shared.steps.audit_trail import record_audit, shown
from shared.steps.observe import authority_reader, observe
from shared.steps.write_lock import found_lock, replace_lock
from shared.telemetry import warn

TRIES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The lock as it was rebuilt, and how long nobody gets a lease: `wait_s`, from the raise of the fence on."""

    lock: EnvironmentLock
    mirror_raised: bool  # False: the next heartbeat, claim or reconciler pass raises the fence
    wait_s: float


def restore_authority(
    ports: Ports, environment: str, *, actor: str, reason: str, holder: str | None = None
) -> Restored | Refused:
    """Write a lock above every token seen, drop what the stale one had running, raise the fence.

    The write is conditional on the version that was judged, or on there being none. Afterwards everybody waits one
    lease and margin, since leases of the lost time may still run.

    Args:
        holder: Who is to hold the environment; None for whoever held it last as far as the mirror knows.

    Raises:
        MalformedRequest: The reason is blank.
        UnknownEnvironment, UnknownGateway: Not declared; not registered in this environment.
        Unavailable: A store did not answer. PostgreSQL is needed: without it nobody knows what was lost.
    """
    if not reason.strip():
        raise MalformedRequest("A restore needs a reason", (("/reason", "required"),))
    for _ in range(TRIES):
        snapshot = observe(ports, environment)
        if not snapshot.database_reachable:
            raise DatabaseUnavailable("the mirror is needed to know what was lost")
        if holder is not None and holder not in {g.id for g in (snapshot.primary, snapshot.dr) if g}:
            raise UnknownGateway(f"Gateway {holder} is not registered in {environment}")
        decision = decide_restore(
            snapshot,
            ports.policy,
            holder=holder,
            now_unix_ns=ports.clock.unix_ns(),
            write_id=f"{RESTORED_BY}{ports.ids.unique()}",
        )
        if isinstance(decision, Refused):
            return decision
        before = snapshot.lock.value if snapshot.lock else None
        # Told before and after: the entry after it may fail, and a restore nobody can account for must not be.
        _audit(ports, "authority.restoring", before, decision, actor=actor, reason=reason)
        if _written(ports, decision):
            return _after_writing(ports, before, decision, actor=actor, reason=reason)
    raise LockStoreUnavailable("the environment lock kept changing")


def _written(ports: Ports, decision: Restoration) -> bool:
    if decision.etag is None:
        return found_lock(ports, decision.lock) is not None
    return replace_lock(ports, decision.lock, etag=decision.etag) is not None


def _after_writing(
    ports: Ports, before: EnvironmentLock | None, decision: Restoration, *, actor: str, reason: str
) -> Restored:
    lock = decision.lock
    warn(
        "authority.restored", environment=lock.environment, holder=lock.holder, fencing_token=str(lock.token),
        previous_token=str(lock.previous_token), requested_by=actor,
    )  # fmt: skip
    try:
        # First of all, and whatever becomes of the records: until the raise nothing of the restore counts.
        ports.work.sync_mirror(lock.environment, authority_reader(ports, lock.environment))
        raised = True
    except Unavailable as outage:
        raised = False
        warn("mirror.pending", environment=lock.environment, detail=str(outage))
    if before is not None and before.operation is not None:
        _end_dropped(ports, before.operation)
    _audit(ports, "authority.restored", before, decision, actor=actor, reason=reason)
    return Restored(lock=lock, mirror_raised=raised, wait_s=ports.policy.lease_s + ports.policy.server_margin_s)


def _audit(
    ports: Ports, action: str, before: EnvironmentLock | None, decision: Restoration, *, actor: str, reason: str
) -> None:
    found: dict[str, JsonValue] = {"lock": shown(before) if before else None, "evidence": dict(decision.evidence)}
    record_audit(
        ports, decision.lock.environment, actor=actor, action=action, reason=reason, before=found,
        after=shown(decision.lock),
    )  # fmt: skip


def _end_dropped(ports: Ports, request: OperationRequest) -> None:
    """End the record of the operation the stale lock named; its steps are refused from now on."""
    error = Refused(code=RefusalCode.SUPERSEDED, detail="the environment lock was restored").to_json()
    for _ in range(TRIES):
        found = ports.operations.read(request.id)
        if found is None or found.value.is_over:
            return
        ended = finished(found.value, status=OperationStatus.FAILED, result={}, error=error, now=ports.clock.now())
        try:
            ports.operations.replace(ended, etag=found.etag)
        except Conflict:
            continue
        return
