"""Why an environment is as it is."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.steps.explain import explain
from shared.web.explain import explain_document
from shared.web.routes import EXPLAIN

bp = func.Blueprint()


@bp.function_name(EXPLAIN.name)
@bp.route(route=EXPLAIN.path, auth_level=func.AuthLevel.ANONYMOUS)
def explain_environment(req: func.HttpRequest) -> func.HttpResponse:
    """Show verdicts, rules, decisions and the next safe action."""

    def get(call: Call) -> Rendered:
        return Rendered(200, explain_document(explain(call.ports, call.path("environment")), call.ports.policy))

    return respond(req, EXPLAIN, {"GET": get})
