"""Preflight: would a failover work now? Kept every 15 minutes, and run on demand."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.preflight import Preflight
from shared.steps.preflight import newest_preflight, run_all_preflights, run_preflight
from shared.web.preflight_document import preflight_document
from shared.web.routes import PREFLIGHT
from shared.wiring import ports

bp = func.Blueprint()


@bp.function_name(PREFLIGHT.name)
@bp.route(route=PREFLIGHT.path, auth_level=func.AuthLevel.ANONYMOUS)
def preflight(req: func.HttpRequest) -> func.HttpResponse:
    """Show the newest preflight, or run one now."""
    return respond(
        req,
        PREFLIGHT,
        {
            "GET": lambda call: _shown(call, newest_preflight(call.ports, call.path("environment"))),
            "POST": lambda call: _shown(call, run_preflight(call.ports, call.path("environment"))),
        },
    )


@bp.function_name("preflights")
@bp.timer_trigger(arg_name="timer", schedule="%MVDR_PREFLIGHT_SCHEDULE%", run_on_startup=False, use_monitor=False)
def preflights(timer: func.TimerRequest) -> None:
    """Run every environment's preflight."""
    del timer
    run_all_preflights(ports())


def _shown(call: Call, found: Preflight) -> Rendered:
    return Rendered(200, preflight_document(found, now=call.ports.clock.now()))
