"""Traces: an operation's record told as spans, with ids that follow from the operation.

The same record gives the same spans, whoever renders it and however often, so a trace survives the death of any host
(ADR 0028). Ids and their text form: W3C Trace Context, section 3.2.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from shared.domain.operations import Operation, OperationRequest, OperationStatus, StepRecord, StepStatus

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_LONGEST: Final = 256


class TraceExporter(Enum):
    """Where traces go: one place, so that no span is counted twice."""

    NONE = "none"
    OTLP = "otlp"
    AZURE = "azure"


class SpanKind(Enum):
    """Whether a span is a call that came in, or work of our own."""

    SERVER = "server"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanContext:
    """Where a span stands: lowercase hexadecimal ids of its trace (32 digits) and of itself (16)."""

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """The context as the header of that name, always marked as sampled."""
        return f"00-{self.trace_id}-{self.span_id}-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One stretch of time in a trace. `error` is empty unless it failed."""

    context: SpanContext
    parent_id: str | None
    name: str
    kind: SpanKind
    started_at: datetime
    ended_at: datetime
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    error: str = ""


def parse_traceparent(text: str | None) -> SpanContext | None:
    """Return the context that a `traceparent` header names; None for none and for one that is not valid."""
    found = _TRACEPARENT.fullmatch(text) if text and len(text) <= _LONGEST else None
    return SpanContext(trace_id=found[1], span_id=found[2]) if found else None


def call_context(caller: SpanContext | None, *, unique: str) -> SpanContext:
    """Return where the span of a call that came in stands: in its caller's trace, or at the root of a new one.

    Args:
        unique: What no other call has.
    """
    return SpanContext(
        trace_id=caller.trace_id if caller else _id("trace", unique, digits=32), span_id=_id("call", unique, digits=16)
    )


def operation_context(request: OperationRequest) -> SpanContext:
    """Return where the span of an operation stands: in the trace of the call it began with, or in one of its own."""
    caller = parse_traceparent(request.traceparent)
    return SpanContext(
        trace_id=caller.trace_id if caller else _id("trace", request.id, digits=32),
        span_id=_id("operation", request.id, digits=16),
    )


def spans_of(operation: Operation) -> tuple[Span, ...]:
    """Return the spans of an operation that has ended: its own first, then one for each step that was tried."""
    request, context = operation.request, operation_context(operation.request)
    caller = parse_traceparent(request.traceparent)
    ended_at = operation.ended_at or operation.updated_at
    whole = Span(
        context=context,
        parent_id=caller.span_id if caller else None,
        name=request.kind.value,
        kind=SpanKind.INTERNAL,
        started_at=request.requested_at,
        ended_at=max(ended_at, request.requested_at),
        attributes=_attributes(operation),
        error="" if operation.status is OperationStatus.SUCCEEDED else _error(operation),
    )
    return (whole, *(_step(operation, record, ended_at) for record in operation.steps if record.started_at))


def _step(operation: Operation, record: StepRecord, operation_ended_at: datetime) -> Span:
    context, request = operation_context(operation.request), operation.request
    started_at = record.started_at or operation_ended_at
    return Span(
        context=SpanContext(trace_id=context.trace_id, span_id=_id("step", request.id, record.step.id, digits=16)),
        parent_id=context.span_id,
        name=record.step.id,
        kind=SpanKind.INTERNAL,
        started_at=started_at,
        # Two hosts may have written the two instants, each by its own clock.
        ended_at=max(record.ended_at or operation_ended_at, started_at),
        attributes={
            "mazevault.environment": request.environment,
            "mazevault.operation.id": request.id,
            "mazevault.runbook": record.step.runbook,
            "mazevault.step.status": record.status.value,
            "mazevault.step.attempts": record.attempts,
            "mazevault.step.detail": record.detail,
        },
        error=record.detail or record.status.value if record.status is StepStatus.FAILED else "",
    )


def _attributes(operation: Operation) -> dict[str, str | int | bool]:
    request, token = operation.request, operation.result.get("fencing_token")
    return {
        "mazevault.environment": request.environment,
        "mazevault.operation.id": request.id,
        "mazevault.operation.status": operation.status.value,
        "mazevault.operation.forced": request.forced,
        **({"mazevault.fencing_token": str(token)} if token else {}),
        **({"mazevault.error.code": str(operation.error["code"])} if operation.error.get("code") else {}),
    }


def _error(operation: Operation) -> str:
    return str(operation.error.get("message") or operation.status.value)


def _id(*what: str, digits: int) -> str:
    return hashlib.sha256("\n".join(what).encode()).hexdigest()[:digits]
