"""One safeguard of the product taken out, and what has to notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SEEDS = 300  # how many seeds the simulation may take to notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """The simulation has to notice within SEEDS seeds, counted from `first`.

    `first` is a seed that is known to notice; a change of the product may move it, and then the search goes on from
    there. `breaks` is the invariant whose violation must be among those of the seed that notices; empty for any.
    """

    first: int = 0
    breaks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One safeguard taken out of one file, with the test that must turn red and, for some, the simulation."""

    name: str  # what is wrong with the product then
    rule: str  # where the safeguard comes from: an ADR, the runbook, or a mutant of docs/model that shows its need
    file: str
    line: str  # the text that is there exactly once
    instead: str
    test: str  # pytest node id
    seeds: Seeds | None = None

    def apply(self, tree: Path) -> None:
        """Change the file below `tree`. Raises ValueError when the line is not there exactly once or is no Python."""
        path = tree / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.line) != 1:
            raise ValueError(f"{self.name}: the line is {text.count(self.line)} times in {self.file}")
        changed = text.replace(self.line, self.instead)
        if path.suffix == ".py":
            compile(changed, self.file, "exec")
        path.write_text(changed, encoding="utf-8")
