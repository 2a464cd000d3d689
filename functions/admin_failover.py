"""Failover and failback (runbook 1.4, 2.2): begin the operation, start its orchestration, wait a little, answer."""

import asyncio
from typing import Final

import azure.durable_functions as df
import azure.functions as func

from functions.durable_driver import start_operation
from functions.http_shell import Call, Rendered, respond_async
from shared.domain.failover import AlreadyDone, Joined
from shared.domain.faults import UnknownOperation
from shared.domain.operations import Operation, OperationKind, OperationStatus
from shared.domain.refusals import JsonValue, Refused
from shared.ports import Ports
from shared.steps.admin_calls import find_operation
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.finish_operation import MESSAGES
from shared.web.requests import FailoverBody, parse_wait
from shared.web.responses import operation_document
from shared.web.routes import ACTIVATE_DR, FAILBACK, OPERATION, Route

bp = df.Blueprint()

LOOK_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
"""How soon the waiting caller's operation is looked at again; the last one repeats."""


@bp.function_name(ACTIVATE_DR.name)
@bp.route(route=ACTIVATE_DR.path, auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def activate_dr(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Give the environment to its DR gateway."""
    return await _run(req, client, ACTIVATE_DR, OperationKind.FAILOVER)


@bp.function_name(FAILBACK.name)
@bp.route(route=FAILBACK.path, auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def failback(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Return the environment to its primary."""
    return await _run(req, client, FAILBACK, OperationKind.FAILBACK)


async def _run(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, route: Route, kind: OperationKind
) -> func.HttpResponse:
    async def post(call: Call) -> Rendered:
        environment = call.path("environment")
        body, wait_s = call.body(FailoverBody), parse_wait(call.query)
        reason = f"{body.reason} ({body.ticket})".strip() if body.ticket else body.reason
        begun = await asyncio.to_thread(
            begin_operation,
            call.ports,
            environment,
            kind,
            requested_by=call.actor,
            reason=reason,
            requester_id=call.actor_id,
        )
        match begun:
            case Refused():
                return call.refused(begun, environment=environment)
            case AlreadyDone(token):
                shown = _documented(kind, environment, str(token))
                return Rendered(200, shown, {"Idempotent-Replayed": "true"})
            case Begun(request):
                await start_operation(client, request)
                operation_id = request.id
            case Joined(operation_id):
                await _restart_if_lost(client, call.ports, operation_id)
        return await _wait(call, operation_id, wait_s)

    return await respond_async(req, route, {"POST": post})


async def _restart_if_lost(client: df.DurableOrchestrationClient, ports: Ports, operation_id: str) -> None:
    """Whoever registered the operation may have died before starting it; joining callers see to that."""
    operation = await asyncio.to_thread(find_operation, ports, operation_id)
    if operation is not None and not operation.is_over:
        await start_operation(client, operation.request)


async def _wait(call: Call, operation_id: str, wait_s: float) -> Rendered:
    """Answer as the runbook documents when the operation ends in time, else 202 with the operation.

    An operation that waits for a second administrator is answered at once: the caller has to find one.
    """
    ends = asyncio.get_running_loop().time() + wait_s
    looks = iter(LOOK_S)
    pause_s = LOOK_S[0]
    while True:
        operation = await asyncio.to_thread(find_operation, call.ports, operation_id)
        left_s = ends - asyncio.get_running_loop().time()
        if operation is None or operation.status is not OperationStatus.RUNNING or left_s <= 0:
            break
        pause_s = next(looks, pause_s)
        await asyncio.sleep(min(pause_s, left_s))
    if operation is None:
        raise UnknownOperation(f"Operation {operation_id} does not exist")
    return _ended(call, operation)


def _ended(call: Call, operation: Operation) -> Rendered:
    where = call.absolute(OPERATION.path.format(operation_id=operation.request.id))
    headers = {"Operation-Location": where, "Operation-Id": operation.request.id}
    if not operation.is_over:
        return Rendered(202, operation_document(operation), {**headers, "Retry-After": "2"})
    if operation.status is OperationStatus.SUCCEEDED:
        token = str(operation.result.get("fencing_token", ""))
        return Rendered(200, _documented(operation.request.kind, operation.request.environment, token), headers)
    return call.operation_failed(operation, headers)


def _documented(kind: OperationKind, environment: str, token: str) -> JsonValue:
    """The runbook's body, word for word; failback documents no token, ours is an extra member."""
    return {"message": MESSAGES[kind].format(environment=environment), "fencing_token": token}
