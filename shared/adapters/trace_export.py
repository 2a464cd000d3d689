"""Sends spans to one exporter, in the background: a collector that hangs or refuses them holds up nothing.

Durable brings the OpenTelemetry SDK; it and the exporter are imported when traces are wanted, not before.
"""

import atexit
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.domain.traces import Span, SpanKind, TraceExporter
from shared.telemetry import fault

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

SERVICE: Final = "mazevault-gateway-dr"
SENT_AFTER_S: Final = 1.0
ATTEMPT_S: Final = 10.0
"""How long an export may take (OTLP specification, "Protocol details": the default); the queue drops what is beyond."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TraceExport:
    """Spans on their way to one exporter. Safe for use by several threads."""

    def __init__(self, exporter: "SpanExporter") -> None:
        """Start the thread that sends. `exporter` is asked from that thread only."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._resource = Resource.create({"service.name": SERVICE})
        self._batches = BatchSpanProcessor(exporter, schedule_delay_millis=SENT_AFTER_S * 1000)

    def export(self, spans: Sequence[Span]) -> None:
        """Hand the spans over and return at once; what cannot be sent is lost, and logged by OpenTelemetry."""
        for span in spans:
            self._batches.on_end(self._readable(span))

    def close(self) -> None:
        """Send what is waiting, within the bound of one attempt, and end the thread."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> "ReadableSpan":
        from opentelemetry import trace
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        def context(span_id: str) -> trace.SpanContext:
            return trace.SpanContext(
                trace_id=int(span.context.trace_id, 16), span_id=int(span_id, 16), is_remote=False,
                trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
            )  # fmt: skip

        return ReadableSpan(
            name=span.name,
            context=context(span.context.span_id),
            parent=context(span.parent_id) if span.parent_id else None,
            kind={SpanKind.SERVER: trace.SpanKind.SERVER, SpanKind.INTERNAL: trace.SpanKind.INTERNAL}[span.kind],
            resource=self._resource,
            instrumentation_scope=InstrumentationScope(SERVICE),
            attributes=dict(span.attributes),
            start_time=_unix_ns(span.started_at),
            end_time=_unix_ns(span.ended_at),
            status=trace.Status(trace.StatusCode.ERROR, span.error) if span.error else trace.Status(),
        )


def open_traces(chosen: TraceExporter) -> TraceExport | None:
    """Return the way to the exporter that the settings choose; None when they choose none.

    An exporter whose own settings are missing or wrong is logged and left out: failovers go on without traces.
    `otlp` reads the standard variables OTEL_EXPORTER_OTLP_* (OpenTelemetry, "OTLP exporter configuration") and speaks
    protobuf over HTTP; `azure` reads APPLICATIONINSIGHTS_CONNECTION_STRING.
    """
    if chosen is TraceExporter.NONE:
        return None
    try:
        export = TraceExport(_otlp() if chosen is TraceExporter.OTLP else _azure())
    except ValueError as failure:
        fault("traces.not_exported", failure, exporter=chosen.value)
        return None
    atexit.register(export.close)
    return export


def _otlp() -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(timeout=ATTEMPT_S)


def _azure() -> "SpanExporter":
    from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

    return AzureMonitorTraceExporter(disable_offline_storage=True)


def _unix_ns(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
