"""An expected "no": what was refused, in which words, and on what evidence. A refusal changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.refusal_codes import RefusalCode as RefusalCode

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A rule said no. Repeating the request unchanged cannot help; nothing was changed."""

    code: RefusalCode
    detail: str
    evidence: Mapping[str, JsonValue] = field(default_factory=dict)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the refusal as the `error` of an operation."""
        return {
            "code": self.code.code,
            "message": self.code.message,
            "detail": self.detail,
            "hint": self.code.hint,
            "runbook": self.code.runbook,
            "evidence": dict(self.evidence),
        }
