"""A collector of traces on loopback: takes OTLP over HTTP as protobuf, and keeps the spans."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.http_server import QuietHandler, serving


@dataclass(slots=True)
class Collector:
    """A running collector. `spans` are in the order in which they came; `services` the names of who sent them."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of one trace."""
        return [span for span in tuple(self.spans) if span.trace_id.hex() == trace_id]

    def wait_for(self, found: Callable[[], bool], *, within_s: float) -> bool:
        """Return whether it came true in time."""
        ends_at_s = time.monotonic() + within_s
        while not found() and time.monotonic() < ends_at_s:
            time.sleep(0.05)
        return found()

    def take(self, body: bytes) -> None:
        """Keep what one request brings."""
        request = ExportTraceServiceRequest.FromString(body)
        for resource_spans in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource_spans.resource.attributes}
            self.services.add(named["service.name"])
            for scope_spans in resource_spans.scope_spans:
                self.spans += scope_spans.spans


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector until this is left."""
    collector = Collector()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            known = self.path == "/v1/traces"
            if known:
                collector.take(body)
            self.send_response(200 if known else 404)
            self.send_header("content-length", "0")
            self.end_headers()

    with serving(Handler) as port:
        collector.url = f"http://127.0.0.1:{port}"
        yield collector


def attributes(span: Span) -> dict[str, str | int | bool]:
    """Return a span's attributes."""
    values: dict[str, str | int | bool] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        values[one.key] = getattr(one.value, kind) if kind else ""
    return values
