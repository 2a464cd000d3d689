"""What gateways call; `gateway_agent` is the client. Each call is bound to the identity that registered the gateway."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.gateways import Heartbeat
from shared.domain.guard import Caller
from shared.domain.refusals import Refused
from shared.domain.tasks import TaskStatus
from shared.ports import TaskReport, WorkRefused
from shared.steps.gateway_calls import Registration, beat, claim_tasks, register_gateway, report_task
from shared.web.gateway_documents import beat_document, claimed_document, registration_document
from shared.web.requests import ClaimBody, CompleteBody, HeartbeatBody, ProgressBody, RegisterBody
from shared.web.routes import CLAIM, COMPLETE, HEARTBEAT, PROGRESS, REGISTER

bp = func.Blueprint()


@bp.function_name(REGISTER.name)
@bp.route(route=REGISTER.path, auth_level=func.AuthLevel.ANONYMOUS)
def register(req: func.HttpRequest) -> func.HttpResponse:
    """Register a gateway, or its new boot."""

    def post(call: Call) -> Rendered:
        body = call.body(RegisterBody)
        registration = Registration(
            gateway_id=call.path("gateway_id"),
            environment=body.environment,
            role=body.role,
            boot_id=body.boot_id,
            region=body.region,
            version=body.version,
        )
        gateway = register_gateway(call.ports, registration, call.identity)
        if isinstance(gateway, Refused):
            return call.refused(gateway, environment=body.environment)
        lock = call.ports.locks.read(gateway.environment)
        return Rendered(200, registration_document(gateway, lock.value if lock else None, call.ports.policy))

    return respond(req, REGISTER, {"POST": post})


@bp.function_name(HEARTBEAT.name)
@bp.route(route=HEARTBEAT.path, auth_level=func.AuthLevel.ANONYMOUS)
def heartbeat(req: func.HttpRequest) -> func.HttpResponse:
    """Take a heartbeat; tell the holder its token and lease."""

    def post(call: Call) -> Rendered:
        body, gateway_id = call.body(HeartbeatBody), call.path("gateway_id")
        beaten = Heartbeat(
            boot_id=body.boot_id,
            role=body.role,
            environment=body.environment,
            token_seen=body.fencing_token,
            version=body.version,
            checks=body.checks,
        )
        answer = beat(call.ports, gateway_id, body.environment, beaten, call.identity)
        return Rendered(200, beat_document(gateway_id, body.sequence, answer, call.ports.policy))

    return respond(req, HEARTBEAT, {"POST": post})


@bp.function_name(CLAIM.name)
@bp.route(route=CLAIM.path, auth_level=func.AuthLevel.ANONYMOUS)
def claim(req: func.HttpRequest) -> func.HttpResponse:
    """Give the holder tasks."""

    def post(call: Call) -> Rendered:
        body = call.body(ClaimBody)
        claimed = claim_tasks(call.ports, _caller(call, body), call.identity, limit=body.limit)
        if isinstance(claimed, WorkRefused):
            return call.refused(claimed.reason, environment=body.environment)
        return Rendered(200, claimed_document(claimed))

    return respond(req, CLAIM, {"POST": post})


@bp.function_name(PROGRESS.name)
@bp.route(route=PROGRESS.path, auth_level=func.AuthLevel.ANONYMOUS)
def progress(req: func.HttpRequest) -> func.HttpResponse:
    """Take a progress report; it extends the task's time."""

    def post(call: Call) -> Rendered:
        body = call.body(ProgressBody)
        report = TaskReport(
            task_id=call.path("task_id"), attempt=body.attempt, status=TaskStatus.RUNNING, result=body.detail
        )
        return _reported(call, body, report)

    return respond(req, PROGRESS, {"POST": post})


@bp.function_name(COMPLETE.name)
@bp.route(route=COMPLETE.path, auth_level=func.AuthLevel.ANONYMOUS)
def complete(req: func.HttpRequest) -> func.HttpResponse:
    """Take the end of a task."""

    def post(call: Call) -> Rendered:
        body = call.body(CompleteBody)
        report = TaskReport(task_id=call.path("task_id"), attempt=body.attempt, status=body.status, result=body.result)
        return _reported(call, body, report)

    return respond(req, COMPLETE, {"POST": post})


def _reported(call: Call, body: ProgressBody | CompleteBody, report: TaskReport) -> Rendered:
    outcome = report_task(call.ports, _caller(call, body), call.identity, report)
    if isinstance(outcome, WorkRefused):
        return call.refused(outcome.reason, environment=body.environment)
    return Rendered(200, {"outcome": outcome.value})


def _caller(call: Call, body: ClaimBody | ProgressBody | CompleteBody) -> Caller:
    return Caller(gateway_id=call.path("gateway_id"), environment=body.environment, token=body.fencing_token)
