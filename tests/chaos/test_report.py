"""A run is good only when nothing at all is wrong with it, and a bad one says what, where and how to draw it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devhost.chaos.api import Answer, Heard
from devhost.chaos.checker import check
from devhost.chaos.figures import figures_of
from devhost.chaos.operators import HandOver
from devhost.chaos.report import Report
from devhost.chaos.run import Outcome, Wish
from devhost.chaos.settings import STEADY
from tests.chaos.stories import D, Story, closed, handed_over

WISH = Wish(seed=7, minutes=10, hosts=4, work=STEADY)
DONE = HandOver(environment="PRO", what="failover", token="20", took_s=6.5, asked_ns=1, acknowledged_ns=2)


def good_outcome() -> Outcome:
    outcome = Outcome(settled_after_s=9.0)
    outcome.faults["host killed"] += 3
    outcome.tally.count("failover", Answer(heard=Heard.OK, status=200))
    outcome.tally.hand_overs.append(DONE)
    return outcome


def report(outcome: Outcome, story: Story | None = None) -> Report:
    told = story or Story()
    if story is None:
        handed_over(told)
    lines = closed(told)
    return Report(wish=WISH, outcome=outcome, judgement=check(lines), history=lines)


def test_a_good_run_says_so_and_how_much_it_was() -> None:
    good = report(good_outcome())
    assert good.is_good
    assert list(good.lines())[-1] == "seed 7: 3 faults, 1 hand-overs, 0 violations, settled after 9.0 s: good"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"settled_after_s": None, "unsettled": "3 tasks are pending"}, "did not settle: 3 tasks are pending"),
        ({"unexpected_deaths": ["host-2 ended with code 1"]}, "died unasked: host-2 ended with code 1"),
    ],
)
def test_a_run_with_something_wrong_is_not_good_and_can_be_drawn_again(wrong: dict[str, Any], said: str) -> None:
    bad = report(replace(good_outcome(), **wrong))
    assert not bad.is_good
    lines = list(bad.lines())
    assert said in lines
    assert lines[-1] == 'again: make chaos SEED=7 MINUTES=10 ARGS="--hosts 4"'


def test_a_hand_over_that_took_long_under_faults_is_told_and_breaks_no_promise() -> None:
    outcome = good_outcome()
    outcome.tally.late.append("failover of PRO: last answer 409 PrimaryNotFailed")
    late = report(outcome)
    assert late.is_good
    assert "not in time: failover of PRO: last answer 409 PrimaryNotFailed" in late.lines()


def test_a_violation_is_told_with_the_lines_around_it() -> None:
    story = Story()
    handed_over(story)
    story.queue("t").work(D, 20, "t").complete(D, 20, "t").listed("t", D)
    bad = report(good_outcome(), story)
    assert not bad.is_good
    said = list(bad.lines())
    at = next(index for index, line in enumerate(said) if line.startswith("VIOLATION  one outcome per task: t:"))
    told = said[at + 1 :]
    assert sum("task_id=t" in line and "complete " in line for line in told) == 2
    assert any("operation.answered" in line and "failover" in line for line in told)


def test_figures_count_what_was_accepted_and_how_long_nobody_worked() -> None:
    story = Story()
    handed_over(story)
    figures = figures_of(closed(story))
    assert figures.completed == 2
    assert figures.claim_to_complete_p50_s == pytest.approx(0.007)
    accepted = [line["at_ns"] for line in story.lines if line.get("outcome") == "accepted"]
    assert list(figures.gaps_s) == pytest.approx([(accepted[1] - accepted[0]) / 1e9])
