"""The trace of a request that changes something: its own span, and the context that an operation begun by it keeps.

Reads, heartbeats and claims are not traced: they are many and begin nothing (ADR 0028).
"""

from dataclasses import dataclass, replace
from datetime import datetime

import azure.functions as func

from shared.domain.traces import Span, SpanContext, SpanKind, call_context, parse_traceparent
from shared.web.routes import ALERTS, Route
from shared.wiring import ports, traces

ADMIN_PATHS = "v1/admin/"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTrace:
    """One request under way. `context` is its span's when traces are exported, else the caller's, if any.

    A request that is not traced has neither.
    """

    method: str
    path: str
    request_id: str
    started_at: datetime
    caller: SpanContext | None = None
    context: SpanContext | None = None

    @property
    def traceparent(self) -> str:
        """What an operation begun by this request keeps; empty when it belongs to no trace."""
        return self.context.traceparent if self.context else ""

    def end(self, status: int) -> None:
        """Export the request's span, if traces are exported."""
        export = traces()
        if export is None or self.context is None:
            return
        span = Span(
            context=self.context,
            parent_id=self.caller.span_id if self.caller else None,
            name=f"{self.method} {self.path}",
            kind=SpanKind.SERVER,
            started_at=self.started_at,
            ended_at=ports().clock.now(),
            attributes={
                "http.request.method": self.method,
                "http.route": self.path,
                "http.response.status_code": status,
                "mazevault.request.id": self.request_id,
            },
            error=f"HTTP {status}" if status >= 500 else "",
        )
        export.export([span])


def begin_trace(request: func.HttpRequest, route: Route, *, request_id: str) -> RequestTrace:
    """Return the trace of a request that has just come in."""
    method = request.method.upper()
    trace = RequestTrace(
        method=method, path=f"/api/{route.path}", request_id=request_id, started_at=ports().clock.now()
    )  # fmt: skip
    changes = method in route.methods and method not in ("GET", "HEAD")
    if not changes or not (route.path.startswith(ADMIN_PATHS) or route is ALERTS):
        return trace
    caller = parse_traceparent(request.headers.get("traceparent"))
    context = caller if traces() is None else call_context(caller, unique=ports().ids.unique())
    return replace(trace, caller=caller, context=context)
