"""The pieces every flow is made of: wait for a step, move the lock, end the operation."""

from collections.abc import Mapping
from typing import Final

from shared.domain.operations import Step
from shared.domain.refusals import JsonValue
from shared.flows.commands import Call, Flow, Sleep, StepOutcome, StepResult

LOOKS_LIMIT: Final = 20
"""How often the lock may change between the second look and the switch before the operation gives up."""

POLLS_LIMIT: Final = 100_000
"""A belt only: each step ends its own wait at a deadline long before."""


def completed(step: Step, args: Mapping[str, JsonValue]) -> Flow[StepResult]:
    """Run a step until it no longer waits, and return its last result."""
    for _ in range(POLLS_LIMIT):
        result = yield Call(step, args)
        if result.outcome is not StepOutcome.WAITING:
            return result
        args = result.data
        yield Sleep(result.retry_after_s)
    return StepResult(outcome=StepOutcome.STOPPED, error={"code": "StepTimeout", "message": f"{step.id} never ended"})


def moved(look: Step, switch: Step) -> Flow[StepResult]:
    """Look again, then move the lock at exactly the version that was judged; look again when it changed between."""
    for _ in range(LOOKS_LIMIT):
        judged = yield from completed(look, {})
        if judged.outcome is StepOutcome.STOPPED:
            return judged
        result = yield from completed(switch, judged.data)
        if result.outcome is not StepOutcome.AGAIN:
            return result
    return StepResult(
        outcome=StepOutcome.STOPPED,
        error={"code": "Superseded", "message": "The environment changed while the operation ran"},
    )


def ended_well(result: Mapping[str, JsonValue]) -> Flow[None]:
    """End the operation as succeeded."""
    yield from completed(Step.FINISH_OPERATION, {"result": dict(result)})


def ended_badly(stopped: StepResult) -> Flow[None]:
    """End the operation as failed, with the error of the step that stopped it."""
    yield from completed(Step.FINISH_OPERATION, {"error": dict(stopped.error), "detail": stopped.detail})
