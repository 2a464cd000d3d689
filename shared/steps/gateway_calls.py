"""What gateways call: register, beat, claim, report. Each is bound to the identity that registered the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.environments import Role
from shared.domain.faults import (
    Conflict,
    DatabaseUnavailable,
    LockStoreUnavailable,
    NotAuthorized,
    OutcomeUnknown,
    Unavailable,
    UnknownGateway,
)
from shared.domain.fencing import FencingToken, mint
from shared.domain.gateways import (
    ActivationStatus,
    BeatAnswer,
    CanaryStatus,
    Gateway,
    Heartbeat,
    Identity,
    record_heartbeat,
    register,
)
from shared.domain.guard import AuthorityReading, Caller, Present, SyncOutcome, Unreachable, decide_sync
from shared.domain.locks import EnvironmentLock, Versioned, founded
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.domain.tasks import Task, TaskRefusal
from shared.ports import LeaseGranted, Ports, Reported, TaskReport, WorkRefused
from shared.steps.audit_trail import record_audit, shown
from shared.steps.observe import authority_reader, environment_of
from shared.steps.write_lock import found_lock
from shared.telemetry import log, warn

TRIES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a gateway says when it registers."""

    gateway_id: str
    environment: str
    role: Role
    boot_id: str
    region: str
    version: str


def register_gateway(ports: Ports, registration: Registration, identity: Identity) -> Gateway | Refused:
    """Return the registered gateway; the first primary of an environment founds its lock.

    Raises:
        UnknownEnvironment: The environment is not declared.
        Unavailable: A store that is needed did not answer. Founding a lock needs PostgreSQL as well: a mirror
            that already knows the environment means that the lock was lost, not that it is new.
    """
    name = environment_of(ports, registration.environment).name
    for _ in range(TRIES):
        found = ports.gateways.read(name, registration.gateway_id)
        refusal = _registration_refusal(ports, registration, identity, found.value if found else None)
        if refusal:
            return refusal
        gateway = register(
            known=found.value if found else None, gateway_id=registration.gateway_id, environment=name,
            role=registration.role, identity=identity, boot_id=registration.boot_id, region=registration.region,
            version=registration.version, now=ports.clock.now(),
        )  # fmt: skip
        try:
            stored = ports.gateways.replace(gateway, etag=found.etag) if found else ports.gateways.insert(gateway)
        except (Conflict, OutcomeUnknown):
            continue
        _after_registration(ports, stored.value, new=found is None)
        return stored.value
    raise LockStoreUnavailable("the registration kept changing")


def beat(ports: Ports, gateway_id: str, environment: str, heartbeat: Heartbeat, identity: Identity) -> BeatAnswer:
    """Record a heartbeat and, for the holder, extend its lease before the answer is sent.

    With Table Storage unreachable liveness cannot be recorded, but the present holder keeps its lease; with
    PostgreSQL unreachable liveness is recorded and nobody gets a lease.

    Raises:
        UnknownGateway, NotAuthorized: Not registered, or by another identity.
    """
    name = environment_of(ports, environment).name
    canary = None
    try:
        canary = _record(ports, name, gateway_id, heartbeat, identity).canary
    except (LockStoreUnavailable, OutcomeUnknown) as outage:
        warn("heartbeat.not_recorded", environment=name, gateway=gateway_id, detail=str(outage))
        _bound_gateway(ports, name, gateway_id, identity)
    reading = _Reading(ports, name)
    if heartbeat.token_seen is not None:
        answer = _extend(ports, Caller(gateway_id=gateway_id, environment=name, token=heartbeat.token_seen), reading)
    else:
        answer = _first_look(ports, name, gateway_id, reading)
    told = _answer(reading, gateway_id, heartbeat.token_seen, answer)
    if canary is None or canary.status is not CanaryStatus.ASKED or told.status is not ActivationStatus.STANDBY:
        return told
    return replace(told, canary=canary)


