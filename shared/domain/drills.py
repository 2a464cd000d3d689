"""Drills: rehearse a failover up to the move of the lock, without touching lock, token, mirror or tasks.

A drill has a record of its own beside the environment lock, the drill slot, so that it changes nothing a failover
decides on. What both may command is the DR cluster. The order of their writes and reads keeps a drill from stopping
the cluster under a failover:

    drill: slot says STOPPING, then reads the lock, then asks Azure to stop
    failover: the lock names the operation, then reads the slot, then relies on the cluster

Whichever comes second sees the other: the drill steps back, or the failover waits until the stop can be seen.

Decision table of `decide_drill` (first match wins):

    the lock is missing or older than the mirror    -> refused, AuthorityRegressed
    no lock yet                                     -> refused, PrimaryNotRegistered
    a drill runs already                            -> joined
    no DR gateway registered                        -> refused, DrGatewayNotRegistered
    the environment is not at rest (`unrest`)       -> refused, DrillNotNow
    the primary is not healthy                      -> refused, DrillNotNow
    the DR cluster is not stopped                   -> refused, DrillNotNow
    it was stopped less than `hold_s` ago           -> refused, DrillNotNow
    otherwise                                       -> allowed
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from shared.domain.clusters import ClusterState
from shared.domain.failover import Joined, Snapshot, evidence, has_regressed, health_of
from shared.domain.gateways import ActivationStatus
from shared.domain.health import Verdict
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import OperationRequest
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue, RefusalCode, Refused


class DrillPhase(Enum):
    """How a drill stands towards the DR cluster."""

    RUNNING = "running"  # starts it, or rehearses on it
    STOPPING = "stopping"  # may ask Azure to stop it at any moment
    YIELDED = "yielded"  # leaves it alone: the environment needs it


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSlot:
    """The drills of one environment: the one that runs, and the newest that succeeded."""

    environment: str
    written_by: str  # id of the newest write: tells a lost acknowledgement from a lost race
    operation: OperationRequest | None = None
    phase: DrillPhase = DrillPhase.RUNNING
    stop_sent_at: datetime | None = None  # when the running drill last asked Azure to stop
    abort_reason: str = ""  # a person wants it to end; it still stops the cluster
    rehearsal_error: Mapping[str, JsonValue] = field(default_factory=dict)  # what ended it early, once it has ended
    last_operation_id: str | None = None
    last_stopped_at: datetime | None = None
    last_succeeded_at: datetime | None = None

    def is_running(self, operation_id: str) -> bool:
        """Whether this operation is the drill that runs."""
        return self.operation is not None and self.operation.id == operation_id


def decide_drill(
    snapshot: Snapshot, policy: Policy, *, slot: DrillSlot | None, cluster: ClusterState
) -> Joined | Refused | None:
    """Return why no new drill may begin, or None when it may."""
    if snapshot.lock is None and snapshot.mirror is None:
        return _refused(RefusalCode.PRIMARY_NOT_REGISTERED, "the environment has no lock yet", snapshot, policy)
    if snapshot.lock is None or has_regressed(snapshot):
        return _refused(RefusalCode.AUTHORITY_REGRESSED, "the mirror carries a newer grant", snapshot, policy)
    if slot is not None and slot.operation is not None:
        return Joined(slot.operation.id)
    if snapshot.dr is None:
        return _refused(RefusalCode.DR_GATEWAY_NOT_REGISTERED, "no gateway with role dr-standby", snapshot, policy)
    why = _not_now(snapshot, snapshot.lock.value, policy, slot=slot, cluster=cluster)
    return _refused(RefusalCode.DRILL_NOT_NOW, why, snapshot, policy) if why else None


def is_overdue(slot: DrillSlot | None, *, now: datetime, policy: Policy) -> bool:
    """Whether the newest successful drill is older than `drill_max_age_s`, or there was none."""
    if slot is None or slot.last_succeeded_at is None:
        return True
    return (now - slot.last_succeeded_at).total_seconds() > policy.drill_max_age_s


def unrest(lock: EnvironmentLock, *, primary_id: str | None) -> str:
    """Return why the DR cluster may be needed, so that no drill may command it; empty when the environment rests."""
    if lock.operation is not None:
        return f"{lock.operation.kind.value} {lock.operation.id} is running"
    if lock.holder is None or lock.holder != primary_id:
        return f"{lock.holder or 'nobody'} holds the lock, not the primary"
    if lock.status_of(lock.holder) is ActivationStatus.FAILED:
        return f"{lock.holder} is marked failed"
    if lock.stop_dr_due_at is not None:
        return f"the DR cluster was started for another reason and is to be stopped at {lock.stop_dr_due_at}"
    return ""


def begun(slot: DrillSlot | None, request: OperationRequest) -> DrillSlot:
    """Return the slot with the drill running."""
    base = slot or DrillSlot(environment=request.environment, written_by="")
    return replace(
        base, operation=request, phase=DrillPhase.RUNNING, stop_sent_at=None, abort_reason="", rehearsal_error={},
        written_by=f"{request.id}/begin",
    )  # fmt: skip


def rehearsed(slot: DrillSlot, *, error: Mapping[str, JsonValue], write_id: str) -> DrillSlot:
    """Return the slot with the rehearsal over, and the cluster to be stopped."""
    return replace(slot, phase=DrillPhase.STOPPING, rehearsal_error=error, written_by=write_id)


def in_phase(slot: DrillSlot, phase: DrillPhase, *, write_id: str) -> DrillSlot:
    """Return the slot in another phase; leaving STOPPING forgets a stop that was sent."""
    sent_at = slot.stop_sent_at if phase is DrillPhase.STOPPING else None
    return replace(slot, phase=phase, stop_sent_at=sent_at, written_by=write_id)


def ended(slot: DrillSlot, *, succeeded: bool, now: datetime, write_id: str) -> DrillSlot:
    """Return the slot with no drill running."""
    last = slot.operation.id if slot.operation else slot.last_operation_id
    return replace(
        slot, operation=None, phase=DrillPhase.RUNNING, stop_sent_at=None, abort_reason="", rehearsal_error={},
        last_operation_id=last, last_stopped_at=slot.stop_sent_at or slot.last_stopped_at,
        last_succeeded_at=now if succeeded else slot.last_succeeded_at, written_by=write_id,
    )  # fmt: skip


def _not_now(
    snapshot: Snapshot, lock: EnvironmentLock, policy: Policy, *, slot: DrillSlot | None, cluster: ClusterState
) -> str:
    primary = snapshot.primary
    why = unrest(lock, primary_id=primary.id if primary else None)
    if why or primary is None:
        return why
    health = health_of(primary, snapshot, policy)
    if health.verdict is not Verdict.HEALTHY:
        return f"{primary.id}: {health.reason}"
    if not cluster.stopped:
        return f"the DR cluster is not cold: {cluster.describe()}"
    if slot is not None and slot.last_stopped_at is not None:
        rested_s = (snapshot.now - slot.last_stopped_at).total_seconds()
        if rested_s < policy.hold_s:
            return f"the DR cluster was stopped {rested_s:.0f} s ago; Azure wants {policy.hold_s:g} s before a start"
    return ""


def _refused(code: RefusalCode, detail: str, snapshot: Snapshot, policy: Policy) -> Refused:
    return Refused(code=code, detail=detail, evidence=evidence(snapshot, policy))
