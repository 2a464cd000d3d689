"""A failover's trace, from the call to its last step, as a collector gets it from the running control plane."""

from typing import Any

import pytest

from tests.e2e.environment import LabEnvironment
from tests.e2e.running_lab import expect
from tests.otlp_collector import Collector, attributes

pytestmark = pytest.mark.timeout(180)

ARRIVES_WITHIN_S = 10.0


def operation_of(npr: LabEnvironment, kind: str) -> dict[str, Any]:
    """Return an operation of this kind that has succeeded; the tests before this one have carried some out."""
    found = npr.lab.get("admin/operations?environment=NPR&limit=50")["value"]
    succeeded = [one for one in found if one["type"] == kind and one["status"] == "succeeded"]
    if not succeeded:
        npr.with_failed_primary()
        return dict(npr.ended(npr.activate_dr().headers["operation-id"]))
    return dict(succeeded[0])


def test_a_failover_is_one_trace_from_the_call_through_every_step(npr: LabEnvironment, collector: Collector) -> None:
    operation = operation_of(npr, "failover")
    steps = [one["id"] for one in operation["steps"]]

    def complete() -> bool:
        return len(collector.trace(operation["trace_id"])) >= len(steps) + 2

    assert collector.wait_for(complete, within_s=ARRIVES_WITHIN_S), collector.trace(operation["trace_id"])
    spans = {span.name: span for span in collector.trace(operation["trace_id"])}
    (call,) = [span for span in spans.values() if span.kind == span.SPAN_KIND_SERVER]
    whole = spans["failover"]
    assert spans.keys() == {call.name, "failover", *steps}
    assert (call.parent_span_id, whole.parent_span_id) == (b"", call.span_id)
    assert {spans[step].parent_span_id for step in steps} == {whole.span_id}
    assert attributes(whole)["mazevault.operation.id"] == operation["id"]
    assert attributes(whole)["mazevault.fencing_token"] == operation["result"]["fencing_token"]
    began = [spans[step].start_time_unix_nano for step in steps]
    assert began == sorted(began)
    assert call.start_time_unix_nano <= whole.start_time_unix_nano <= began[0]
    assert max(spans[step].end_time_unix_nano for step in steps) <= whole.end_time_unix_nano
    assert collector.services == {"mazevault-gateway-dr"}


def test_a_call_belongs_to_its_callers_trace(npr: LabEnvironment, collector: Collector) -> None:
    trace_id, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    answer = npr.lab.ask(
        "POST",
        "v1/admin/environments/NPR/operations?dry_run=true",
        json={"type": "failover", "reason": "look"},
        headers={"traceparent": f"00-{trace_id}-{caller}-01"},
    )
    expect(answer, 200)
    assert collector.wait_for(lambda: bool(collector.trace(trace_id)), within_s=ARRIVES_WITHIN_S)
    (span,) = collector.trace(trace_id)
    assert span.parent_span_id.hex() == caller
    assert answer.headers["traceparent"] == f"00-{trace_id}-{span.span_id.hex()}-01"


def test_what_begins_nothing_is_not_traced(npr: LabEnvironment, collector: Collector) -> None:
    npr.lab.get("admin/gateway-health")
    reads = [span.name for span in tuple(collector.spans) if span.name.startswith("GET") or "heartbeat" in span.name]
    assert (reads, bool(collector.spans)) == ([], True)
