"""Drill: rehearse runbook 1.2, 1.3 and 1.6 on the DR site, and put everything back."""

from collections.abc import Mapping

from shared.domain.operations import Step
from shared.domain.refusals import JsonValue
from shared.flows.commands import Flow, StepOutcome, StepResult
from shared.flows.procedures import completed, ended_badly, ended_well


def drill() -> Flow[None]:
    """Start the DR cluster, wait for its gateway, let it rotate a canary, stop the cluster again.

    The cluster is stopped however the rehearsal went; the stop itself stands back while the environment needs it.
    """
    failure: StepResult | None = None
    args: Mapping[str, JsonValue] = {}
    for step in (Step.VERIFY_DRILL, Step.START_DR_CLUSTER, Step.VERIFY_DR_GATEWAY, Step.RUN_CANARY):
        rehearsed = yield from completed(step, args)
        if rehearsed.outcome is StepOutcome.STOPPED:
            failure = rehearsed
            break
        args = {"start": rehearsed.data.get("start")} if step is Step.START_DR_CLUSTER else {}
    stopped = yield from completed(Step.STOP_AFTER_DRILL, {"error": dict(failure.error) if failure else {}})
    failure = failure or (stopped if stopped.outcome is StepOutcome.STOPPED else None)
    if failure is not None:
        return (yield from ended_badly(failure))
    return (yield from ended_well({}))
