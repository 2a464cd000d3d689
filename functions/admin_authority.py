"""The way out when an environment lock has lost writes."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.refusals import Refused
from shared.steps.restore_authority import restore_authority
from shared.web.requests import RestoreBody
from shared.web.responses import restored_document
from shared.web.routes import RESTORE_AUTHORITY

bp = func.Blueprint()


@bp.function_name(RESTORE_AUTHORITY.name)
@bp.route(route=RESTORE_AUTHORITY.path, auth_level=func.AuthLevel.ANONYMOUS)
def restore(req: func.HttpRequest) -> func.HttpResponse:
    """Rebuild the lock above every token seen."""

    def post(call: Call) -> Rendered:
        body, environment = call.body(RestoreBody), call.path("environment")
        done = restore_authority(call.ports, environment, actor=call.actor, reason=body.reason, holder=body.holder)
        if isinstance(done, Refused):
            return call.refused(done, environment=environment)
        return Rendered(200, restored_document(done.lock, mirror_raised=done.mirror_raised, wait_s=done.wait_s))

    return respond(req, RESTORE_AUTHORITY, {"POST": post})
