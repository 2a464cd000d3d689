"""Operations: our status resource, never Durable's, whose own URLs carry the system key."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.faults import UnknownOperation
from shared.domain.refusals import Refused
from shared.steps.admin_calls import find_operation, newest_operations
from shared.steps.answer_operation import Answered, approve_operation, cancel_operation, skip_step
from shared.web.operation_requests import ApproveBody, CancelBody, SkipBody
from shared.web.requests import parse_limit
from shared.web.responses import operation_document
from shared.web.routes import APPROVE, CANCEL, OPERATION, OPERATIONS, SKIP

bp = func.Blueprint()


@bp.function_name(OPERATION.name)
@bp.route(route=OPERATION.path, auth_level=func.AuthLevel.ANONYMOUS)
def operation(req: func.HttpRequest) -> func.HttpResponse:
    """Show one operation with its steps."""

    def get(call: Call) -> Rendered:
        found = find_operation(call.ports, call.path("operation_id"))
        if found is None:
            raise UnknownOperation(f"Operation {call.path('operation_id')} does not exist")
        headers = {} if found.is_over else {"Retry-After": "2"}
        return call.unless_known(operation_document(found), headers)

    return respond(req, OPERATION, {"GET": get})


@bp.function_name(OPERATIONS.name)
@bp.route(route=OPERATIONS.path, auth_level=func.AuthLevel.ANONYMOUS)
def operations(req: func.HttpRequest) -> func.HttpResponse:
    """List the newest operations, newest first."""

    def get(call: Call) -> Rendered:
        newest = newest_operations(call.ports, call.query.get("environment"), limit=parse_limit(call.query))
        return Rendered(200, {"value": [operation_document(found) for found in newest]})

    return respond(req, OPERATIONS, {"GET": get})


@bp.function_name(CANCEL.name)
@bp.route(route=CANCEL.path, auth_level=func.AuthLevel.ANONYMOUS)
def cancel(req: func.HttpRequest) -> func.HttpResponse:
    """Cancel an operation before its point of no return."""

    def post(call: Call) -> Rendered:
        reason = call.body(CancelBody).reason
        return _answered(
            call, cancel_operation(call.ports, call.path("operation_id"), actor=call.actor, reason=reason)
        )  # fmt: skip

    return respond(req, CANCEL, {"POST": post})


@bp.function_name(APPROVE.name)
@bp.route(route=APPROVE.path, auth_level=func.AuthLevel.ANONYMOUS)
def approve(req: func.HttpRequest) -> func.HttpResponse:
    """Approve an operation that another administrator asked for."""

    def post(call: Call) -> Rendered:
        reason = call.body(ApproveBody).reason
        return _answered(
            call,
            approve_operation(
                call.ports, call.path("operation_id"), actor=call.actor, object_id=call.actor_id, reason=reason
            ),
        )

    return respond(req, APPROVE, {"POST": post})


@bp.function_name(SKIP.name)
@bp.route(route=SKIP.path, auth_level=func.AuthLevel.ANONYMOUS)
def skip(req: func.HttpRequest) -> func.HttpResponse:
    """Leave out a step after the move."""

    def post(call: Call) -> Rendered:
        body, operation_id = call.body(SkipBody), call.path("operation_id")
        return _answered(call, skip_step(call.ports, operation_id, body.step, actor=call.actor, reason=body.reason))

    return respond(req, SKIP, {"POST": post})


def _answered(call: Call, done: Answered | Refused) -> Rendered:
    if isinstance(done, Refused):
        return call.refused(done)
    headers = {"Idempotent-Replayed": "true"} if done.repeated else {}
    return Rendered(200, operation_document(done.operation), headers)
