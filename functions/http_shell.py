"""The shell around every HTTP handler: request id, method, token and role, the call, and every fault as a problem."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import urlsplit

import azure.functions as func

from functions.request_trace import RequestTrace, begin_trace
from shared.domain.faults import ControlPlaneFault
from shared.domain.gateways import Identity
from shared.domain.operations import Operation
from shared.domain.refusals import JsonValue, Refused
from shared.domain.tasks import TaskRefusal
from shared.ports import Ports
from shared.telemetry import fault, warn
from shared.web.auth import Principal, authenticate, require
from shared.web.etags import is_known, weak_etag
from shared.web.problems import Problem, failed_operation, method_not_allowed, problem_for
from shared.web.requests import Body, parse_body, parse_id
from shared.web.routes import Route
from shared.wiring import ports, settings, signing_keys, token_rules

B = TypeVar("B", bound=Body)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Text:
    """A document that is not JSON."""

    media_type: str
    content: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer: status, document, extra headers."""

    status: int
    document: JsonValue | Text
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorized request."""

    request: func.HttpRequest
    request_id: str
    principal: Principal | None  # None: the route is open
    ports: Ports
    traceparent: str = ""  # for what this request begins; empty: it belongs to no trace

    @property
    def actor(self) -> str:
        """Who calls, for the audit: a name to read, and the id that is unique and stays."""
        return f"{self.principal.name} ({self.principal.object_id})" if self.principal else "anonymous"

    @property
    def identity(self) -> Identity:
        """The identity a gateway is bound to; for routes that name a role."""
        assert self.principal is not None
        return Identity(tenant_id=self.principal.tenant_id, object_id=self.principal.object_id)

    @property
    def actor_id(self) -> str:
        """The caller's object id, which stays when the name changes; empty on an open route."""
        return self.principal.object_id if self.principal else ""

    def path(self, name: str) -> str:
        """Return a value of the path. Raises MalformedRequest when it cannot be an id."""
        return parse_id(name, str(self.request.route_params[name]))

    @property
    def query(self) -> Mapping[str, str]:
        """The query's values."""
        return dict(self.request.params)

    def body(self, model: type[B]) -> B:
        """Return the body as `model`. Raises MalformedRequest with every fault."""
        return parse_body(model, self.request.get_body(), content_type=self.request.headers.get("content-type"))

    def absolute(self, path: str) -> str:
        """Return the absolute URL of a path below /api, for headers that need one."""
        origin = settings().public_url or "/".join(self.request.url.split("/", 3)[:3])
        return f"{origin.rstrip('/')}/api/{path}"

    def unless_known(
        self, document: JsonValue, headers: Mapping[str, str] | None = None, *, passing: frozenset[str] = frozenset()
    ) -> "Rendered":
        """Return 200 with the document and its ETag, or 304 when the caller has this version (If-None-Match).

        `passing` names the members that change by time alone and make no new version.
        """
        etag = weak_etag(document, without=passing)
        versioned = {**(headers or {}), "ETag": etag, "Cache-Control": "private, no-cache"}
        if is_known(etag, self.request.headers.get("if-none-match")):
            return Rendered(304, None, versioned)
        return Rendered(200, document, versioned)

    def refused(self, refusal: Refused | TaskRefusal, *, environment: str | None = None) -> Rendered:
        """Return the 409 of a refusal."""
        return _problem(self.problem(refusal, environment=environment))

    def problem(self, failure: Refused | TaskRefusal | BaseException, *, environment: str | None = None) -> Problem:
        """Return the problem document of a refusal or a fault."""
        return problem_for(failure, instance=_path(self.request), request_id=self.request_id, environment=environment)

    def operation_failed(self, operation: Operation, headers: Mapping[str, str]) -> Rendered:
        """Return the answer to a caller who waited for an operation that failed."""
        problem = failed_operation(operation, instance=_path(self.request), request_id=self.request_id)
        return _problem(problem, headers)


