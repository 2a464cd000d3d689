"""What administrators call beside failover and failback: deactivate a gateway, run a rotation, look around."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.failover import Snapshot, decide_deactivation
from shared.domain.faults import LockStoreUnavailable, MalformedRequest, Unavailable, UnknownConfig, UnknownGateway
from shared.domain.fencing import mint
from shared.domain.gateways import Gateway
from shared.domain.guard import Absent, Present, SyncOutcome, decide_sync
from shared.domain.locks import EnvironmentLock, vacated
from shared.domain.operations import Operation
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import RotationConfig, Task
from shared.ports import Ports
from shared.steps.audit_trail import record_audit, shown
from shared.steps.observe import authority_reader, environment_of, find_gateway, observe
from shared.steps.operation_record import ensure_record
from shared.steps.write_lock import replace_lock
from shared.telemetry import log, warn

TRIES = 10


@dataclass(frozen=True, slots=True)
class Deactivated:
    """The gateway is not active; `token` is the new token when it held the lock.

    With `fenced` False its open work may still be accepted: PostgreSQL has not been told yet.
    """

    gateway_id: str
    token: int | None
    fenced: bool = True


def known_gateway(ports: Ports, gateway_id: str) -> Gateway:
    """Return the gateway. Raises UnknownGateway."""
    gateway = find_gateway(ports, gateway_id)
    if gateway is None:
        raise UnknownGateway(f"Gateway {gateway_id} does not exist")
    return gateway


def deactivate_gateway(
    ports: Ports, gateway_id: str, *, actor: str, forced: bool, reason: str
) -> Deactivated | Refused:
    """Take a gateway out (runbook section 3, Split-Brain Suspected).

    A gateway that does not hold the lock is harmless already: its writes are refused. Taking out the holder is
    a change of holder to nobody under a new token, needs `forced` and a reason, and leaves the environment
    without an active gateway.
    """
    if forced and not reason.strip():
        raise MalformedRequest("A forced deactivation needs a reason", (("/reason", "required with force"),))
    gateway = known_gateway(ports, gateway_id)
    for _ in range(TRIES):
        snapshot = observe(ports, gateway.environment)
        decision = decide_deactivation(snapshot, ports.policy, gateway, forced=forced)
        if isinstance(decision, Refused):
            return decision
        if decision is None:
            record_audit(
                ports, gateway.environment, actor=actor, action="gateway.deactivated", reason=reason,
                before=shown(snapshot.lock.value) if snapshot.lock else {},
                after=shown(snapshot.lock.value) if snapshot.lock else {},
            )  # fmt: skip
            return Deactivated(gateway_id, None)
        vacant = _vacant(ports, snapshot, decision.value)
        if replace_lock(ports, vacant, etag=decision.etag) is None:
            continue
        fenced = _after_vacating(ports, decision.value, vacant, gateway_id, actor=actor, reason=reason)
        return Deactivated(gateway_id, vacant.token, fenced)
    raise LockStoreUnavailable("the environment lock kept changing")


def execute_rotation(
    ports: Ports, config_id: str, *, actor: str, idempotency_key: str, request_digest: str = ""
) -> tuple[Task, str, bool] | Refused:
    """Queue one rotation on the active gateway (runbook 1.6).

    Returns the task, the gateway it is routed to, and whether the same request had queued it before.

    Raises:
        UnknownConfig: No such rotation config.
        IdempotencyKeyReused: In this environment the key came with another config or body before.
    """
    config = ports.work.config(config_id)
    if config is None:
        raise UnknownConfig(f"Rotation config {config_id} does not exist")
    lock = ports.locks.read(config.environment)
    if _is_stale(ports, config.environment, lock.value if lock else None):
        return Refused(code=RefusalCode.AUTHORITY_REGRESSED, detail=f"nobody knows who holds {config.environment}")
    if lock is None or lock.value.holder is None:
        return Refused(code=RefusalCode.NO_ACTIVE_GATEWAY, detail=f"nobody holds {config.environment}")
    task_id = f"task-{ports.ids.unique()}"
    task = ports.work.add_task(
        config, task_id=task_id, idempotency_key=idempotency_key or task_id, request_digest=request_digest
    )
    replayed = task.id != task_id
    if not replayed:
        log("task.queued", environment=config.environment, task_id=task.id, config_id=config_id, requested_by=actor)
    return task, lock.value.holder, replayed


def _is_stale(ports: Ports, name: str, lock: EnvironmentLock | None) -> bool:
    """Whether the lock is older than the mirror; read once more if so, since it may just have moved."""
    mirror = ports.work.mirror(name)
    if decide_sync(mirror, Present(lock) if lock else Absent()) is not SyncOutcome.REGRESSED:
        return False
    return decide_sync(mirror, authority_reader(ports, name)()) is SyncOutcome.REGRESSED


def put_config(ports: Ports, config: RotationConfig, *, actor: str) -> None:
    """Create or replace a rotation config. Raises UnknownEnvironment."""
    environment_of(ports, config.environment)
    ports.work.put_config(config)
    record_audit(ports, config.environment, actor=actor, action="config.put", after={"config": config.id})


def all_snapshots(ports: Ports) -> Sequence[Snapshot]:
    """Return a snapshot of every environment, by name."""
    return [observe(ports, name) for name in sorted(ports.environments)]


def find_operation(ports: Ports, operation_id: str) -> Operation | None:
    """Return the operation; one that is registered but not yet recorded is recorded first."""
    found = ports.operations.read(operation_id)
    if found:
        return found.value
    for name in ports.environments:
        lock = ports.locks.read(name)
        running = lock.value.operation if lock else None
        if running is not None and running.id == operation_id:
            return ensure_record(ports, running)
    return None


def _vacant(ports: Ports, snapshot: Snapshot, lock: EnvironmentLock) -> EnvironmentLock:
    mirrored = snapshot.mirror.token if snapshot.mirror else None
    token = mint(stored=lock.token, mirrored=mirrored, now_unix_ns=ports.clock.unix_ns())
    return vacated(lock, token=token, now=snapshot.now, write_id=f"deactivate/{ports.ids.unique()}")


def _after_vacating(
    ports: Ports, before: EnvironmentLock, after: EnvironmentLock, gateway_id: str, *, actor: str, reason: str
) -> bool:
    """Audit the change and raise the fence; return whether the mirror carries the new token."""
    warn("gateway.deactivated", environment=after.environment, gateway=gateway_id, fencing_token=str(after.token))
    record_audit(
        ports, after.environment, actor=actor, action="gateway.deactivated", reason=reason, before=shown(before),
        after=shown(after),
    )  # fmt: skip
    try:
        sync = ports.work.sync_mirror(after.environment, authority_reader(ports, after.environment))
    except Unavailable as outage:
        warn("mirror.pending", environment=after.environment, detail=str(outage))
        return False
    return sync.mirror is not None and sync.mirror.token >= after.token


def newest_operations(ports: Ports, environment: str | None, *, limit: int) -> Sequence[Operation]:
    """Return the newest operations, newest first, of one environment or of all. Raises UnknownEnvironment."""
    names = [environment_of(ports, environment).name] if environment else sorted(ports.environments)
    found = [operation for name in names for operation in ports.operations.list(name, limit=limit)]
    return sorted(found, key=lambda operation: operation.request.requested_at, reverse=True)[:limit]
