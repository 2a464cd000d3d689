"""Operations and their steps: what runs for an environment, how far it is, how it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final

from shared.domain.refusals import JsonValue


class OperationKind(Enum):
    """The procedures the control plane carries out."""

    FAILOVER = "failover"  # runbook section 1
    FAILBACK = "failback"  # runbook section 2
    STOP_DR_CLUSTER = "stop_dr_cluster"  # runbook 2.4, after the hold time
    DRILL = "drill"  # sections 1.2, 1.3 and 1.6 rehearsed; registered beside the lock, which it never touches


class OperationStatus(Enum):
    """How an operation stands."""

    WAITING_APPROVAL = "waiting_approval"  # for a second administrator; nothing has been started
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by a person, before the point of no return: nothing has moved


class StepStatus(Enum):
    """How a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(Enum):
    """One named, idempotent effect of an operation, with the runbook section it replaces."""

    def __init__(self, step_id: str, runbook: str) -> None:
        self.id = step_id
        self.runbook = runbook

    AWAIT_APPROVAL = ("await_approval", "")
    VERIFY_PRIMARY_DOWN = ("verify_primary_down", "1.1")
    START_DR_CLUSTER = ("start_dr_cluster", "1.2")
    VERIFY_DR_GATEWAY = ("verify_dr_gateway", "1.3")
    LOOK_AGAIN = ("look_again", "1.4")
    ACTIVATE_DR = ("activate_dr", "1.4")
    VERIFY_DR_ACTIVE = ("verify_dr_active", "1.5")
    VERIFY_OPERATIONS = ("verify_operations", "1.6")
    VERIFY_PRIMARY_RECOVERED = ("verify_primary_recovered", "2.1")
    DRAIN_DR_GATEWAY = ("drain_dr_gateway", "2.2")
    LOOK_AGAIN_BEFORE_FAILBACK = ("look_again_before_failback", "2.2")
    REACTIVATE_PRIMARY = ("reactivate_primary", "2.2")
    VERIFY_PRIMARY_ACTIVE = ("verify_primary_active", "2.3")
    SCHEDULE_DR_STOP = ("schedule_dr_stop", "2.4")
    STOP_DR_CLUSTER = ("stop_dr_cluster", "2.4")
    VERIFY_DRILL = ("verify_drill", "1.1")
    RUN_CANARY = ("run_canary", "1.6")
    STOP_AFTER_DRILL = ("stop_after_drill", "2.4")
    FINISH_OPERATION = ("finish_operation", "")


STEPS_OF: Mapping[OperationKind, tuple[Step, ...]] = {
    OperationKind.FAILOVER: (
        Step.VERIFY_PRIMARY_DOWN, Step.START_DR_CLUSTER, Step.VERIFY_DR_GATEWAY, Step.LOOK_AGAIN, Step.ACTIVATE_DR,
        Step.VERIFY_DR_ACTIVE, Step.VERIFY_OPERATIONS,
    ),
    OperationKind.FAILBACK: (
        Step.VERIFY_PRIMARY_RECOVERED, Step.DRAIN_DR_GATEWAY, Step.LOOK_AGAIN_BEFORE_FAILBACK, Step.REACTIVATE_PRIMARY,
        Step.VERIFY_PRIMARY_ACTIVE, Step.SCHEDULE_DR_STOP,
    ),
    OperationKind.STOP_DR_CLUSTER: (Step.STOP_DR_CLUSTER,),
    OperationKind.DRILL: (
        Step.VERIFY_DRILL, Step.START_DR_CLUSTER, Step.VERIFY_DR_GATEWAY, Step.RUN_CANARY, Step.STOP_AFTER_DRILL,
    ),
}  # fmt: skip

OVER: Final = frozenset({OperationStatus.SUCCEEDED, OperationStatus.FAILED, OperationStatus.CANCELLED})

DETAIL_LENGTH: Final = 500
"""Characters kept of a step's detail: Azure's messages can be long, and all steps share one table property."""

