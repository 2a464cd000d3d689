"""A request that changes something has a span, what it begins keeps its place in the trace, and the end is exported."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from functions import activities, request_trace
from shared.domain.faults import LockStoreUnavailable
from shared.domain.operations import Step
from shared.domain.traces import Span, SpanKind, operation_context, parse_traceparent
from shared.steps.request_codec import request_to_json
from shared.web.routes import ADMIN, READ
from tests.shell.calling import Shell, handlers, opened

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-00"
BODY = {"type": "failover", "reason": "region is gone"}


class Exported(list[Span]):
    """An exporter that keeps everything."""

    def export(self, spans: Sequence[Span]) -> None:
        """Keep the spans."""
        self.extend(spans)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = opened(World().with_failed_primary(), monkeypatch).signed_in("first", ADMIN)
    monkeypatch.setattr(activities, "ports", lambda: shell.world.ports)
    return shell


@pytest.fixture
def exported(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Exported:
    del shell
    spans = Exported()
    for module in (request_trace, activities):
        monkeypatch.setattr(module, "traces", lambda: spans)
    return spans


def test_an_operation_keeps_its_callers_place_although_nothing_is_exported(shell: Shell) -> None:
    answer = shell.post("begin_operation", BODY, environment="PRO", headers={"traceparent": CALLER})
    kept = shell.started[0].traceparent
    assert parse_traceparent(kept) == parse_traceparent(CALLER)
    assert answer.headers["traceparent"] == kept
    assert answer.body["trace_id"] == TRACE


def test_a_call_without_a_trace_begins_none_where_nothing_is_exported(shell: Shell) -> None:
    answer = shell.post("begin_operation", BODY, environment="PRO", headers={"traceparent": "garbage"})
    assert (answer.status, shell.started[0].traceparent) == (202, "")
    assert "traceparent" not in answer.headers
    assert answer.body["trace_id"] == operation_context(shell.started[0]).trace_id


def test_a_call_has_a_span_below_its_callers_and_the_operation_stands_below_the_call(
    shell: Shell, exported: Exported
) -> None:
    answer = shell.post("begin_operation", BODY, environment="PRO", headers={"traceparent": CALLER})
    (call,) = exported
    assert (call.kind, call.parent_id, call.context.trace_id) == (SpanKind.SERVER, "00f067aa0ba902b7", TRACE)
    assert call.name == "POST /api/v1/admin/environments/{environment}/operations"
    assert call.attributes["http.response.status_code"] == 202
    assert call.attributes["mazevault.request.id"] == answer.headers["x-request-id"]
    assert shell.started[0].traceparent == call.context.traceparent == answer.headers["traceparent"]


def test_a_call_without_a_trace_is_the_root_of_a_new_one(shell: Shell, exported: Exported) -> None:
    shell.post("begin_operation", BODY, environment="PRO")
    (call,) = exported
    assert call.parent_id is None
    assert parse_traceparent(shell.started[0].traceparent) == call.context


def test_a_refused_call_has_a_span_too(shell: Shell, exported: Exported) -> None:
    answer = shell.signed_in("reader", READ).post("begin_operation", BODY, environment="PRO")
    (call,) = exported
    assert (answer.status, call.attributes["http.response.status_code"], call.error) == (403, 403, "")


@pytest.mark.parametrize("function", ["gateway_health", "heartbeat"])
def test_a_call_of_a_wrong_method_and_a_heartbeat_have_none(shell: Shell, exported: Exported, function: str) -> None:
    shell.post(function, {}, gateway_id="gw-pro-primary")
    assert exported == []


def finish(shell: Shell) -> None:
    """Run the activity that ends the operation which was begun, once more."""
    activity = handlers()[f"step_{Step.FINISH_OPERATION.id}"]
    activity({"request": request_to_json(shell.started[0]), "args": {}})


def test_the_end_of_an_operation_exports_its_trace_and_so_does_the_step_when_it_is_repeated(
    shell: Shell, exported: Exported
) -> None:
    shell.post("begin_operation", BODY, environment="PRO", headers={"traceparent": CALLER})
    run_operation(shell.world.ports, shell.started[0], sleep=shell.world.pass_time)
    call = exported.pop()
    finish(shell)
    whole, *steps = exported
    assert (whole.name, whole.parent_id) == ("failover", call.context.span_id)
    assert [span.name for span in steps] == [
        one.step.id for one in shell.world.ports.operations.list("PRO", limit=1)[0].steps
    ]
    assert {span.context.trace_id for span in exported} == {TRACE}
    first = tuple(exported)
    exported.clear()
    finish(shell)
    assert tuple(exported) == first


def test_an_operation_that_runs_on_and_a_store_that_does_not_answer_export_nothing(
    shell: Shell, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.post("begin_operation", BODY, environment="PRO")
    exported.clear()
    run_operation(shell.world.ports, shell.started[0], sleep=shell.world.pass_time)

    def away(*_: object) -> None:
        raise LockStoreUnavailable("Table Storage does not answer")

    monkeypatch.setattr(activities, "find_operation", away)
    finish(shell)
    monkeypatch.setattr(activities, "find_operation", lambda *_: SimpleNamespace(is_over=False))
    finish(shell)
    assert exported == []
