"""`python -m devhost simulate`: many seeds, each a life of one environment under faults."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context

import click

from devhost.simulation.checkers import Violation
from devhost.simulation.history import rendered
from devhost.simulation.places import expected
from devhost.simulation.run import Run, run_seed

SEEDS = 20_000  # what `make simulate` runs
TOLD_EVERY_S = 10.0
CHUNK = 10
VIOLATIONS_SHOWN = 5
TRACE_BEFORE, TRACE_AFTER = 60, 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one seed came to, small enough to travel between processes."""

    seed: int
    violations: tuple[Violation, ...]
    faults: Counter[str]
    reached: Counter[str]
    digest: str


def judge(seed: int) -> Verdict:
    """Run one seed."""
    run = run_seed(seed)
    history = run.history
    return Verdict(seed, tuple(run.violations), history.faults, history.reached, history.digest())


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=SEEDS, show_default=True, help="How many seeds.")
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="The first of them.")
@click.option("--seed", type=click.IntRange(0), help="This one seed alone.")
@click.option("--trace", is_flag=True, help="Print everything that happened, with --seed.")
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes; one per core if not said."
)
def simulate(seeds: int, first: int, seed: int | None, trace: bool, jobs: int) -> None:
    """Run the real flows and steps under seeded faults, and check that two gateways never act at once.

    Stops at the first seed that breaks an invariant and says how to replay it. Exit code 0 only without a
    violation, and when many seeds have reached every place they should.
    """
    if seed is not None:
        sys.exit(_one(seed, whole_trace=trace))
    sys.exit(_many(range(first, first + seeds), jobs=jobs))


def verdicts(seeds: range, *, jobs: int) -> Iterator[Verdict]:
    """Yield the verdict on each seed, in order."""
    if jobs == 1 or len(seeds) < 2 * CHUNK:
        yield from map(judge, seeds)
        return
    # Spawned, not forked: a run leaves threads behind only in its own process.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(judge, seeds, chunksize=CHUNK)
        finally:
            pool.shutdown(cancel_futures=True)


def _one(seed: int, *, whole_trace: bool) -> int:
    run = run_seed(seed)
    _tell_swarm(run)
    _tell_trace(run, whole=whole_trace)
    _tell_violations(run)
    _tell_counts("reached", run.history.reached)
    _tell_counts("fault", run.history.faults)
    click.echo(f"digest {run.history.digest()}")
    return _last_line(1, run.history.faults, len(run.violations))


def _many(seeds: range, *, jobs: int) -> int:
    faults: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    began_s = told_s = time.monotonic()
    done, violations = 0, 0
    for verdict in verdicts(seeds, jobs=jobs):
        done += 1
        faults += verdict.faults
        reached += verdict.reached
        if verdict.violations:
            violations = len(verdict.violations)
            run = run_seed(verdict.seed)
            _tell_swarm(run)
            _tell_trace(run, whole=False)
            _tell_violations(run)
            break
        if time.monotonic() - told_s > TOLD_EVERY_S:
            told_s = time.monotonic()
            click.echo(f"{done} of {len(seeds)} seeds, {done / (told_s - began_s):.0f} a second")
    _tell_counts("reached", reached)
    _tell_counts("fault", faults)
    missed = [place for place in expected(done) if not reached[place]] if not violations else []
    for place in missed:
        click.echo(f"NEVER REACHED: {place}")
    return max(_last_line(done, faults, violations), 1 if missed else 0)


def _last_line(seeds: int, faults: Counter[str], violations: int) -> int:
    click.echo(f"{seeds} seeds, {faults.total()} faults of {len(faults)} kinds, {violations} violations")
    return 1 if violations else 0


def _tell_swarm(run: Run) -> None:
    mix = {f.name: getattr(run.swarm, f.name) for f in fields(run.swarm)}
    click.echo(f"seed {run.seed}: " + " ".join(f"{name}={value:g}" for name, value in mix.items() if value))


def _tell_trace(run: Run, *, whole: bool) -> None:
    events = run.history.events
    if not whole:
        if not run.violations:
            return
        first_s = run.violations[0].at_s
        before = [event for event in events if event.at_s <= first_s][-TRACE_BEFORE:]
        after = [event for event in events if event.at_s > first_s][:TRACE_AFTER]
        events = before + after
    for line in rendered(events):
        click.echo(line)


def _tell_violations(run: Run) -> None:
    for violation in run.violations[:VIOLATIONS_SHOWN]:
        click.echo(f"VIOLATION at {violation.at_s:.3f} s: {violation.invariant}: {violation.detail}")
    if run.violations:
        click.echo(f'Replay: make simulate ARGS="--seed {run.seed} --trace"')


def _tell_counts(word: str, counts: Counter[str]) -> None:
    for name, count in _sorted(counts.items()):
        click.echo(f"  {count:8d}  {word}: {name}")


def _sorted(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counts, key=lambda item: (-item[1], item[0]))
