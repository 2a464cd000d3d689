"""The judge of a chaos run: which promises does its history break?

It knows what was promised and nothing of how: it reads the events that gateways, operators and the fault injector have
written down, and imports no code of the product. Every rule compares only what the writers could know: a call did
whatever it did between being sent and being answered, so one call came after another only when it was sent after the
other had been answered.

What the rules excuse, and why:

* A store that went on with an older state has forgotten what was written in between (`data_loss`). A claim, completion
  or queued task of that time may happen again; a token never may.
* A process can be stopped between asking whether it may act and acting. Its effect then runs on when its lease is over,
  and nothing on this machine could prevent that. So the *asking* is held against the lease without exception, and
  overlapping effects are excused when the older one took longer than the margins that separate two leases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from devhost.chaos import rules_of_holders as holders
from devhost.chaos import rules_of_tasks as tasks
from devhost.chaos.events import History, Line, parse
from devhost.chaos.findings import Violation

Rule = Callable[[History], Iterator[Violation]]

RULES: Final[tuple[Rule, ...]] = (
    holders.one_gateway_per_token,
    holders.tokens_never_go_back,
    holders.nothing_under_a_superseded_token,
    holders.acknowledged_tokens_rise,
    holders.operations_share_no_token,
    holders.nobody_acts_after_a_newer_holder,
    holders.effects_overlap_within_the_margins,
    holders.nothing_works_on_a_regressed_authority,
    holders.refusals_leave_nothing,
    tasks.an_attempt_is_given_once,
    tasks.attempts_rise,
    tasks.one_outcome_per_task,
    tasks.completions_belong_to_claims,
    tasks.superseded_attempts_complete_nothing,
    tasks.effects_belong_to_claims,
    tasks.no_task_is_lost,
    tasks.one_task_per_key,
    tasks.every_task_ends,
    tasks.outcomes_are_kept,
    tasks.outcomes_have_an_author,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the history came to. A run that did no work around a hand-over proves nothing: `idle` lists those."""

    violations: tuple[Violation, ...]
    idle: tuple[str, ...]
    excused_overlaps: int  # effects of gateways that were stopped, or starved, for longer than the margins
    forgotten: int  # accepted calls that a store may have lost, and that were therefore not held against a repetition

    @property
    def is_clean(self) -> bool:
        """Whether nothing was broken and the run proves something."""
        return not self.violations and not self.idle


def check(lines: Iterable[Line]) -> Judgement:
    """Return the judgement on a history. Raises KeyError or ValueError for lines that are none."""
    history = parse(lines)
    return Judgement(
        violations=tuple(violation for rule in RULES for violation in rule(history)),
        idle=tuple(_idle(history)),
        excused_overlaps=len({older for older, _, excused in holders.overlaps(history) if excused}),
        forgotten=sum(1 for said in history.said if history.forgotten(said)),
    )


def _idle(history: History) -> Iterator[str]:
    """Yield the hand-overs without a claim under an older token before them and one under theirs, or newer, after."""
    claims = history.of("claim")
    for done in history.acknowledged:
        if done.what not in ("failover", "failback") or done.token is None:
            continue
        own = [claim for claim in claims if claim.environment == done.environment]
        before = any(claim.token < done.token and claim.sent_ns < done.at_ns for claim in own)
        after = any(claim.token >= done.token for claim in own)
        if not (before and after):
            missing = "before" if not before else "after"
            yield f"{done.what} of {done.environment} under {done.token}: no claim {missing} it"
    if not any(done.what in ("failover", "failback") for done in history.acknowledged):
        yield "no hand-over at all"