def claim_tasks(ports: Ports, caller: Caller, identity: Identity, *, limit: int) -> Sequence[Task] | WorkRefused:
    """Return the tasks the caller may work on now, or why it may not."""
    _bound_gateway(ports, caller.environment, caller.gateway_id, identity)
    claimed = ports.work.claim(caller, authority_reader(ports, caller.environment), limit=limit)
    if isinstance(claimed, WorkRefused):
        _tell_refused(caller, "claim", claimed)
    else:
        for task in claimed:
            log("task.claimed", environment=caller.environment, gateway=caller.gateway_id, task_id=task.id,
                attempt=task.attempt, fencing_token=str(caller.token))  # fmt: skip
    return claimed


def report_task(ports: Ports, caller: Caller, identity: Identity, report: TaskReport) -> Reported | WorkRefused:
    """Record what the caller reports about a task it claimed, or return why it may not."""
    _bound_gateway(ports, caller.environment, caller.gateway_id, identity)
    outcome = ports.work.report(caller, authority_reader(ports, caller.environment), report)
    fields: Mapping[str, JsonValue] = {"task_id": report.task_id, "attempt": report.attempt}
    if isinstance(outcome, WorkRefused):
        _tell_refused(caller, report.status.value, outcome, **fields)
    elif report.status.value != "running":
        log(f"task.{report.status.value}", environment=caller.environment, gateway=caller.gateway_id,
            fencing_token=str(caller.token), **fields)  # fmt: skip
    return outcome


class _Reading:
    """Reads the authority when asked to, and remembers the newest reading."""

    def __init__(self, ports: Ports, name: str) -> None:
        self._read = authority_reader(ports, name)
        self.last: AuthorityReading | None = None

    def read(self) -> AuthorityReading:
        self.last = self._read()
        return self.last

    @property
    def lock(self) -> EnvironmentLock | None:
        return self.last.lock if isinstance(self.last, Present) else None


def _extend(ports: Ports, caller: Caller, reading: _Reading) -> LeaseGranted | WorkRefused | None:
    try:
        return ports.work.extend_lease(caller, reading.read)
    except (DatabaseUnavailable, OutcomeUnknown) as outage:
        warn("lease.not_extended", environment=caller.environment, gateway=caller.gateway_id, detail=str(outage))
        if reading.last is None:
            reading.read()
        return None


def _first_look(ports: Ports, name: str, gateway_id: str, reading: _Reading) -> WorkRefused | None:
    """Read the lock for a gateway without a token; before one is told it, make sure that the lock is not a stale one.

    PostgreSQL is asked only then: a standby's heartbeats must not wait for it.
    """
    reading.read()
    if reading.last is None or isinstance(reading.last, Unreachable):
        return None
    if reading.lock is not None and reading.lock.holder != gateway_id:
        return None
    try:
        mirror = ports.work.mirror(name)
    except (DatabaseUnavailable, OutcomeUnknown):
        return None
    regressed = decide_sync(mirror, reading.read()) is SyncOutcome.REGRESSED  # read anew: it may just have moved
    return WorkRefused(TaskRefusal.AUTHORITY_REGRESSED) if regressed else None


def _answer(
    reading: _Reading, gateway_id: str, token_seen: FencingToken | None, lease: LeaseGranted | WorkRefused | None
) -> BeatAnswer:
    lock = reading.lock
    refusal = lease.reason if isinstance(lease, WorkRefused) else None
    if refusal is TaskRefusal.AUTHORITY_REGRESSED:
        # What a stale lock says of status and token is not passed on.
        return BeatAnswer(status=None, token=None, lease_s=None, lease_refusal=refusal.value, draining=False)
    if lock is None and isinstance(lease, LeaseGranted):
        # Mirror-only: the guard found the caller to be the holder under this very token.
        return BeatAnswer(
            status=ActivationStatus.ACTIVE, token=token_seen, lease_s=lease.lease_s, lease_refusal=None, draining=False
        )
    holds = lock is not None and lock.holder == gateway_id
    return BeatAnswer(
        status=lock.status_of(gateway_id) if lock else None,
        token=lock.token if lock and holds else None,
        lease_s=lease.lease_s if isinstance(lease, LeaseGranted) else None,
        lease_refusal=refusal.value if refusal else None,
        draining=bool(lock and holds and lock.draining),
    )


