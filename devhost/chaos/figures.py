"""Figures of a run, from its history alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devhost.chaos.events import Line

NS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How much was done, and how fast; durations in seconds, None where nothing was measured."""

    completed: int
    tasks_per_s: float | None
    claim_to_complete_p50_s: float | None
    claim_to_complete_p99_s: float | None
    gaps_s: tuple[float, ...]  # per hand-over: from the last accepted completion before it to the first after it


def figures_of(history: Sequence[Line]) -> Figures:
    """Return the figures of a history in the order of its stamps."""
    claimed = {
        (task["task_id"], task["attempt"]): line["at_ns"]
        for line in history
        if line["kind"] == "claim" and line["outcome"] == "ok"
        for task in line["tasks"]
    }
    done = [line for line in history if line["kind"] == "complete" and line["outcome"] == "accepted"]
    took = sorted(
        (line["at_ns"] - claimed[line["task_id"], line["attempt"]]) / NS
        for line in done
        if (line["task_id"], line["attempt"]) in claimed
    )
    span_s = (done[-1]["at_ns"] - done[0]["at_ns"]) / NS if len(done) > 1 else 0.0
    return Figures(
        completed=len(done),
        tasks_per_s=len(done) / span_s if span_s else None,
        claim_to_complete_p50_s=_quantile(took, 0.5),
        claim_to_complete_p99_s=_quantile(took, 0.99),
        gaps_s=tuple(_gaps(done)),
    )


def _gaps(done: Sequence[Line]) -> list[float]:
    gaps: list[float] = []
    newest: dict[str, Line] = {}
    for line in done:
        before = newest.get(line["environment"])
        if before is not None and before["gateway"] != line["gateway"]:
            gaps.append((line["at_ns"] - before["at_ns"]) / NS)
        newest[line["environment"]] = line
    return gaps


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
