"""The orchestrator, and the timer that starts what a dead host left unstarted."""

import asyncio
import json
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions.durable_driver import ORCHESTRATOR, drive, start_operation
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
    running = await asyncio.to_thread(lambda: [*running_operations(ports()), *running_drills(ports())])
    for request in running:
        await start_operation(client, request)
