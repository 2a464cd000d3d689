"""Failover and failback (runbook 1.4, 2.2): begin the operation, start its orchestration, wait a little, answer."""

import asyncio
from dataclasses import replace
from typing import Final

import azure.durable_functions as df
import azure.functions as func

from functions.durable_driver import is_running, start_operation
from functions.http_shell import Call, Rendered, respond_async
from functions.long_poll import look_until
from shared.domain.failover import AlreadyDone, Joined
from shared.domain.faults import MalformedRequest, UnknownOperation
from shared.domain.force import faults_of_force
from shared.domain.operations import Operation, OperationKind, OperationRequest, OperationStatus
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.ports import Ports
from shared.steps.admin_calls import find_operation
from shared.steps.answer_operation import known_operation
from shared.steps.begin_operation import Begun, Replayed, begin_requested, new_request
from shared.steps.finish_operation import MESSAGES
from shared.steps.plan_operation import plan_operation
from shared.steps.retry_operation import retry_operation
from shared.web.operation_requests import OperationBody, RetryBody, parse_dry_run
from shared.web.plan_document import plan_document
from shared.web.requests import FailoverBody, digest_of, parse_idempotency_key, parse_wait
from shared.web.responses import operation_document
from shared.web.routes import ACTIVATE_DR, BEGIN, FAILBACK, OPERATION, RETRY, Route

bp = df.Blueprint()

ALREADY: Final = {
    OperationKind.FAILOVER: RefusalCode.DR_ALREADY_ACTIVE,
    OperationKind.FAILBACK: RefusalCode.NOT_FAILED_OVER,
}
"""What the long form, which always answers with an operation, says when there is nothing to do."""

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


