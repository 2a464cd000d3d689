"""The ceilings, and that the kept figures are what the product does: everything is counted again, on real stores."""

import json
import subprocess
import sys
from typing import Final

import pytest

from devhost.lab.layout import ROOT
from devhost.usage.drive import looks_within
from devhost.usage.figures import HEARTBEAT_CEILING, PASS_CEILING_PER_ENVIRONMENT, Figures, kept_figures

FIRST_PASS_CEILING: Final = 4  # a process that has just started reads locks and sight as well
MARK_CEILING: Final = 12  # and reads and writes the lock, the audit trail and, for mark and verdict, the timeline
VERDICT_TOLD: Final = 2  # a changed verdict is looked for in the timeline, and written
HEARTBEATS: Final = ("heartbeat_holder", "heartbeat_standby")


@pytest.fixture(scope="module")
def counted() -> Figures:
    """What `make usage` counts now; a process of its own, since the product builds its ports once per process."""
    ran = subprocess.run(
        [sys.executable, "-m", "devhost", "usage", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=110,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return Figures.from_json(json.loads(ran.stdout))


def test_the_kept_figures_are_what_is_counted_now(counted: Figures) -> None:
    kept = kept_figures()
    assert counted.pieces.keys() == kept.pieces.keys()
    for name, piece in kept.pieces.items():
        assert counted.pieces[name] == piece, f"{name}: keep the new figures with `make usage ARGS=--keep`"
    assert counted == kept


def test_every_function_ended_within_the_second_that_is_billed_anyway() -> None:
    """As kept: how fast a busy machine is today says nothing about the bill."""
    kept = kept_figures()
    pieces = [*kept.pieces.values(), *kept.monitor_pass.values(), *kept.mirror_pass.values()]
    assert 0.0 < max(piece.longest_s for piece in pieces) <= 1.0


@pytest.mark.parametrize("name", HEARTBEATS)
def test_a_heartbeat_keeps_its_ceiling(counted: Figures, name: str) -> None:
    assert counted.pieces[name].requests <= HEARTBEAT_CEILING


@pytest.mark.parametrize("environments", [1, 2, 4])
def test_an_idle_pass_keeps_its_ceiling_also_for_a_single_environment(counted: Figures, environments: int) -> None:
    assert counted.monitor_pass[environments].requests <= PASS_CEILING_PER_ENVIRONMENT * environments


def test_a_pass_that_has_to_look_or_to_act_stays_small(counted: Figures) -> None:
    assert counted.pieces["monitor_first_pass"].requests <= FIRST_PASS_CEILING
    assert counted.pieces["marking_pass"].requests <= MARK_CEILING


def test_idling_is_its_heartbeats_and_its_passes_and_nothing_else(counted: Figures) -> None:
    idle, ticks, environments = counted.pieces["idle_five_minutes"], 20, 2
    steady = environments * counted.pieces["heartbeat_holder"].requests + counted.monitor_pass[2].requests
    steady += counted.mirror_pass[2].requests + counted.pieces["timeout_pass"].requests
    first = counted.pieces["monitor_first_pass"].requests - counted.monitor_pass[2].requests
    assert idle.requests == ticks * steady + first + VERDICT_TOLD  # a standby has gone cold before
    assert (idle.http_calls, idle.timer_calls) == (ticks * environments, 3 * ticks)


def test_an_operation_is_counted_with_its_caller_its_steps_and_its_waits(counted: Figures) -> None:
    failover = counted.pieces["failover"]
    assert failover.http_calls == 1
    assert failover.table_requests["environmentlocks.replace"] == 3  # begin, move, finish
    assert failover.episodes == 1 + failover.activities + failover.durable_timers
    assert 240 < failover.lasts_s < 600  # the cluster takes 240 s, its gateway 60 s


@pytest.mark.parametrize(("wait_s", "looks"), [(0.0, 1), (0.05, 2), (0.15, 3), (1.15, 6), (1.2, 7), (25.0, 54)])
def test_a_waiting_caller_looks_at_once_then_ever_more_rarely_and_once_at_the_end(wait_s: float, looks: int) -> None:
    assert looks_within(wait_s) == looks


def test_the_ceilings_are_those_that_were_promised() -> None:
    assert (HEARTBEAT_CEILING, PASS_CEILING_PER_ENVIRONMENT) == (3, 2)
