"""Spans reach a real OTLP receiver and Azure Monitor's ingestion; a receiver that hangs holds up nobody."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.trace_export import open_traces
from shared.domain.traces import Span, SpanContext, SpanKind, TraceExporter
from tests.http_server import QuietHandler, serving
from tests.otlp_collector import attributes, collecting

AT = datetime(2026, 11, 23, 20, 15, 0, 123457, tzinfo=UTC)
SPAN = Span(
    context=SpanContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7"),
    parent_id="b7ad6b7169203331", name="activate_dr", kind=SpanKind.INTERNAL, started_at=AT,
    ended_at=AT + timedelta(seconds=2), attributes={"mazevault.step.attempts": 3}, error="it failed",
)  # fmt: skip
CALL = Span(
    context=SpanContext(trace_id=SPAN.context.trace_id, span_id="b7ad6b7169203331"), parent_id=None, name="POST /x",
    kind=SpanKind.SERVER, started_at=AT, ended_at=AT + timedelta(seconds=9), attributes={"ok": True},
)  # fmt: skip


def test_no_exporter_is_asked_for_and_none_is_opened() -> None:
    assert open_traces(TraceExporter.NONE) is None


def test_spans_arrive_over_otlp_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        export = open_traces(TraceExporter.OTLP)
        assert export is not None
        export.export([SPAN, CALL])
        export.close()
        assert collector.services == {"mazevault-gateway-dr"}
        step, call = collector.spans
    assert (step.trace_id.hex(), step.span_id.hex()) == (SPAN.context.trace_id, SPAN.context.span_id)
    assert (step.parent_span_id, call.parent_span_id) == (call.span_id, b"")
    assert (step.name, attributes(step), attributes(call)) == (
        "activate_dr", {"mazevault.step.attempts": 3}, {"ok": True},
    )  # fmt: skip
    assert (step.start_time_unix_nano, step.end_time_unix_nano) == (1795464900123457000, 1795464902123457000)
    assert (step.kind, call.kind) == (step.SPAN_KIND_INTERNAL, call.SPAN_KIND_SERVER)
    assert (step.status.code, step.status.message, call.status.code) == (2, "it failed", 0)


def test_a_collector_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setattr("shared.adapters.trace_export.ATTEMPT_S", 0.5)
        export = open_traces(TraceExporter.OTLP)
        assert export is not None
        began_s = time.monotonic()
        for _ in range(5000):  # more than the queue holds
            export.export([SPAN])
        assert time.monotonic() - began_s < 2.0
        export.close()


@pytest.fixture
def ingestion() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Azure Monitor's ingestion endpoint as far as an exporter sees it: its URL, and what was sent."""
    sent: list[dict[str, object]] = []

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            items = json.loads(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            sent.extend(items)
            answer = json.dumps({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}", sent


def test_spans_arrive_in_azure_monitor(
    ingestion: tuple[str, list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, sent = ingestion
    key = "00000000-0000-4000-8000-000000000009"
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", f"InstrumentationKey={key};IngestionEndpoint={url}/")
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    export = open_traces(TraceExporter.AZURE)
    assert export is not None
    export.export([SPAN, CALL])
    export.close()
    kinds = {str(item["name"]).rsplit(".", 1)[-1]: item for item in sent}
    assert kinds.keys() == {"RemoteDependency", "Request"}, sent
    tags = kinds["RemoteDependency"]["tags"]
    assert isinstance(tags, dict)
    assert tags["ai.operation.id"] == SPAN.context.trace_id
    assert tags["ai.operation.parentId"] == CALL.context.span_id


def test_an_exporter_without_its_settings_is_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("APPLICATIONINSIGHTS_CONNECTION_STRING", raising=False)
    with caplog.at_level(logging.ERROR, "mazevault.dr"):
        assert open_traces(TraceExporter.AZURE) is None
    assert "traces.not_exported" in caplog.text
