"""One activity per step: parse the payload, run the step, return its result as JSON."""

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

from functions.durable_driver import ACTIVITY_PREFIX
from shared.domain.operations import Step
from shared.steps.request_codec import request_from_json
from shared.steps.run_step import BODIES, run_step
from shared.wiring import ports

bp = df.Blueprint()


def _activity(step: Step) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def run(payload: dict[str, Any]) -> dict[str, Any]:
        return dict(run_step(ports(), request_from_json(payload["request"]), step, payload["args"]).to_json())

    # Durable resolves a function object by its Python name, so name and registration must be one.
    run.__name__ = f"{ACTIVITY_PREFIX}{step.id}"
    run.__doc__ = f"Run the step {step.id} (runbook {step.runbook or '-'})."
    return run


for _step in BODIES:
    _name = f"{ACTIVITY_PREFIX}{_step.id}"
    bp.function_name(_name)(bp.activity_trigger(input_name="payload")(_activity(_step)))
