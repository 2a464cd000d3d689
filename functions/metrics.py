"""Metrics for a scraper that sends a bearer token."""

import azure.functions as func

from functions.http_shell import Call, Rendered, Text, respond
from shared.steps.measure import measure
from shared.web.metrics_text import MEDIA_TYPE, metrics_text
from shared.web.routes import METRICS

bp = func.Blueprint()


@bp.function_name(METRICS.name)
@bp.route(route=METRICS.path, auth_level=func.AuthLevel.ANONYMOUS)
def metrics(req: func.HttpRequest) -> func.HttpResponse:
    """Answer all metrics, computed from the stores."""

    def get(call: Call) -> Rendered:
        return Rendered(200, Text(MEDIA_TYPE, metrics_text(measure(call.ports))))

    return respond(req, METRICS, {"GET": get})