@bp.function_name(BEGIN.name)
@bp.route(route=BEGIN.path, auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def begin(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Begin an operation and answer at once, or only plan it."""

    async def post(call: Call) -> Rendered:
        body, dry_run = call.body(OperationBody), parse_dry_run(call.query)
        key = parse_idempotency_key(call.request.headers.get("idempotency-key"))
        request = replace(_requested(call, body.type, body), idempotency_key=key, request_digest=digest_of(body))
        if dry_run:
            plan = await asyncio.to_thread(plan_operation, call.ports, request)
            return Rendered(200, plan_document(plan, call.ports.policy))
        begun = await asyncio.to_thread(begin_requested, call.ports, request)
        return await _begun(call, client, body.type, request.environment, begun)

    return await respond_async(req, BEGIN, {"POST": post})


@bp.function_name(RETRY.name)
@bp.route(route=RETRY.path, auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def retry(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Begin a new operation that takes up a failed one's work."""

    async def post(call: Call) -> Rendered:
        body, operation_id = call.body(RetryBody), call.path("operation_id")
        key = parse_idempotency_key(call.request.headers.get("idempotency-key"))

        def keyed(request: OperationRequest) -> OperationRequest:
            digest = f"{operation_id} {digest_of(body)}" if key else ""
            return replace(request, idempotency_key=key, request_digest=digest, traceparent=call.traceparent)

        begun = await asyncio.to_thread(
            retry_operation,
            call.ports,
            operation_id,
            actor=call.actor,
            requester_id=call.actor_id,
            reason=body.reason,
            skips=tuple(body.skip),
            keyed=keyed,
        )
        failed = (await asyncio.to_thread(known_operation, call.ports, operation_id)).request
        return await _begun(call, client, failed.kind, failed.environment, begun)

    return await respond_async(req, RETRY, {"POST": post})


async def _begun(
    call: Call,
    client: df.DurableOrchestrationClient,
    kind: OperationKind,
    environment: str,
    begun: Begun | Replayed | AlreadyDone | Joined | Refused,
) -> Rendered:
    """Answer 202 with the operation, whether it was begun now or before."""
    if isinstance(begun, AlreadyDone):
        begun = Refused(code=ALREADY[kind], detail=f"under token {begun.token}")
    if isinstance(begun, Refused):
        return call.refused(begun, environment=environment)
    operation_id = await _see_to_it(call, client, begun)
    rendered = _accepted(call, await asyncio.to_thread(known_operation, call.ports, operation_id))
    replayed = {"Idempotent-Replayed": "true"} if isinstance(begun, Replayed) else {}
    return Rendered(202, rendered.document, {**rendered.headers, **replayed})


async def _run(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, route: Route, kind: OperationKind
) -> func.HttpResponse:
    async def post(call: Call) -> Rendered:
        body, wait_s = call.body(FailoverBody), parse_wait(call.query)
        request = _requested(call, kind, body)
        begun = await asyncio.to_thread(begin_requested, call.ports, request)
        match begun:
            case Refused():
                return call.refused(begun, environment=request.environment)
            case AlreadyDone(token):
                shown = _documented(kind, request.environment, str(token))
                return Rendered(200, shown, {"Idempotent-Replayed": "true"})
            case _:
                operation_id = await _see_to_it(call, client, begun)
        return await _wait(call, operation_id, wait_s)

    return await respond_async(req, route, {"POST": post})


def _requested(call: Call, kind: OperationKind, body: FailoverBody) -> OperationRequest:
    reason = f"{body.reason} ({body.ticket})".strip() if body.ticket else body.reason
    request = new_request(
        call.ports, call.path("environment"), kind, requested_by=call.actor, requester_id=call.actor_id, reason=reason,
        forced=body.force, traceparent=call.traceparent,
    )  # fmt: skip
    if faults := faults_of_force(replace(request, reason=body.reason), confirm=body.confirm):
        raise MalformedRequest("Request is not valid", faults)
    return request


async def _see_to_it(call: Call, client: df.DurableOrchestrationClient, begun: Begun | Replayed | Joined) -> str:
    """Start the orchestration that the answer needs, and return the operation's id."""
    if isinstance(begun, Begun):
        await start_operation(client, begun.request)
        return begun.request.id
    operation_id = begun.operation_id if isinstance(begun, Joined) else begun.request.id
    await _restart_if_lost(client, call.ports, operation_id)
    return operation_id


async def _restart_if_lost(client: df.DurableOrchestrationClient, ports: Ports, operation_id: str) -> None:
    """Whoever registered the operation may have died before starting it; joining callers see to that."""
    if await is_running(client, operation_id):
        return
    # Read afterwards: the record of an operation has ended before its orchestration has.
    operation = await asyncio.to_thread(find_operation, ports, operation_id)
    if operation is not None and not operation.is_over:
        await start_operation(client, operation.request)


async def _wait(call: Call, operation_id: str, wait_s: float) -> Rendered:
    """Answer as the runbook documents when the operation ends in time, else 202 with the operation.

    An operation that waits for a second administrator is answered at once: the caller has to find one.
    """
    operation = await look_until(
        lambda seen: seen is None or seen.status is not OperationStatus.RUNNING,
        lambda: find_operation(call.ports, operation_id),
        wait_s=wait_s,
        looks_s=LOOK_S,
    )
    if operation is None:
        raise UnknownOperation(f"Operation {operation_id} does not exist")
    return _ended(call, operation)


def _ended(call: Call, operation: Operation) -> Rendered:
    accepted = _accepted(call, operation)
    if not operation.is_over:
        return accepted
    if operation.status is OperationStatus.SUCCEEDED:
        token = str(operation.result.get("fencing_token", ""))
        shown = _documented(operation.request.kind, operation.request.environment, token)
        return Rendered(200, shown, accepted.headers)
    return call.operation_failed(operation, accepted.headers)


def _accepted(call: Call, operation: Operation) -> Rendered:
    """The operation as it stands, and where to follow it."""
    where = call.absolute(OPERATION.path.format(operation_id=operation.request.id))
    headers = {"Operation-Location": where, "Operation-Id": operation.request.id}
    again = {} if operation.is_over else {"Retry-After": "2"}
    return Rendered(202, operation_document(operation), {**headers, **again})


def _documented(kind: OperationKind, environment: str, token: str) -> JsonValue:
    """The runbook's body, word for word; failback documents no token, ours is an extra member."""
    return {"message": MESSAGES[kind].format(environment=environment), "fencing_token": token}
