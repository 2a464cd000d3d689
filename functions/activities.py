"""One activity per step: parse the payload, run the step, return its result as JSON."""

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

from functions.durable_driver import ACTIVITY_PREFIX
from shared.domain.faults import Unavailable
from shared.domain.operations import Step
from shared.domain.traces import spans_of
from shared.flows.commands import StepOutcome
from shared.steps.admin_calls import find_operation
from shared.steps.request_codec import request_from_json
from shared.steps.run_step import BODIES, run_step
from shared.telemetry import warn
from shared.wiring import ports, traces

bp = df.Blueprint()


def _activity(step: Step) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def run(payload: dict[str, Any]) -> dict[str, Any]:
        request = request_from_json(payload["request"])
        result = run_step(ports(), request, step, payload["args"])
        if step is Step.FINISH_OPERATION and result.outcome is StepOutcome.DONE:
            _export(request.id)
        return dict(result.to_json())

    # Durable resolves a function object by its Python name, so name and registration must be one.
    run.__name__ = f"{ACTIVITY_PREFIX}{step.id}"
    run.__doc__ = f"Run the step {step.id} (runbook {step.runbook or '-'})."
    return run


def _export(operation_id: str) -> None:
    """Export the operation's trace; a host that dies right before is followed by one that repeats the step."""
    export = traces()
    if export is None:
        return
    try:
        operation = find_operation(ports(), operation_id)
    except Unavailable as outage:
        warn("trace.not_exported", operation_id=operation_id, detail=str(outage))
        return
    if operation is not None and operation.is_over:
        export.export(spans_of(operation))


for _step in BODIES:
    _name = f"{ACTIVITY_PREFIX}{_step.id}"
    bp.function_name(_name)(bp.activity_trigger(input_name="payload")(_activity(_step)))
