"""A short life of real parts: two hosts, both environments handed over, and a few faults one after the other."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import pytest

from devhost.chaos.checker import check
from devhost.chaos.director import Director, Lane
from devhost.chaos.faults_of_parts import answer_lost, host_killed, link_cut
from devhost.chaos.record import read_history
from devhost.chaos.report import Report
from devhost.chaos.run import Wish, carry_out
from devhost.chaos.settings import STEADY
from devhost.lab.layout import DEFAULT, Layout

pytestmark = pytest.mark.timeout(300)

SEED = 7
LAYOUT = Layout(folder=DEFAULT / "chaos-test")
WISH = Wish(seed=SEED, minutes=2.0, hosts=2, work=STEADY, hand_overs=2)


def fixed_faults(director: Director) -> Sequence[Lane]:
    """Kill a host, lose answers, cut a link, and let PostgreSQL fail over to an older state."""

    def run(stopping: threading.Event) -> None:
        chance = random.Random(SEED)
        for fault in (answer_lost, host_killed, answer_lost, link_cut):
            fault(director.topology, director.told, chance, stopping)
        director.stores.database_failed_over(stopping)

    return (run,)


def test_hand_overs_under_faults_keep_every_promise() -> None:
    said: list[str] = []
    with LAYOUT.only_one():
        outcome = carry_out(WISH, LAYOUT, fixed_faults, write=said.append, stopping=threading.Event())
    history = read_history(LAYOUT.folder / "history")
    report = Report(wish=WISH, outcome=outcome, judgement=check(history), history=history)
    assert report.is_good, "\n".join([*said, *report.lines()])
    assert sum(outcome.faults.values()) >= 7  # five of the lane, one silence per environment
    assert [line["store"] for line in history if line["kind"] == "data_loss"] == ["database"]
