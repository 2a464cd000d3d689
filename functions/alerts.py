"""Azure Monitor's webhook: take the alert in, look whether a failover begins, and answer within a second.

The sender repeats 408, 429, 503, 504 and time-outs a few times and then calls nobody for 15 minutes, so 503 is kept for
the one case in which a repetition helps: the alert is not known to be recorded.
"""

import asyncio
from dataclasses import replace
from typing import Final

import azure.functions as func

from functions.durable_driver import Blueprint, Client, start_operation
from functions.http_shell import Call, Rendered, respond_async
from shared.domain.alerts import Alert, Taken
from shared.domain.operations import OperationRequest
from shared.steps.begin_automatic import automatic_failovers
from shared.steps.take_alert import take_alert
from shared.telemetry import warn
from shared.web.alerts import parse_alert, taken_document
from shared.web.auth import require_only
from shared.web.routes import ALERTS, EVERY_ROLE, INGEST
from shared.wiring import settings

bp = Blueprint()

LOOK_FOR_S: Final = 0.5
"""How long the sender is kept waiting for the decision; it has to be answered within a second. What begins later is
started by the reconciler."""


@bp.function_name(ALERTS.name)
@bp.route(route=ALERTS.path, auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def azure_monitor_alerts(req: func.HttpRequest, client: Client) -> func.HttpResponse:
    """Take an alert in."""

    async def post(call: Call) -> Rendered:
        if call.principal is not None:
            require_only(call.principal, INGEST, among=EVERY_ROLE, client_id=settings().auth_alert_client_id)
        received = parse_alert(call.request.get_body(), received_at=call.ports.clock.now())
        alert = replace(received, traceparent=call.traceparent)
        taken = await asyncio.to_thread(take_alert, call.ports, alert)
        begun = await _begun_soon(call, alert) if taken is Taken.ACCEPTED and alert.accuses else None
        if begun is not None:
            await start_operation(client, begun)
        return Rendered(202, taken_document(alert, taken, begun))

    return await respond_async(req, ALERTS, {"POST": post})


async def _begun_soon(call: Call, alert: Alert) -> OperationRequest | None:
    """Return the failover that this alert has completed the evidence for, if that is known soon."""
    looking = asyncio.ensure_future(asyncio.to_thread(automatic_failovers, call.ports, [alert.environment]))
    done, _ = await asyncio.wait({looking}, timeout=LOOK_FOR_S)
    if not done:
        warn("failover.judged_late", environment=alert.environment)
        return None
    return next(iter(looking.result()), None)
