"""What people look at, and the manual way out of a split brain (runbook 1.1, 1.6, section 3)."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.refusals import Refused
from shared.steps.admin_calls import all_snapshots, deactivate_gateway
from shared.web.etags import PASSING
from shared.web.requests import DeactivateBody
from shared.web.responses import gateway_health_document, gateways_document
from shared.web.routes import DEACTIVATE, GATEWAY_HEALTH, GATEWAYS

bp = func.Blueprint()


@bp.function_name(GATEWAY_HEALTH.name)
@bp.route(route=GATEWAY_HEALTH.path, auth_level=func.AuthLevel.ANONYMOUS)
def gateway_health(req: func.HttpRequest) -> func.HttpResponse:
    """Show every gateway with its verdict."""

    def get(call: Call) -> Rendered:
        snapshots = all_snapshots(call.ports)
        return call.unless_known(gateway_health_document(snapshots, call.ports.policy), passing=PASSING)

    return respond(req, GATEWAY_HEALTH, {"GET": get})


@bp.function_name(GATEWAYS.name)
@bp.route(route=GATEWAYS.path, auth_level=func.AuthLevel.ANONYMOUS)
def gateways(req: func.HttpRequest) -> func.HttpResponse:
    """List every gateway as a bare array."""

    def get(call: Call) -> Rendered:
        return Rendered(200, gateways_document(all_snapshots(call.ports), call.ports.policy))

    return respond(req, GATEWAYS, {"GET": get})


@bp.function_name(DEACTIVATE.name)
@bp.route(route=DEACTIVATE.path, auth_level=func.AuthLevel.ANONYMOUS)
def deactivate(req: func.HttpRequest) -> func.HttpResponse:
    """Take a gateway out."""

    def post(call: Call) -> Rendered:
        body, gateway_id = call.body(DeactivateBody), call.path("gateway_id")
        done = deactivate_gateway(call.ports, gateway_id, actor=call.actor, forced=body.force, reason=body.reason)
        if isinstance(done, Refused):
            return call.refused(done)
        message = f"Gateway {gateway_id} deactivated"
        if done.token is None:
            return Rendered(200, {"message": message})
        mirror = "raised" if done.fenced else "pending"
        if not done.fenced:
            message += "; PostgreSQL could not be told yet, so its open work may still be accepted"
        return Rendered(200 if done.fenced else 202, {
            "message": message, "fencing_token": str(done.token), "mirror": mirror,
        })  # fmt: skip

    return respond(req, DEACTIVATE, {"POST": post})