Handler = Callable[[Call], Rendered]
AsyncHandler = Callable[[Call], Awaitable[Rendered]]


def respond(request: func.HttpRequest, route: Route, handlers: Mapping[str, Handler]) -> func.HttpResponse:
    """Answer a request of this route; HEAD is answered as GET without a body."""
    request_id = _request_id(request)
    trace = begin_trace(request, route, request_id=request_id)
    try:
        call = _admit(request, route, trace)
        rendered = call if isinstance(call, Rendered) else handlers[_method(request)](call)
    except Exception as failure:
        rendered = _failed(failure, request, request_id)
    return _response(request, rendered, trace)


async def respond_async(
    request: func.HttpRequest, route: Route, handlers: Mapping[str, AsyncHandler]
) -> func.HttpResponse:
    """Answer a request whose handler awaits the orchestration client; anything that blocks runs in a thread."""
    request_id = _request_id(request)
    trace = begin_trace(request, route, request_id=request_id)
    try:
        call = await asyncio.to_thread(_admit, request, route, trace)
        rendered = call if isinstance(call, Rendered) else await handlers[_method(request)](call)
    except Exception as failure:
        rendered = _failed(failure, request, request_id)
    return _response(request, rendered, trace)


def _admit(request: func.HttpRequest, route: Route, trace: RequestTrace) -> Call | Rendered:
    roles = route.methods.get(request.method.upper())
    if roles is None:
        return _problem(method_not_allowed(tuple(route.methods), instance=_path(request), request_id=trace.request_id))
    principal = None
    if roles:
        keys, rules = signing_keys(), token_rules()
        now = ports().clock.now()
        principal = authenticate(request.headers.get("authorization"), keys=keys, expected=rules, now=now)
        require(principal, *sorted(roles))
    return Call(
        request=request, request_id=trace.request_id, principal=principal, ports=ports(),
        traceparent=trace.traceparent,
    )  # fmt: skip


def _failed(failure: Exception, request: func.HttpRequest, request_id: str) -> Rendered:
    problem = problem_for(failure, instance=_path(request), request_id=request_id, environment=None)
    if problem.status >= 500 and not isinstance(failure, ControlPlaneFault):
        fault("request.failed", failure, path=_path(request), request_id=request_id)
    elif problem.status >= 500 or problem.status in (401, 403):
        reason = getattr(failure, "reason", str(failure))
        warn("request.refused", path=_path(request), status=problem.status, reason=reason, request_id=request_id)
    return _problem(problem)


def _problem(problem: Problem, headers: Mapping[str, str] | None = None) -> Rendered:
    return Rendered(problem.status, dict(problem.body), {**problem.headers, **(headers or {})})


def _response(request: func.HttpRequest, rendered: Rendered, trace: RequestTrace) -> func.HttpResponse:
    trace.end(rendered.status)
    problem = rendered.status >= 400
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "x-request-id": trace.request_id,
        **({"traceparent": trace.traceparent} if trace.traceparent else {}),
        **rendered.headers,
    }
    if isinstance(rendered.document, Text):
        mimetype, content = rendered.document.media_type, rendered.document.content
    else:
        mimetype = "application/problem+json" if problem else "application/json"
        content = json.dumps(rendered.document)
    body = b"" if request.method.upper() == "HEAD" or rendered.status == 304 else content.encode()
    return func.HttpResponse(body, status_code=rendered.status, headers=headers, mimetype=mimetype)


def _method(request: func.HttpRequest) -> str:
    method = request.method.upper()
    return "GET" if method == "HEAD" else method


def _path(request: func.HttpRequest) -> str:
    return urlsplit(str(request.url)).path


def _request_id(request: func.HttpRequest) -> str:
    given = request.headers.get("x-request-id") or request.headers.get("x-ms-client-request-id") or ""
    return given if _REQUEST_ID.fullmatch(given) else ports().ids.unique()