def _record(ports: Ports, name: str, gateway_id: str, heartbeat: Heartbeat, identity: Identity) -> Gateway:
    for _ in range(TRIES):
        found = bound(ports.gateways.read(name, gateway_id), gateway_id, identity)
        beaten = record_heartbeat(found.value, heartbeat, now=ports.clock.now(), policy=ports.policy)
        try:
            return ports.gateways.replace(beaten, etag=found.etag).value
        except Conflict:
            continue
    raise LockStoreUnavailable("the registration kept changing")


def bound(found: Versioned[Gateway] | None, gateway_id: str, identity: Identity) -> Versioned[Gateway]:
    """Return the registration. Raises UnknownGateway without one, NotAuthorized when it is another identity's."""
    if found is None:
        raise UnknownGateway(f"Gateway {gateway_id} is not registered in this environment")
    if found.value.identity != identity:
        raise NotAuthorized(f"Gateway {gateway_id} is registered with another identity")
    return found


def _bound_gateway(ports: Ports, name: str, gateway_id: str, identity: Identity) -> None:
    """Check the binding, from PostgreSQL's copy while Table Storage does not answer."""
    environment_of(ports, name)
    try:
        bound(ports.gateways.read(name, gateway_id), gateway_id, identity)
    except LockStoreUnavailable:
        copy = ports.work.copied_gateway(gateway_id)
        known = Versioned(copy, "") if copy and copy.environment == name else None
        bound(known, gateway_id, identity)


def _registration_refusal(
    ports: Ports, registration: Registration, identity: Identity, known: Gateway | None
) -> Refused | None:
    if known is not None and known.identity != identity:
        return Refused(code=RefusalCode.IDENTITY_MISMATCH, detail=f"{known.id} is bound to another identity")
    if known is not None and known.role is not registration.role:
        detail = f"{known.id} is registered as {known.role.value}"
        return Refused(code=RefusalCode.GATEWAY_ROLE_MISMATCH, detail=detail)
    for other in ports.gateways.list(registration.environment):
        if other.role is registration.role and other.id != registration.gateway_id:
            detail = f"{other.id} is the {other.role.value} of {other.environment}"
            return Refused(code=RefusalCode.ROLE_TAKEN, detail=detail)
    return None


def _after_registration(ports: Ports, gateway: Gateway, *, new: bool) -> None:
    if new:
        log("gateway.registered", environment=gateway.environment, gateway=gateway.id, role=gateway.role.value)
    if gateway.role is Role.PRIMARY and ports.locks.read(gateway.environment) is None:
        _found_lock(ports, gateway)
    try:
        ports.work.copy_gateway(gateway)
    except Unavailable as outage:
        warn("gateway.copy_pending", gateway=gateway.id, detail=str(outage))  # the reconciler copies it later


def _found_lock(ports: Ports, gateway: Gateway) -> None:
    if ports.work.mirror(gateway.environment) is not None:
        warn("authority.regressed", environment=gateway.environment, detail="the lock is missing, the mirror is not")
        return
    token = mint(stored=None, mirrored=None, now_unix_ns=ports.clock.unix_ns())
    lock = founded(
        environment=gateway.environment, holder=gateway.id, token=token, write_id=f"found/{ports.ids.unique()}",
        now=ports.clock.now(),
    )  # fmt: skip
    if found_lock(ports, lock) is None:
        return
    log("lock.founded", environment=gateway.environment, holder=gateway.id, fencing_token=str(token))
    record_audit(ports, gateway.environment, actor=gateway.id, action="lock.founded", after=shown(lock))


def _tell_refused(caller: Caller, what: str, refused: WorkRefused, **fields: JsonValue) -> None:
    warn(
        "write.refused", environment=caller.environment, gateway=caller.gateway_id, write=what,
        reason=refused.reason.value, fencing_token=str(caller.token), **fields,
    )  # fmt: skip
