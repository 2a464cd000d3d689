"""What a run says at its end: tables, figures, the verdict, and for a broken promise the history around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from devhost.chaos.checker import Judgement
from devhost.chaos.events import Line
from devhost.chaos.figures import figures_of
from devhost.chaos.findings import Violation
from devhost.chaos.run import Outcome, Wish

SHOWN = 5  # violations told in full
BEFORE_NS, AFTER_NS = 20 * 10**9, 2 * 10**9
LINES_SHOWN = 60
BRIEF = frozenset({"at", "at_ns", "kind", "boot"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run with everything that is known of it."""

    wish: Wish
    outcome: Outcome
    judgement: Judgement
    history: Sequence[Line]

    @property
    def is_good(self) -> bool:
        """Whether nothing was broken, everything settled in time, nothing died unasked, and work went on."""
        outcome = self.outcome
        # A hand-over that took long while everything was breaking is told, and breaks no promise.
        return self.judgement.is_clean and outcome.settled_after_s is not None and not outcome.unexpected_deaths

    def lines(self) -> Iterator[str]:
        """Yield the report line by line; the last one is the verdict."""
        yield ""
        yield from _table("faults by kind", self.outcome.faults)
        answers = {f"{what}: {heard}": count for (what, heard), count in self.outcome.tally.answers.items()}
        yield from _table("operations by answer", answers)
        yield from _table("tasks", self._tasks())
        yield from self._figures()
        yield from self._troubles()
        for violation in self.judgement.violations[:SHOWN]:
            yield from _story(violation, self.history)
        yield self._verdict()
        if not self.is_good:
            yield f"again: make chaos {self._again()}"

    def _tasks(self) -> Mapping[str, int]:
        listed = Counter(line["status"] for line in self.history if line["kind"] == "final.task")
        completions = Counter(line["outcome"] for line in self.history if line["kind"] == "complete")
        decided = {f"in doubt, then {decision} by a person": count for decision, count in self.outcome.decided.items()}
        return {
            "created": sum(listed.values()),
            **{status: listed[status] for status in ("succeeded", "failed", "in_doubt", "pending", "running")},
            **decided,
            **{f"completion {outcome}": count for outcome, count in sorted(completions.items())},
        }

    def _figures(self) -> Iterator[str]:
        figures = figures_of(self.history)
        gaps = sorted(figures.gaps_s)
        took = sorted(done.took_s for done in self.outcome.tally.hand_overs)
        yield "figures"
        yield f"  {figures.completed} completions accepted, {_number(figures.tasks_per_s, 'tasks/s')}"
        yield (
            f"  claim to completion p50 {_number(figures.claim_to_complete_p50_s, 's')}, "
            f"p99 {_number(figures.claim_to_complete_p99_s, 's')}"
        )
        yield f"  {len(took)} hand-overs, from request to acknowledgement {_spread(took)}"
        yield f"  from the last completion of one gateway to the first of the next {_spread(gaps)}"
        yield (
            f"  excused: {self.judgement.excused_overlaps} effects of stopped gateways, "
            f"{self.judgement.forgotten} answers the database has forgotten"
        )

    def _troubles(self) -> Iterator[str]:
        outcome = self.outcome
        for name in outcome.unexpected_deaths:
            yield f"died unasked: {name}"
        for late in outcome.tally.late:
            yield f"not in time: {late}"
        for idle in self.judgement.idle:
            yield f"proves nothing: {idle}"
        if outcome.settled_after_s is None:
            yield f"did not settle: {outcome.unsettled}"

    def _verdict(self) -> str:
        settled = self.outcome.settled_after_s
        return (
            f"seed {self.wish.seed}: {sum(self.outcome.faults.values())} faults, "
            f"{len(self.outcome.tally.hand_overs)} hand-overs, {len(self.judgement.violations)} violations, "
            + (f"settled after {settled:.1f} s" if settled is not None else "not settled")
            + (": good" if self.is_good else ": NOT GOOD")
        )

    def _again(self) -> str:
        wish = self.wish
        if wish.tasks is not None:
            return f'SEED={wish.seed} ARGS="--tasks {2 * wish.tasks} --hosts {wish.hosts}"'
        return f'SEED={wish.seed} MINUTES={wish.minutes:g} ARGS="--hosts {wish.hosts}"'


def _table(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield title
    width = max((len(name) for name in counts), default=0)
    for name, count in counts.items():
        yield f"  {name:<{width}}  {count:>6}"


def _story(violation: Violation, history: Sequence[Line]) -> Iterator[str]:
    """Yield what was broken and the lines that have to do with it."""
    yield f"VIOLATION  {violation.rule}: {violation.text}"
    near = [
        line
        for line in history
        if _is_about(line, violation) or line["kind"] in ("fault", "fault.ended", "data_loss", "operation.answered")
    ]
    if violation.at_ns:
        near = [line for line in near if -BEFORE_NS < line["at_ns"] - violation.at_ns < AFTER_NS]
    for line in near[-LINES_SHOWN:]:
        members = " ".join(f"{name}={value}" for name, value in line.items() if name not in BRIEF)
        yield f"    {line['at_ns'] / 1e9:14.4f}  {line['kind']:<18} {members}"


def _is_about(line: Line, violation: Violation) -> bool:
    return any(word in str(line) for word in violation.about)


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.3g} {unit}"


def _spread(ordered: Sequence[float]) -> str:
    if not ordered:
        return "-"
    return f"{ordered[0]:.1f} to {ordered[-1]:.1f} s, half of them within {ordered[len(ordered) // 2]:.1f} s"
