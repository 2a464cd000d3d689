"""Drives a flow by Durable Functions: commands become activity calls and durable timers, results go back in."""

import asyncio
from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

import azure.durable_functions as df

from shared.domain.operations import OperationRequest
from shared.domain.refusals import RefusalCode, Refused
from shared.flows.commands import Call, Flow, Sleep, StepOutcome, StepResult
from shared.steps.request_codec import request_to_json
from shared.telemetry import log

# The rest of `functions/` takes these names from here, so that a move away from Durable stays a change of few files.
Blueprint = df.Blueprint
Client = df.DurableOrchestrationClient

ACTIVITY_PREFIX: Final = "step_"
ORCHESTRATOR: Final = "run_operation"

ENDED: Final = (
    df.OrchestrationRuntimeStatus.Completed,
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
    df.OrchestrationRuntimeStatus.Canceled,
)


def drive(
    context: df.DurableOrchestrationContext, flow: Flow[None], request: dict[str, Any]
) -> Generator[Any, Any, None]:
    """Run a flow to its end. Deterministic: time comes from the context, everything else from step results."""
    result: StepResult | None = None
    while True:
        try:
            command = flow.send(result) if result is not None else next(flow)
        except StopIteration:
            return
        match command:
            case Sleep(seconds):
                yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
                result = StepResult(outcome=StepOutcome.DONE)
            case Call(step, args):
                payload = {"request": request, "args": dict(args)}
                try:
                    raw = yield context.call_activity(f"{ACTIVITY_PREFIX}{step.id}", payload)
                    result = StepResult.from_json(raw)
                except Exception as failure:  # the library raises a bare Exception for a failed activity
                    result = _faulted(failure)


async def start_operation(client: df.DurableOrchestrationClient, request: OperationRequest) -> None:
    """Start the orchestration of an operation unless it runs already; its instance id is the operation id.

    A start that loses a race surfaces in different ways, depending on the extension's version, so the status is
    read before and after (Azure/azure-functions-durable-extension, `overridableExistingInstanceStates`).
    """
    if await is_running(client, request.id):
        return
    try:
        await client.start_new(ORCHESTRATOR, instance_id=request.id, client_input=request_to_json(request))
    except Exception:
        # The client raises bare exceptions; somebody else having started it is the one that is fine.
        await asyncio.sleep(0.2)
        if not await is_running(client, request.id):
            raise
        return
    log("orchestration.started", environment=request.environment, operation_id=request.id)


async def is_running(client: df.DurableOrchestrationClient, operation_id: str) -> bool:
    """Whether an orchestration of this operation exists and has not ended."""
    status = await client.get_status(operation_id)
    return bool(status) and status.runtime_status is not None and status.runtime_status not in ENDED


def _faulted(failure: Exception) -> StepResult:
    detail = str(failure).splitlines()[0][:500] if str(failure) else type(failure).__name__
    refused = Refused(code=RefusalCode.STEP_FAULT, detail=detail)
    return StepResult(outcome=StepOutcome.STOPPED, detail=detail, error=refused.to_json())
