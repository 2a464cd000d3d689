"""Reads and writes the drill slot: conditionally, and reading back when the answer is unclear (as `write_lock`)."""

from shared.domain.drills import DrillPhase, DrillSlot, begun, in_phase
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.locks import Versioned
from shared.domain.operations import OperationKind, OperationRequest
from shared.ports import Ports
from shared.steps.write_lock import replace_recognised


def occupy_slot(ports: Ports, request: OperationRequest, found: Versioned[DrillSlot] | None) -> bool:
    """Make the drill the running one, unless another write came first. Raises LockStoreUnavailable."""
    slot = begun(found.value if found else None, request)
    if found is not None:
        return replace_slot(ports, slot, etag=found.etag) is not None
    try:
        ports.drills.insert(slot)
    except (Conflict, OutcomeUnknown):
        stored = ports.drills.read(slot.environment)
        if stored is None:
            raise LockStoreUnavailable("the creation of the drill slot was not answered") from None
        return stored.value.written_by == slot.written_by
    return True


def replace_slot(ports: Ports, slot: DrillSlot, *, etag: str) -> Versioned[DrillSlot] | None:
    """Replace the slot read at `etag`; return what is stored now, or None when another write came first.

    Raises LockStoreUnavailable when the answer is unclear and nothing shows how it ended.
    """
    return replace_recognised(ports.drills, slot, etag=etag)


def set_phase(
    ports: Ports, request: OperationRequest, found: Versioned[DrillSlot], phase: DrillPhase
) -> Versioned[DrillSlot] | None:
    """Return the slot in this phase, written if it was in another; None when the slot changed meanwhile."""
    if found.value.phase is phase:
        return found
    slot = in_phase(found.value, phase, write_id=f"{request.id}/{phase.value}/{ports.ids.unique()}")
    return replace_slot(ports, slot, etag=found.etag)


def running_drill(ports: Ports, request: OperationRequest) -> Versioned[DrillSlot] | None:
    """Return the slot if this drill is the running one, else None."""
    if request.kind is not OperationKind.DRILL:
        return None
    found = ports.drills.read(request.environment)
    return found if found is not None and found.value.is_running(request.id) else None


def drill_stops_cluster(ports: Ports, environment: str) -> bool:
    """Whether a drill may be about to stop the DR cluster, or its stop cannot be seen yet.

    For a failover that is in the lock already: the drill looks at the lock once more and then steps back.
    """
    found = ports.drills.read(environment)
    return found is not None and found.value.operation is not None and found.value.phase is DrillPhase.STOPPING