POINTS_OF_NO_RETURN = (Step.ACTIVATE_DR, Step.REACTIVATE_PRIMARY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person said about a running operation: who, when and why."""

    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A step that a person wants left out, and what they said."""

    step: Step
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRequest:
    """Who asked for which operation, when and why, and what people have answered since.

    Kept in the lock entity while the operation runs, so that an answer is a conditional write of the lock (ADR 0023);
    the operation's record keeps a copy.
    """

    id: str
    kind: OperationKind
    environment: str
    requested_by: str
    requested_at: datetime
    reason: str = ""
    draining: bool = False  # failback only: the holder gets no new claims
    requester_id: str = ""  # object id of who asked, which stays when names change; empty: the control plane itself
    forced: bool = False  # failover only: over what is known of the primary (see `force`)
    idempotency_key: str = ""  # the same key begins no second operation; empty: none was given
    request_digest: str = ""  # tells another request under the same key from a repetition
    needs_approval: bool = False  # fixed when the operation is registered
    approval: Answer | None = None
    cancellation: Answer | None = None
    retry_of: str = ""  # the failed operation whose work this one takes up
    skips: tuple[Skip, ...] = ()
    traceparent: str = ""  # of the HTTP call or alert it began with (W3C Trace Context); empty: there was none


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step as people see it; `attempts` counts executions, polls included."""

    step: Step
    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation with its steps and, at the end, its result or its error."""

    request: OperationRequest
    status: OperationStatus
    steps: tuple[StepRecord, ...]
    updated_at: datetime
    ended_at: datetime | None = None
    outage_started_at: datetime | None = None  # last heartbeat of the failed holder; failover only
    failed_at: datetime | None = None  # when the monitor marked it failed; failover only
    result: Mapping[str, JsonValue] = field(default_factory=dict)
    error: Mapping[str, JsonValue] = field(default_factory=dict)
    cluster_started_at: datetime | None = None  # when this operation asked Azure to start the DR cluster

    @property
    def is_over(self) -> bool:
        """Whether the operation has ended, one way or another."""
        return self.status in OVER


def begin(request: OperationRequest) -> Operation:
    """Return the record of an operation that is about to run, with every step pending."""
    status = OperationStatus.WAITING_APPROVAL if request.needs_approval else OperationStatus.RUNNING
    steps = tuple(StepRecord(step=step) for step in steps_of(request))
    return Operation(request=request, status=status, steps=steps, updated_at=request.requested_at)


def steps_of(request: OperationRequest) -> tuple[Step, ...]:
    """Return the steps that people see of this operation, in order."""
    return (Step.AWAIT_APPROVAL, *STEPS_OF[request.kind]) if request.needs_approval else STEPS_OF[request.kind]


def step_started(operation: Operation, step: Step, *, now: datetime) -> Operation:
    """Return the operation with one more attempt at `step`; the first attempt's time stays its start."""

    def started(record: StepRecord) -> StepRecord:
        return replace(
            record, status=StepStatus.RUNNING, attempts=record.attempts + 1, started_at=record.started_at or now,
            ended_at=None,
        )  # fmt: skip

    return _with_step(operation, step, started, now)


def step_ended(operation: Operation, step: Step, *, status: StepStatus, detail: str, now: datetime) -> Operation:
    """Return the operation with `step` as it stands after an attempt; a running step has no end."""

    def ended(record: StepRecord) -> StepRecord:
        ended_at = None if status is StepStatus.RUNNING else now
        return replace(record, status=status, detail=detail[:DETAIL_LENGTH], ended_at=ended_at)

    if step is Step.AWAIT_APPROVAL and status is StepStatus.SUCCEEDED:
        operation = replace(operation, status=OperationStatus.RUNNING)
    return _with_step(operation, step, ended, now)


def finished(
    operation: Operation,
    *,
    status: OperationStatus,
    result: Mapping[str, JsonValue],
    error: Mapping[str, JsonValue],
    now: datetime,
) -> Operation:
    """Return the ended operation; one that has ended already is returned as it is."""
    if operation.is_over:
        return operation
    return replace(operation, status=status, result=result, error=error, ended_at=now, updated_at=now)


def _with_step(
    operation: Operation, step: Step, change: Callable[[StepRecord], StepRecord], now: datetime
) -> Operation:
    steps = tuple(change(record) if record.step is step else record for record in operation.steps)
    return replace(operation, steps=steps, updated_at=now)
