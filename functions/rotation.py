"""Rotation configs and their execution (runbook 1.6)."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.faults import UnknownConfig
from shared.domain.refusals import JsonValue, Refused
from shared.domain.tasks import RotationConfig
from shared.steps.admin_calls import execute_rotation, put_config
from shared.web.requests import ConfigBody, ExecuteBody, digest_of, parse_idempotency_key
from shared.web.responses import config_document
from shared.web.routes import CONFIG, EXECUTE

bp = func.Blueprint()


@bp.function_name(CONFIG.name)
@bp.route(route=CONFIG.path, auth_level=func.AuthLevel.ANONYMOUS)
def rotation_config(req: func.HttpRequest) -> func.HttpResponse:
    """Show, create or replace a rotation config."""
    return respond(req, CONFIG, {"GET": _get_config, "PUT": _put_config})


@bp.function_name(EXECUTE.name)
@bp.route(route=EXECUTE.path, auth_level=func.AuthLevel.ANONYMOUS)
def execute(req: func.HttpRequest) -> func.HttpResponse:
    """Queue one rotation on the active gateway."""

    def post(call: Call) -> Rendered:
        body = call.body(ExecuteBody)
        key = parse_idempotency_key(call.request.headers.get("idempotency-key"))
        queued = execute_rotation(
            call.ports, call.path("config_id"), actor=call.actor, idempotency_key=key, request_digest=digest_of(body)
        )
        if isinstance(queued, Refused):
            return call.refused(queued)
        task, gateway_id, replayed = queued
        shown: JsonValue = {"message": f"Rotation queued on gateway {gateway_id}", "task_id": task.id}
        return Rendered(200, shown, {"Idempotent-Replayed": "true"} if replayed else {})

    return respond(req, EXECUTE, {"POST": post})


def _get_config(call: Call) -> Rendered:
    config = call.ports.work.config(call.path("config_id"))
    if config is None:
        raise UnknownConfig(f"Rotation config {call.path('config_id')} does not exist")
    return Rendered(200, config_document(config))


def _put_config(call: Call) -> Rendered:
    body = call.body(ConfigBody)
    config = RotationConfig(
        id=call.path("config_id"),
        environment=body.environment,
        name=body.name,
        on_lost_owner=body.on_lost_owner,
        max_attempts=body.max_attempts,
        payload=body.payload,
    )
    put_config(call.ports, config, actor=call.actor)
    return Rendered(200, config_document(config))
