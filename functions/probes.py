"""Liveness and readiness."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.faults import Unavailable
from shared.domain.health import Verdict, judge
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
