"""Begins and aborts drills, by a person's wish or by the schedule."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from shared.domain.drills import DrillSlot, decide_drill
from shared.domain.events import EventType
from shared.domain.failover import Joined
from shared.domain.faults import LockStoreUnavailable, Unavailable, UnknownOperation
from shared.domain.locks import Versioned
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.refusals import RefusalCode, Refused
from shared.ports import Ports
from shared.steps.audit_trail import record_audit, shown
from shared.steps.begin_operation import Begun, audit_begun
from shared.steps.drill_slot import occupy_slot, replace_slot
from shared.steps.observe import environment_of, observe
from shared.steps.operation_record import ensure_record
from shared.steps.timeline import tell
from shared.telemetry import log, warn

TRIES: Final = 10
NEVER: Final = datetime.min.replace(tzinfo=UTC)


def begin_drill(
    ports: Ports, environment: str, *, requested_by: str, reason: str, traceparent: str = ""
) -> Begun | Joined | Refused:
    """Decide over a fresh snapshot and, when allowed, occupy the drill slot. A refusal changes nothing.

    Raises:
        UnknownEnvironment: The environment is not declared.
        Unavailable: A store or Azure did not answer; nothing is known to have changed.
    """
    declared = environment_of(ports, environment)
    request = OperationRequest(
        id=ports.ids.operation_id(environment), kind=OperationKind.DRILL, environment=environment,
        requested_by=requested_by, requested_at=ports.clock.now(), reason=reason, traceparent=traceparent,
    )  # fmt: skip
    for _ in range(TRIES):
        found = ports.drills.read(environment)
        snapshot, cluster = observe(ports, environment), ports.clusters.state(declared.dr_cluster)
        decision = decide_drill(snapshot, ports.policy, slot=found.value if found else None, cluster=cluster)
        if decision is not None:
            return decision
        if not occupy_slot(ports, request, found):
            continue
        assert snapshot.lock is not None
        ensure_record(ports, request)
        audit_begun(ports, request, shown(snapshot.lock.value))
        log("operation.begun", environment=environment, operation_id=request.id, type=request.kind.value,
            requested_by=requested_by)  # fmt: skip
        return Begun(request)
    raise LockStoreUnavailable("the drill slot kept changing")


def abort_drill(ports: Ports, operation_id: str, environment: str, *, actor: str, reason: str) -> Refused | None:
    """End a running drill early; it still stops the cluster it started. Asking again changes nothing.

    Raises:
        UnknownOperation: No drill of this id was ever the newest one of the environment.
    """
    for _ in range(TRIES):
        found = ports.drills.read(environment)
        if found is None or not found.value.is_running(operation_id):
            if found is not None and found.value.last_operation_id == operation_id:
                return Refused(code=RefusalCode.NOT_RUNNING_OPERATION, detail=f"{operation_id} has ended")
            raise UnknownOperation(f"Drill {operation_id} is not running")
        if found.value.abort_reason or replace_slot(ports, _aborted(ports, found, actor, reason), etag=found.etag):
            record_audit(ports, environment, actor=actor, action="drill.abort_requested", reason=reason,
                         after={"operation": operation_id})  # fmt: skip
            tell(ports, environment, event_id=f"{operation_id}/abort", type=EventType.DRILL_ABORT_REQUESTED,
                 subject=operation_id, data={"requested_by": actor, "reason": reason})  # fmt: skip
            return None
    raise LockStoreUnavailable("the drill slot kept changing")


def begin_scheduled_drill(ports: Ports) -> OperationRequest | None:
    """Begin a drill in the environment whose newest successful drill is the oldest; None when none may begin.

    One at a time: a schedule must never start the clusters of all environments together.
    """
    slots = {name: ports.drills.read(name) for name in ports.environments}
    if any(found is not None and found.value.operation is not None for found in slots.values()):
        return None
    for name in sorted(ports.environments, key=lambda name: (_last_success(slots[name]), name)):
        try:
            begun = begin_drill(ports, name, requested_by="schedule", reason="scheduled drill")
        except Unavailable as outage:
            warn("drill.not_begun", environment=name, detail=str(outage))
            continue
        if isinstance(begun, Begun):
            return begun.request
        if isinstance(begun, Refused):
            warn("drill.not_begun", environment=name, code=begun.code.code, detail=begun.detail)
    return None


def running_drills(ports: Ports) -> Sequence[OperationRequest]:
    """Return the drills that the slots say are running, each with its record in place; see `running_operations`."""
    running: list[OperationRequest] = []
    for name in sorted(ports.environments):
        try:
            found = ports.drills.read(name)
            if found is not None and found.value.operation is not None:
                ensure_record(ports, found.value.operation)
                running.append(found.value.operation)
        except Unavailable as outage:
            warn("operations.not_checked", environment=name, detail=str(outage))
    return running


def _aborted(ports: Ports, found: Versioned[DrillSlot], actor: str, reason: str) -> DrillSlot:
    return replace(found.value, abort_reason=reason or f"by {actor}", written_by=f"abort/{ports.ids.unique()}")


def _last_success(found: Versioned[DrillSlot] | None) -> datetime:
    return found.value.last_succeeded_at or NEVER if found else NEVER
