"""What a flow may ask for: run a step, or sleep. Every driver (Durable, a loop, a simulator) answers the same."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from shared.domain.operations import Step
from shared.domain.refusals import JsonValue


class StepOutcome(Enum):
    """What one run of a step came to."""

    DONE = "done"
    SKIPPED = "skipped"  # could not be checked, and nothing depends on it
    WAITING = "waiting"  # not yet: run it again after `retry_after_s`, with `data` as its arguments
    AGAIN = "again"  # the lock changed since it was judged: judge again
    STOPPED = "stopped"  # refused or failed: the operation ends; `error` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The answer of a step. It crosses the orchestration as JSON: refusals travel as values, never as exceptions."""

    outcome: StepOutcome
    detail: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=dict)
    error: Mapping[str, JsonValue] = field(default_factory=dict)
    retry_after_s: float = 0.0

    def to_json(self) -> dict[str, JsonValue]:
        """Return the result as JSON."""
        return {
            "outcome": self.outcome.value, "detail": self.detail, "data": dict(self.data),
            "error": dict(self.error), "retry_after_s": self.retry_after_s,
        }  # fmt: skip

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "StepResult":
        """Return the result that `to_json` rendered."""
        return cls(
            outcome=StepOutcome(raw["outcome"]), detail=raw["detail"], data=raw["data"],
            error=raw["error"], retry_after_s=raw["retry_after_s"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """Run a step with these arguments."""

    step: Step
    args: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait this long; a durable timer in production."""

    seconds: float


Command = Call | Sleep
R = TypeVar("R")
Flow = Generator[Command, StepResult, R]
"""A procedure that yields commands and receives each step's result (a Sleep receives a result it ignores)."""
