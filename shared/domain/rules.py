"""A rule as people see it: its name, what it was judged on, whether it holds, and what would have to change."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.refusals import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule with what it was judged on; `wanted` says what would have to change when it does not hold."""

    name: str
    holds: bool
    inputs: Mapping[str, JsonValue]
    wanted: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the rule for people: name, result, inputs, and what would have to change if it does not hold."""
        shown: dict[str, JsonValue] = {"rule": self.name, "holds": self.holds, "inputs": dict(self.inputs)}
        return shown if self.holds else {**shown, "would_have_to_change": self.wanted}
