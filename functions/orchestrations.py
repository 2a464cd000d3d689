"""The orchestrator, and the timer that starts what a dead host left unstarted."""

import asyncio
import json
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions.durable_driver import ORCHESTRATOR, drive, is_running, start_operation
from shared.domain.operations import OperationRequest
from shared.flows.catalogue import flow_of
from shared.steps.begin_drill import running_drills
from shared.steps.reconcile import running_operations, sync_mirrors
from shared.steps.request_codec import request_from_json
from shared.wiring import ports

bp = df.Blueprint()


@bp.function_name(ORCHESTRATOR)
@bp.orchestration_trigger(context_name="context")
def run_operation(context: df.DurableOrchestrationContext) -> Generator[Any, Any, None]:
    """Carry out the operation given as input with the flow of its kind."""
    raw = context.get_input()
    payload = json.loads(raw) if isinstance(raw, str) else raw
    request = request_from_json(payload)
    yield from drive(context, flow_of(request.kind, needs_approval=request.needs_approval), payload)


@bp.function_name("mirror_reconciler")
@bp.timer_trigger(arg_name="timer", schedule="%MVDR_MIRROR_SCHEDULE%", run_on_startup=False, use_monitor=False)
@bp.durable_client_input(client_name="client")
async def mirror_reconciler(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Bring mirrors up to their locks, and see that every registered operation has its orchestration."""
    del timer
    await asyncio.to_thread(sync_mirrors, ports())
    lost = [one for one in await asyncio.to_thread(_registered) if not await is_running(client, one.id)]
    # Looked up again: an operation that ended meanwhile had left its lock before its orchestration was over.
    registered = {one.id for one in await asyncio.to_thread(_registered)} if lost else set()
    for request in lost:
        if request.id in registered:
            await start_operation(client, request)


def _registered() -> list[OperationRequest]:
    return [*running_operations(ports()), *running_drills(ports())]
