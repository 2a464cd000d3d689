"""Spans of an operation: one trace, the same whoever renders it, and the caller's where there is a caller."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.operations import (
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepStatus,
    begin,
    finished,
    step_ended,
    step_started,
)
from shared.domain.traces import SpanContext, operation_context, parse_traceparent, spans_of
from tests.unit.builders import T0, request

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = f"00-{TRACE}-{SPAN}-01"


def ended(*, traceparent: str = CALLER, status: OperationStatus = OperationStatus.SUCCEEDED) -> Operation:
    """Return a failover that took 10 s, two steps of it tried; the second one failed unless it succeeded."""
    asked = replace(request(OperationKind.FAILOVER), traceparent=traceparent)
    start, failed = asked.requested_at, status is not OperationStatus.SUCCEEDED
    operation = begin(asked)
    for place, step in enumerate((Step.VERIFY_PRIMARY_DOWN, Step.START_DR_CLUSTER)):
        operation = step_started(operation, step, now=start + timedelta(seconds=1 + 4 * place))
        outcome = StepStatus.FAILED if failed and place else StepStatus.SUCCEEDED
        operation = step_ended(
            operation, step, status=outcome, detail=f"step {place}", now=start + timedelta(seconds=4 + 4 * place)
        )
    error = {"code": "StepTimeout", "message": "Step took too long"} if failed else {}
    result = {} if failed else {"fencing_token": "17"}
    return finished(operation, status=status, result=result, error=error, now=start + timedelta(seconds=10))


@pytest.mark.parametrize("text", [CALLER, CALLER[:-2] + "00", f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"])
def test_a_valid_traceparent_is_taken_whatever_its_flags(text: str) -> None:
    assert parse_traceparent(text) == SpanContext(trace_id=TRACE, span_id=SPAN)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f" {CALLER}",
        f"{CALLER}\n",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 300}",
    ],
)
def test_what_is_no_traceparent_is_none(text: str | None) -> None:
    assert parse_traceparent(text) is None


def test_an_operation_and_its_steps_are_one_trace_below_its_caller() -> None:
    whole, *steps = spans_of(ended())
    assert {span.context.trace_id for span in (whole, *steps)} == {TRACE}
    assert whole.parent_id == SPAN
    assert [(span.name, span.parent_id) for span in steps] == [
        ("verify_primary_down", whole.context.span_id),
        ("start_dr_cluster", whole.context.span_id),
    ]
    assert len({SPAN, whole.context.span_id, *(span.context.span_id for span in steps)}) == 4
    assert (whole.started_at, whole.ended_at) == (T0, T0 + timedelta(seconds=10))
    assert (steps[1].started_at, steps[1].ended_at) == (T0 + timedelta(seconds=5), T0 + timedelta(seconds=8))
    assert whole.attributes["mazevault.fencing_token"] == "17"
    assert not any(span.error for span in (whole, *steps))


def test_the_same_record_gives_the_same_spans_and_another_operation_others() -> None:
    operation = ended(traceparent="")
    assert spans_of(operation) == spans_of(operation)
    other = replace(operation, request=replace(operation.request, id="PRO-20261123T120000000Z-ffffff"))
    ids = {span.context.span_id for span in spans_of(operation)}
    assert not ids & {span.context.span_id for span in spans_of(other)}
    assert operation_context(operation.request).trace_id != operation_context(other.request).trace_id


def test_an_operation_without_a_caller_is_the_root_of_a_trace_of_its_own() -> None:
    whole, *steps = spans_of(ended(traceparent="not one"))
    assert whole.parent_id is None
    assert parse_traceparent(whole.context.traceparent) == whole.context
    assert {span.context.trace_id for span in steps} == {whole.context.trace_id}


@pytest.mark.parametrize("status", [OperationStatus.FAILED, OperationStatus.CANCELLED])
def test_what_failed_says_so(status: OperationStatus) -> None:
    whole, first, second = spans_of(ended(status=status))
    assert (whole.error, first.error, second.error) == ("Step took too long", "", "step 1")
    assert whole.attributes["mazevault.error.code"] == "StepTimeout"


def test_no_span_ends_before_it_starts_although_two_clocks_wrote_it() -> None:
    operation = ended()
    early = T0 - timedelta(minutes=10)
    steps = tuple(replace(one, ended_at=early) for one in operation.steps)
    spans = spans_of(replace(operation, steps=steps, ended_at=early))
    assert len(spans) == 3
    assert all(span.ended_at == span.started_at for span in spans)
