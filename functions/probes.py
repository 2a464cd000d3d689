"""Liveness and readiness."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.faults import Unavailable
from shared.domain.refusals import JsonValue
from shared.web.routes import LIVE, READY

bp = func.Blueprint()


@bp.function_name(LIVE.name)
@bp.route(route=LIVE.path, auth_level=func.AuthLevel.ANONYMOUS)
def health_live(req: func.HttpRequest) -> func.HttpResponse:
    """Say that the process answers."""
    return respond(req, LIVE, {"GET": lambda _: Rendered(200, {"status": "ok"})})


@bp.function_name(READY.name)
@bp.route(route=READY.path, auth_level=func.AuthLevel.ANONYMOUS)
def health_ready(req: func.HttpRequest) -> func.HttpResponse:
    """Say whether the stores answer and the monitor sees; 503 when not."""
    return respond(req, READY, {"GET": _ready})


def _ready(call: Call) -> Rendered:
    checks: dict[str, JsonValue] = {"table_storage": "ok", "postgresql": "ok", "health_monitor": "ok"}
    try:
        stored = call.ports.sight.read()
        now, timeout_s = call.ports.clock.now(), call.ports.policy.heartbeat_timeout_s
        if stored is None or (now - stored.value.last_tick_at).total_seconds() > timeout_s:
            checks["health_monitor"] = "has not ticked lately"
    except Unavailable:
        # The fault's own text may name hosts; the log has it.
        checks["table_storage"] = checks["health_monitor"] = "does not answer"
    try:
        call.ports.work.ping()
    except Unavailable:
        checks["postgresql"] = "does not answer"
    ready = all(result == "ok" for result in checks.values())
    document: JsonValue = {"status": "ready" if ready else "not ready", "checks": checks}
    return Rendered(200 if ready else 503, document, {} if ready else {"Retry-After": "5"})
