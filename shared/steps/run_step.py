"""Runs one step of an operation: only for the running operation, recorded, with a deadline, safe to repeat."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from shared.domain.answers import is_unapproved, skip_of
from shared.domain.events import EventType
from shared.domain.faults import Unavailable
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import (
    DETAIL_LENGTH,
    Operation,
    OperationKind,
    OperationRequest,
    Step,
    StepStatus,
    step_ended,
    step_started,
    steps_of,
)
from shared.domain.policy import Policy
from shared.domain.refusals import RefusalCode, Refused
from shared.flows.commands import StepOutcome, StepResult
from shared.ports import Ports
from shared.steps.answer_operation import cancelled_by, note_skip
from shared.steps.approval import await_approval
from shared.steps.audit_trail import shown
from shared.steps.begin_operation import audit_begun
from shared.steps.cluster_power import start_dr_cluster, stop_dr_cluster
from shared.steps.context import StepContext, stopped
from shared.steps.drain import drain_dr_gateway, schedule_dr_stop
from shared.steps.drill import after_rehearsal, gives_way, run_canary, stop_after_drill, verify_drill
from shared.steps.drill_slot import running_drill
from shared.steps.finish_operation import end_left_record, finish_operation
from shared.steps.move_lock import look_again, move_lock
from shared.steps.observe import environment_of
from shared.steps.operation_record import change_record, ensure_record
from shared.steps.timeline import tell
from shared.steps.verify import (
    verify_dr_gateway,
    verify_holder_active,
    verify_operations,
    verify_primary_down,
    verify_primary_recovered,
)
from shared.telemetry import log, warn

Body = Callable[[StepContext], StepResult]

BODIES: Final[Mapping[Step, Body]] = {
    Step.AWAIT_APPROVAL: await_approval,
    Step.VERIFY_PRIMARY_DOWN: verify_primary_down,
    Step.START_DR_CLUSTER: start_dr_cluster,
    Step.VERIFY_DR_GATEWAY: verify_dr_gateway,
    Step.LOOK_AGAIN: look_again,
    Step.ACTIVATE_DR: move_lock,
    Step.VERIFY_DR_ACTIVE: verify_holder_active,
    Step.VERIFY_OPERATIONS: verify_operations,
    Step.VERIFY_PRIMARY_RECOVERED: verify_primary_recovered,
    Step.DRAIN_DR_GATEWAY: drain_dr_gateway,
    Step.LOOK_AGAIN_BEFORE_FAILBACK: look_again,
    Step.REACTIVATE_PRIMARY: move_lock,
    Step.VERIFY_PRIMARY_ACTIVE: verify_holder_active,
    Step.SCHEDULE_DR_STOP: schedule_dr_stop,
    Step.STOP_DR_CLUSTER: stop_dr_cluster,
    Step.VERIFY_DRILL: verify_drill,
    Step.RUN_CANARY: run_canary,
    Step.STOP_AFTER_DRILL: stop_after_drill,
    Step.FINISH_OPERATION: finish_operation,
}

BEFORE_THE_MOVE: Final = frozenset(
    {Step.VERIFY_PRIMARY_DOWN, Step.START_DR_CLUSTER, Step.VERIFY_DR_GATEWAY, Step.VERIFY_PRIMARY_RECOVERED,
     Step.DRAIN_DR_GATEWAY}
)  # fmt: skip
"""Steps that have nothing left to do once their own operation has moved the lock."""

CLEANUP: Final = frozenset({Step.STOP_AFTER_DRILL, Step.FINISH_OPERATION})
"""Steps of a drill that are carried out although the rehearsal was aborted or gave way."""

UNAPPROVED: Final = frozenset({Step.AWAIT_APPROVAL, Step.FINISH_OPERATION})
"""Steps of an operation that nobody has approved yet."""

STATUS_OF: Final = {
    StepOutcome.DONE: StepStatus.SUCCEEDED,
    StepOutcome.SKIPPED: StepStatus.SKIPPED,
    StepOutcome.WAITING: StepStatus.RUNNING,
    StepOutcome.AGAIN: StepStatus.RUNNING,
    StepOutcome.STOPPED: StepStatus.FAILED,
}


def run_step(ports: Ports, request: OperationRequest, step: Step, args: Mapping[str, Any]) -> StepResult:
    """Run a step once and return its result.

    A step of an operation that is no longer the running one is refused. A store or service that does not
    answer makes the step wait and try again until its deadline; it never lets the step pass. The step's start
    and result are recorded in the operation as people see it.

    Raises:
        ControlPlaneFault: A bug or a broken invariant; the driver ends the operation with it.
    """
    now = ports.clock.now()
    since = datetime.fromisoformat(args["since"]) if "since" in args else now
    try:
        result = _run(ports, request, step, args, since=since, now=now)
    except Unavailable as outage:
        kept = {**args, "since": since.isoformat()}
        result = StepResult(
            outcome=StepOutcome.WAITING, detail=str(outage), data=kept, retry_after_s=ports.policy.retry_s
        )
    limit_s = limits_s(ports.policy)[step]
    if result.outcome is StepOutcome.WAITING and (ports.clock.now() - since).total_seconds() > limit_s:
        detail = f"{step.id} waited {limit_s:g} s: {result.detail}"
        result = stopped(Refused(code=RefusalCode.STEP_TIMEOUT, detail=detail))
        _try_to_record(ports, request, step, result)
    return result


def limits_s(policy: Policy) -> Mapping[Step, float]:
    """Return how long each step may take, in seconds, before its operation fails."""
    decision_s = 2 * policy.heartbeat_timeout_s + policy.retry_s
    return {
        Step.AWAIT_APPROVAL: policy.outage_limit_s,  # it ends its own wait, and an outage must not end it earlier
        Step.VERIFY_PRIMARY_DOWN: decision_s,
        Step.START_DR_CLUSTER: policy.cluster_start_timeout_s,
        Step.VERIFY_DR_GATEWAY: policy.gateway_boot_timeout_s,
        Step.LOOK_AGAIN: decision_s,
        Step.ACTIVATE_DR: policy.outage_limit_s,
        Step.VERIFY_DR_ACTIVE: policy.confirm_timeout_s,
        Step.VERIFY_OPERATIONS: policy.first_claim_timeout_s,
        Step.VERIFY_PRIMARY_RECOVERED: decision_s,
        Step.DRAIN_DR_GATEWAY: policy.drain_timeout_s + decision_s,
        Step.LOOK_AGAIN_BEFORE_FAILBACK: decision_s,
        Step.REACTIVATE_PRIMARY: policy.outage_limit_s,
        Step.VERIFY_PRIMARY_ACTIVE: policy.confirm_timeout_s,
        Step.SCHEDULE_DR_STOP: policy.outage_limit_s,
        Step.STOP_DR_CLUSTER: policy.cluster_start_timeout_s,
        Step.VERIFY_DRILL: decision_s,
        Step.RUN_CANARY: policy.canary_timeout_s + decision_s,
        Step.STOP_AFTER_DRILL: policy.outage_limit_s,
        Step.FINISH_OPERATION: policy.outage_limit_s,
    }


def _run(
    ports: Ports, request: OperationRequest, step: Step, args: Mapping[str, Any], *, since: datetime, now: datetime
) -> StepResult:
    lock = ports.locks.read(request.environment)
    drill = running_drill(ports, request)
    if lock is None or (drill is None and not _is_running(lock.value, request)):
        if step is Step.FINISH_OPERATION:
            # It has left the lock; a host that died right then left its record open.
            end_left_record(ports, request, args, lock_moved=lock is not None and lock.value.was_moved_by(request))
            return StepResult(outcome=StepOutcome.DONE, detail="the operation has ended already")
        return stopped(Refused(code=RefusalCode.NOT_RUNNING_OPERATION, detail=f"{request.id} is not running"))
    running = lock.value.operation if drill is None else None
    if step is not Step.FINISH_OPERATION and running is not None and running.cancellation is not None:
        return _cancelled(ports, running, step)
    if step not in UNAPPROVED and running is not None and is_unapproved(running):
        # Only a driver that does not know of approvals gets here: a host of the release before.
        return stopped(Refused(code=RefusalCode.APPROVAL_NEEDED, detail=f"{request.id} waits for a second person"))
    _record_start(ports, request, step)
    if step is steps_of(request)[0]:
        audit_begun(ports, request, {**shown(lock.value), "operation": None})
    context = StepContext(
        ports=ports, step=step, request=request, environment=environment_of(ports, request.environment), lock=lock,
        args=args, since=since, now=now,
    )  # fmt: skip
    if drill is not None and step not in CLEANUP:
        result = after_rehearsal(context, drill.value) or gives_way(context, drill.value) or BODIES[step](context)
    else:
        result = _body(context)
    if result.outcome is StepOutcome.STOPPED and not lock.value.was_moved_by(request):
        # Another host may drive the same operation and have moved the lock since we read it: that is no failure.
        newer = ports.locks.read(request.environment)
        if newer is not None and _is_running(newer.value, request) and newer.value.was_moved_by(request):
            result = _body(replace(context, lock=newer))
    _try_to_record(ports, request, step, result)
    _tell(ports, request, step, result)
    return result


def _body(context: StepContext) -> StepResult:
    moved, running = context.lock.value.was_moved_by(context.request), context.lock.value.operation
    if context.step in BEFORE_THE_MOVE and moved:
        return context.done("the lock has moved already")
    left_out = skip_of(running, context.step) if running is not None and moved else None
    if left_out is not None:
        note_skip(context.ports, context.lock.value, context.step)
        return context.skipped(f"skipped by {left_out.by}: {left_out.reason}")
    return BODIES[context.step](context)


def _cancelled(ports: Ports, running: OperationRequest, step: Step) -> StepResult:
    """End the operation before the step does anything: a cancellation is final."""
    result = stopped(cancelled_by(running))

    def left_out(operation: Operation) -> Operation:
        return step_ended(
            operation, step, status=StepStatus.SKIPPED, detail="the operation was cancelled", now=ports.clock.now()
        )

    _try_to_change(ports, running, step, left_out)
    log("step.cancelled", environment=running.environment, operation_id=running.id, step=step.id, detail=result.detail)
    return result


def _is_running(lock: EnvironmentLock, request: OperationRequest) -> bool:
    return lock.operation is not None and lock.operation.id == request.id


def _record_start(ports: Ports, request: OperationRequest, step: Step) -> None:
    if step is Step.FINISH_OPERATION:
        return
    ensure_record(ports, request)
    change_record(ports, request.id, lambda operation: step_started(operation, step, now=ports.clock.now()))


def _try_to_record(ports: Ports, request: OperationRequest, step: Step, result: StepResult) -> None:
    """Record how the step stands. The record is for people: losing it must not repeat or undo the effect."""
    if step is Step.FINISH_OPERATION:
        return
    status, start = STATUS_OF[result.outcome], result.data.get("start")

    def ended(operation: Operation) -> Operation:
        if step is Step.START_DR_CLUSTER and isinstance(start, str):
            operation = replace(operation, cluster_started_at=datetime.fromisoformat(start))
        return step_ended(operation, step, status=status, detail=result.detail, now=ports.clock.now())

    _try_to_change(ports, request, step, ended)


def _try_to_change(
    ports: Ports, request: OperationRequest, step: Step, change: Callable[[Operation], Operation]
) -> None:
    try:
        change_record(ports, request.id, change)
    except Unavailable as outage:
        warn("operation.record_delayed", operation_id=request.id, step=step.id, detail=str(outage))


def _tell(ports: Ports, request: OperationRequest, step: Step, result: StepResult) -> None:
    if result.outcome is StepOutcome.WAITING:
        return
    kind: OperationKind = request.kind
    log(
        f"step.{STATUS_OF[result.outcome].value}", environment=request.environment, operation_id=request.id,
        type=kind.value, step=step.id, runbook=step.runbook, detail=result.detail,
    )  # fmt: skip
    if step is Step.FINISH_OPERATION or result.outcome is StepOutcome.AGAIN:
        return
    tell(
        ports, request.environment, event_id=f"{request.id}/{step.id}", type=EventType.STEP_ENDED, subject=request.id,
        data={
            "operation": request.kind.value, "step": step.id, "runbook": step.runbook,
            "status": STATUS_OF[result.outcome].value, "detail": result.detail[:DETAIL_LENGTH],
        },
    )  # fmt: skip
