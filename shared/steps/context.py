"""What a step body gets, and the few ways it can answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.clusters import ClusterState
from shared.domain.environments import Environment
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.operations import OperationRequest, Step
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.flows.commands import StepOutcome, StepResult
from shared.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """One run of a step: the ports, the operation, the lock as just read, and the arguments.

    `args` is what the flow passed on the first run and what the step itself returned as `data` on every later
    one; `since` is when the step first ran.
    """

    ports: Ports
    step: Step
    request: OperationRequest
    environment: Environment
    lock: Versioned[EnvironmentLock]
    args: Mapping[str, Any]
    since: datetime
    now: datetime

    @property
    def waited_s(self) -> float:
        """How long the step has been at it."""
        return (self.now - self.since).total_seconds()

    def done(self, detail: str, **data: JsonValue) -> StepResult:
        """The step is done; `data` goes to the flow."""
        return StepResult(outcome=StepOutcome.DONE, detail=detail, data=data)

    def skipped(self, detail: str, **data: JsonValue) -> StepResult:
        """The step could not be carried out, and nothing depends on it."""
        return StepResult(outcome=StepOutcome.SKIPPED, detail=detail, data=data)

    def waiting(self, detail: str, *, retry_after_s: float, **data: JsonValue) -> StepResult:
        """Run the step again later, with the same arguments and `data` on top."""
        merged = {**self.args, **data, "since": self.since.isoformat()}
        return StepResult(outcome=StepOutcome.WAITING, detail=detail, data=merged, retry_after_s=retry_after_s)

    def stopped(self, refused: Refused) -> StepResult:
        """End the operation: a rule said no, or a deadline passed."""
        return stopped(refused)

    def failed(self, code: RefusalCode, detail: str, **evidence: JsonValue) -> StepResult:
        """End the operation with this code."""
        return stopped(Refused(code=code, detail=detail, evidence=evidence))


def stopped(refused: Refused) -> StepResult:
    """Return the result that ends the operation with a refusal."""
    return StepResult(outcome=StepOutcome.STOPPED, detail=refused.detail, error=refused.to_json())


def describe(state: ClusterState) -> dict[str, JsonValue]:
    """Return a cluster state as evidence."""
    return {"power_state": state.power.value if state.power else None, "provisioning_state": state.provisioning}
