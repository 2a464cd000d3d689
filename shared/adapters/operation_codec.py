"""How an operation and its steps look as a table row, and where the row is."""

from typing import Final

from shared.adapters.codec import (
    Codec,
    DoesNotFit,
    Fields,
    Key,
    Properties,
    Property,
    instant_text,
    json_text,
    without_nones,
)  # fmt: skip
from shared.domain.faults import InvariantViolation
from shared.domain.operations import (
    Answer,
    Operation,
    OperationKind,
    OperationRequest,
    OperationStatus,
    Skip,
    Step,
    StepRecord,
    StepStatus,
)  # fmt: skip

_NEWEST_FIRST: Final = str.maketrans("0123456789", "9876543210")
_STEPS: Final = {step.id: step for step in Step}


def operation_key(operation_id: str) -> Key | None:
    """Return where an operation is, or None when the text cannot be the id of one.

    An id is environment, time and chance joined by dashes. In the key the time's digits are counted down from nine, so
    that the newest row of a partition comes first: Table Storage lists rows by key, upwards only.
    """
    parts = operation_id.rsplit("-", 2)
    if len(parts) != 3 or not all(parts):
        return None
    environment, time, chance = parts
    return Key(partition=environment, row=f"{time.translate(_NEWEST_FIRST)}-{chance}")


def key_of_operation(operation: Operation) -> Key:
    """Return where the operation belongs. Raises DoesNotFit when its id does not begin with its environment."""
    key = operation_key(operation.request.id)
    if key is None or key.partition != operation.request.environment:
        raise DoesNotFit(f"operation id {operation.request.id!r} is not one of {operation.request.environment}")
    return key


def encode_operation(operation: Operation) -> Properties:
    """Return the operation as a row."""
    return without_nones(
        {
            **encode_request(operation.request),
            "status": operation.status.value,
            "steps": json_text([_encode_step(step) for step in operation.steps]),
            "updated_at": instant_text(operation.updated_at),
            "ended_at": instant_text(operation.ended_at) if operation.ended_at else None,
            "outage_started_at": instant_text(operation.outage_started_at) if operation.outage_started_at else None,
            "failed_at": instant_text(operation.failed_at) if operation.failed_at else None,
            "cluster_started_at": instant_text(operation.cluster_started_at) if operation.cluster_started_at else None,
            "result": json_text(dict(operation.result)),
            "error": json_text(dict(operation.error)),
        }
    )


def decode_operation(key: Key, properties: Properties) -> Operation:
    """Return the operation a row holds."""
    row = Fields(f"operation {key.row} of {key.partition}", properties)
    return Operation(
        request=decode_request(row),
        status=row.member("status", OperationStatus),
        steps=tuple(_decode_step(step) for step in row.objects("steps")),
        updated_at=row.instant("updated_at"),
        ended_at=row.optional_instant("ended_at"),
        outage_started_at=row.optional_instant("outage_started_at"),
        failed_at=row.optional_instant("failed_at"),
        cluster_started_at=row.optional_instant("cluster_started_at"),
        result=row.mapping("result"),
        error=row.mapping("error"),
    )


def _encode_step(record: StepRecord) -> Properties:
    return without_nones(
        {
            "step": record.step.id,
            "status": record.status.value,
            "attempts": record.attempts,
            "started_at": instant_text(record.started_at) if record.started_at else None,
            "ended_at": instant_text(record.ended_at) if record.ended_at else None,
            "detail": record.detail,
        }
    )


def _decode_step(record: Fields) -> StepRecord:
    return StepRecord(
        step=_decode_step_id(record),
        status=record.member("status", StepStatus),
        attempts=record.number("attempts"),
        started_at=record.optional_instant("started_at"),
        ended_at=record.optional_instant("ended_at"),
        detail=record.optional_text("detail") or "",
    )


def _decode_step_id(record: Fields) -> Step:
    step = _STEPS.get(record.text("step"))
    if step is None:
        raise InvariantViolation(f"{record.what} names an unknown step: {record.text('step')!r}")
    return step


def encode_request(request: OperationRequest) -> Properties:
    """Return the request of an operation as a JSON object."""
    fields: dict[str, Property | None] = {
        "id": request.id,
        "kind": request.kind.value,
        "environment": request.environment,
        "requested_by": request.requested_by,
        "requested_at": instant_text(request.requested_at),
        "reason": request.reason,
        "draining": request.draining,
        "requester_id": request.requester_id,
        "forced": request.forced,
        "idempotency_key": request.idempotency_key,
        "request_digest": request.request_digest,
        "needs_approval": request.needs_approval,
        "approval": _answer_text(request.approval),
        "cancellation": _answer_text(request.cancellation),
        "retry_of": request.retry_of,
        "skips": json_text([{"step": skip.step.id, **_encode_answer(skip.answer)} for skip in request.skips]),
        "traceparent": request.traceparent,
    }
    return without_nones(fields)


def decode_request(request: Fields) -> OperationRequest:
    """Return the request an object holds."""
    return OperationRequest(
        id=request.text("id"),
        kind=request.member("kind", OperationKind),
        environment=request.text("environment"),
        requested_by=request.text("requested_by"),
        requested_at=request.instant("requested_at"),
        reason=request.optional_text("reason") or "",
        draining=request.flag("draining"),
        requester_id=request.optional_text("requester_id") or "",
        forced=request.flag("forced"),
        idempotency_key=request.optional_text("idempotency_key") or "",
        request_digest=request.optional_text("request_digest") or "",
        needs_approval=request.flag("needs_approval"),
        approval=_decode_answer(request, "approval"),
        cancellation=_decode_answer(request, "cancellation"),
        retry_of=request.optional_text("retry_of") or "",
        skips=tuple(Skip(step=_decode_step_id(skip), answer=_answer(skip)) for skip in request.objects("skips")),
        traceparent=request.optional_text("traceparent") or "",
    )


def _answer_text(answer: Answer | None) -> str | None:
    return json_text(_encode_answer(answer)) if answer else None


def _encode_answer(answer: Answer) -> dict[str, str]:
    return {"by": answer.by, "at": instant_text(answer.at), "reason": answer.reason}


def _decode_answer(request: Fields, name: str) -> Answer | None:
    values = request.mapping(name)
    return _answer(Fields(f"{request.what}, {name}", values)) if values else None


def _answer(fields: Fields) -> Answer:
    return Answer(by=fields.text("by"), at=fields.instant("at"), reason=fields.text("reason"))


OPERATION: Final = Codec(key=key_of_operation, encode=encode_operation, decode=decode_operation)
