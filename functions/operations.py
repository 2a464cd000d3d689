"""Operations: our status resource, never Durable's, whose own URLs carry the system key."""

import azure.functions as func

from functions.http_shell import Call, Rendered, respond
from shared.domain.faults import UnknownOperation
from shared.domain.operations import OperationStatus
from shared.steps.admin_calls import find_operation, newest_operations
from shared.web.requests import parse_limit
from shared.web.responses import operation_document
from shared.web.routes import OPERATION, OPERATIONS

bp = func.Blueprint()


@bp.function_name(OPERATION.name)
@bp.route(route=OPERATION.path, auth_level=func.AuthLevel.ANONYMOUS)
def operation(req: func.HttpRequest) -> func.HttpResponse:
    """Show one operation with its steps."""

    def get(call: Call) -> Rendered:
        found = find_operation(call.ports, call.path("operation_id"))
        if found is None:
            raise UnknownOperation(f"Operation {call.path('operation_id')} does not exist")
        headers = {"Retry-After": "2"} if found.status is OperationStatus.RUNNING else {}
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
