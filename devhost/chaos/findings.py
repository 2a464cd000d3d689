"""What the checker finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken promise; `at_ns` is where in the history to look, `about` what to look for there."""

    rule: str
    at_ns: int
    text: str
    about: tuple[str, ...] = ()  # tasks, tokens or calls whose lines tell the story
