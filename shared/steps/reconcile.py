"""Repairs what an outage or a dead host left behind: lagging mirrors, missing copies, tasks of silent owners."""

from collections.abc import Sequence

from shared.domain.faults import Unavailable
from shared.domain.guard import SyncOutcome
from shared.domain.operations import OperationRequest
from shared.ports import Ports
from shared.steps.begin_operation import Begun, register_stop
from shared.steps.observe import authority_reader, has_lost_writes
from shared.steps.operation_record import ensure_record
from shared.steps.timeline import tell_raised
from shared.telemetry import log, warn


def sync_mirrors(ports: Ports) -> None:
    """Bring the mirror of every environment up to its lock, and PostgreSQL's copies up to the registrations."""
    for name in sorted(ports.environments):
        try:
            sync = ports.work.sync_mirror(name, authority_reader(ports, name))
            for gateway in ports.gateways.list(name):
                ports.work.copy_gateway(gateway)
        except Unavailable as outage:
            warn("mirror.pending", environment=name, detail=str(outage))
            continue
        if sync.outcome is SyncOutcome.RAISED and sync.mirror:
            log(
                "fence.raised", environment=name, fencing_token=str(sync.mirror.token), holder=sync.mirror.holder,
                requeued=sync.requeued, in_doubt=sync.in_doubt, failed=sync.failed,
            )  # fmt: skip
            tell_raised(ports, sync)
        if sync.outcome is SyncOutcome.REGRESSED:
            warn("authority.regressed", environment=name, detail="the lock is missing or older than the mirror")


def expire_tasks(ports: Ports) -> None:
    """Clean up tasks that have run too long without progress (runbook section 3, Tasks Stuck After Failover)."""
    try:
        expired = ports.work.expire_tasks()
    except Unavailable as outage:
        warn("tasks.not_expired", detail=str(outage))
        return
    for task in expired:
        warn("task.expired", environment=task.environment, task_id=task.id, status=task.status.value,
             attempt=task.attempt)  # fmt: skip


def running_operations(ports: Ports) -> Sequence[OperationRequest]:
    """Return the operations that the locks say are running, each with its record in place.

    A host may die between registering an operation and starting its orchestration; whoever calls this starts
    what is missing. Stops of DR clusters that are due are registered here.
    """
    running: list[OperationRequest] = []
    for name in sorted(ports.environments):
        try:
            lock = ports.locks.read(name)
            if lock is None:
                continue
            wanted = lock.value.operation is not None or lock.value.stop_dr_due_at is not None
            if wanted and has_lost_writes(ports, lock.value):
                warn("authority.regressed", environment=name, detail="the lock names work of a past that is gone")
                continue
            if lock.value.operation is not None:
                ensure_record(ports, lock.value.operation)
                running.append(lock.value.operation)
            elif lock.value.stop_dr_due_at is not None:
                begun = register_stop(ports, name)
                if isinstance(begun, Begun):
                    running.append(begun.request)
        except Unavailable as outage:
            warn("operations.not_checked", environment=name, detail=str(outage))
    return running
