"""The timer that runs one pass of the health monitor (runbook, overview), and what may begin by itself after it."""

import asyncio

import azure.functions as func

from functions.durable_driver import Blueprint, Client, start_operation
from shared.steps.begin_automatic import automatic_failovers
from shared.steps.prewarm import prewarm
from shared.steps.watch_health import watch_health
from shared.wiring import monitor_memory, ports

bp = Blueprint()


@bp.function_name("health_monitor")
@bp.timer_trigger(arg_name="timer", schedule="%MVDR_HEALTH_MONITOR_SCHEDULE%", run_on_startup=False, use_monitor=False)
@bp.durable_client_input(client_name="client")
async def health_monitor(timer: func.TimerRequest, client: Client) -> None:
    """Judge every gateway; a late or repeated tick changes nothing."""
    del timer
    seen = await asyncio.to_thread(watch_health, ports(), monitor_memory())
    for request in await asyncio.to_thread(automatic_failovers, ports(), seen.candidates):
        await start_operation(client, request)
    # Last, because Azure may take its time: nothing of the above waits for it.
    await asyncio.to_thread(prewarm, ports(), seen.suspects)
