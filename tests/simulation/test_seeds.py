"""300 seeds of the real flows and steps under faults: nothing breaks, and everything worth reaching is reached."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import fields

import pytest

from devhost.simulation.command import Verdict, verdicts
from devhost.simulation.places import expected
from devhost.simulation.run import run_seed, seeded
from devhost.simulation.swarm import Swarm, draw

SEEDS = range(300)


@pytest.fixture(scope="module")
def ran() -> list[Verdict]:
    return list(verdicts(SEEDS, jobs=os.cpu_count() or 1))


def test_no_seed_breaks_an_invariant(ran: list[Verdict]) -> None:
    broken = {f'make simulate ARGS="--seed {v.seed} --trace"': v.violations[0] for v in ran if v.violations}
    assert broken == {}


def test_everything_worth_reaching_is_reached(ran: list[Verdict]) -> None:
    reached = sum((verdict.reached for verdict in ran), Counter[str]())
    assert [place for place in expected(len(ran)) if not reached[place]] == []


def test_every_kind_of_fault_is_injected(ran: list[Verdict]) -> None:
    drawn = Counter(f.name for seed in SEEDS for f in fields(Swarm) if getattr(mix(seed), f.name))
    assert [f.name for f in fields(Swarm) if not drawn[f.name]] == []
    faults = sum((verdict.faults for verdict in ran), Counter[str]())
    assert len(faults) >= 34, sorted(faults)
    assert faults.total() > 50 * len(SEEDS)


def test_one_seed_in_five_is_without_faults(ran: list[Verdict]) -> None:
    calm = [verdict for verdict in ran if mix(verdict.seed).calm]
    assert 0.1 * len(SEEDS) < len(calm) < 0.3 * len(SEEDS)
    assert sum(verdict.faults.total() for verdict in calm) == 0
    assert sum(verdict.reached["failover succeeded"] for verdict in calm) > len(calm) / 2


def test_a_seed_run_again_has_the_same_history(ran: list[Verdict]) -> None:
    for verdict in ran[::50]:
        assert run_seed(verdict.seed).history.digest() == verdict.digest


def test_seeds_differ(ran: list[Verdict]) -> None:
    assert len({verdict.digest for verdict in ran}) == len(SEEDS)


def mix(seed: int) -> Swarm:
    return draw(seeded(seed, "swarm"))
