"""Reports and histories as JSON: lengths in seconds to the millisecond, and a reason for everything that is null."""

from shared.domain.audit import AuditEntry
from shared.domain.operations import Operation
from shared.domain.recovery import StepTime, recovery_of, seconds, target_of
from shared.domain.recovery_history import LEAST_COMPARED, History, Trend
from shared.domain.refusals import JsonValue
from shared.domain.reports import HandedBack, Held, Report
from shared.web.evidence import cloud_event
from shared.web.responses import Document, timestamp


def report_document(report: Report) -> Document:
    """Return the report of an operation.

    The phases of `recovery_time` add up to its total, and the shares of the steps with `between_steps_seconds` to
    `execute_seconds`, to the millisecond.
    """
    operation, request = report.operation, report.operation.request
    return {
        "operation": {
            "id": request.id,
            "type": request.kind.value,
            "environment": request.environment,
            "status": operation.status.value,
            "requested_by": request.requested_by,
            "reason": request.reason,
            "error": dict(operation.error) or None,
        },
        "as_of": timestamp(report.as_of),
        "outage_started_at": timestamp(operation.outage_started_at),
        "failed_at": timestamp(operation.failed_at),
        "requested_at": timestamp(request.requested_at),
        "ended_at": timestamp(operation.ended_at),
        "recovery_time": report.recovery.to_json(target_s=report.target_s),
        "steps": [_step(step) for step in report.execution.steps],
        "between_steps_seconds": seconds(report.execution.between_ms),
        "lock": {"before": _held(report.before), "after": _held(report.after)},
        "tasks": _tasks(report.handed_back),
        "audit": [_entry(entry) for entry in report.entries],
        "events": [cloud_event(event) for event in report.events],
        "unknown": [{"pointer": pointer, "reason": reason} for pointer, reason in report.unknown.items()],
    }


def history_document(history: History) -> Document:
    """Return ended operations, newest first, and per kind the newest ones against those before them."""
    return {
        "value": [_row(operation, history.target_s) for operation in history.operations],
        "trends": [_trend(trend) for trend in history.trends],
        "looked_through": history.looked_through,
    }


def _step(step: StepTime) -> Document:
    record = step.record
    return {
        "id": record.step.id,
        "runbook": record.step.runbook,
        "status": record.status.value,
        "attempts": record.attempts,
        "started_at": timestamp(record.started_at),
        "ended_at": timestamp(record.ended_at),
        "duration_seconds": seconds(step.duration_ms),
        "share_seconds": seconds(step.share_ms),
        "detail": record.detail,
    }


def _held(held: Held | None) -> JsonValue:
    return {"holder": held.holder, "fencing_token": held.token} if held else None


def _tasks(handed_back: HandedBack | None) -> JsonValue:
    if handed_back is None:
        return None
    return {"requeued": handed_back.requeued, "in_doubt": handed_back.in_doubt, "failed": handed_back.failed}


def _entry(entry: AuditEntry) -> Document:
    """Return who did what and why; the whole entry is for those who may read the audit."""
    return {
        "sequence": entry.sequence,
        "at": timestamp(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "reason": entry.reason,
    }


def _row(operation: Operation, target_s: float) -> Document:
    request = operation.request
    return {
        "id": request.id,
        "type": request.kind.value,
        "status": operation.status.value,
        "requested_by": request.requested_by,
        "requested_at": timestamp(request.requested_at),
        "ended_at": timestamp(operation.ended_at),
        **recovery_of(operation).to_json(target_s=target_of(operation, otherwise_s=target_s)),
    }


def _trend(trend: Trend) -> Document:
    reason = None
    if trend.direction is None:
        reason = f"needs {2 * LEAST_COMPARED} succeeded operations with known times, there are {trend.counted}"
    return {
        "type": trend.kind.value,
        "direction": trend.direction,
        "compared": trend.compared,
        "newest_median_seconds": seconds(trend.newest_ms),
        "before_median_seconds": seconds(trend.before_ms),
        "change_percent": round(trend.change * 100, 1) if trend.change is not None else None,
        "reason": reason,
    }
