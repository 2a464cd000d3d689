"""The mutation gate: each safeguard is taken out of a copy of the tree, and what must notice is run there.

A mutant is killed when its test turns red for what it asserts and, where the row names it, the simulation breaks an
invariant. All else fails the gate: a test that stays green, one that was red before or could not run, a line that is
not there exactly once.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devhost.backends.postgres import Postgres
from devhost.simulation.run import run_seed
from tests.backends_postgres import LENT_SERVER
from tests.mutants.mutant import SEEDS, Mutant, Seeds
from tests.mutants.runs import Runs

ROOT: Final = Path(__file__).resolve().parents[2]
COPIED: Final = ("shared", "functions", "gateway_agent", "devhost", "release", "tests", "infra/sql")
ALL_GREEN, SOME_RED = 0, 1  # pytest's exit codes; the others mean that nothing was judged
# A mutant that does not even run says nothing about a safeguard.
NOT_JUDGED: Final = re.compile(r"^E .*\b(NameError|ImportError|ModuleNotFoundError|SyntaxError|Undefined\w+)\b", re.M)

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one mutant."""

    mutant: Mutant
    killed: bool
    seconds: float
    says: str  # what killed it, or why it is not killed
    seed: int | None = None  # the seed in which the simulation noticed

    def line(self) -> str:
        """Return the outcome for people."""
        verdict = "killed  " if self.killed else "SURVIVED"
        return f"{verdict} {self.seconds:5.1f} s  {self.mutant.name}  by {self.says}"


class NotKilled(Exception):
    """What must notice did not, or could not be asked."""


def run_gate(mutants: Sequence[Mutant], *, jobs: int, say: Say) -> list[Outcome]:
    """Return what became of each mutant, in order, and say it as it becomes known.

    Raises:
        NotKilled: A test is red, or a seed breaks an invariant, although nothing was taken out.
    """
    with lent_postgres() as environment, Runs(jobs, environment) as runs, ThreadPoolExecutor(jobs) as pool:
        unmutated = pool.submit(_require_green, {mutant.test for mutant in mutants}, runs)
        outcomes = []
        for outcome in pool.map(lambda mutant: try_mutant(mutant, runs), mutants):
            say(outcome.line())
            outcomes.append(outcome)
        unmutated.result()
    for seed in sorted({outcome.seed for outcome in outcomes if outcome.seed is not None}):
        if violations := run_seed(seed).violations:
            raise NotKilled(f"seed {seed} breaks an invariant without any mutant: {violations[0]}")
    return outcomes


def try_mutant(mutant: Mutant, runs: Runs) -> Outcome:
    """Take one safeguard out of a copy of the tree and ask what must notice."""
    began_s, seed = time.monotonic(), None
    try:
        with copied_tree() as tree:
            _apply(mutant, tree)
            _require_red(mutant.test, tree, runs)
            says = mutant.test.rpartition("/")[2]
            if mutant.seeds is not None:
                seed, invariant = noticed_by(mutant.seeds, tree, runs)
                says += f" and seed {seed} ({invariant})"
    except NotKilled as why:
        return Outcome(mutant=mutant, killed=False, seconds=time.monotonic() - began_s, says=str(why))
    return Outcome(mutant=mutant, killed=True, seconds=time.monotonic() - began_s, says=says, seed=seed)


def noticed_by(seeds: Seeds, tree: Path, runs: Runs) -> tuple[int, str]:
    """Return the first seed in which the tree breaks the invariant, and which. Raises NotKilled."""
    first = seeds.first
    while first < seeds.first + SEEDS:
        left = seeds.first + SEEDS - first
        run = runs.simulate(["--first", str(first), "--seeds", str(left), "--jobs", "1"], tree)
        broken = re.findall(r"^VIOLATION at \S+ s: ([^:]+):", run.output, re.M)
        replay = re.search(r'^Replay: make simulate ARGS="--seed (\d+) --trace"$', run.output, re.M)
        if not broken or replay is None:
            break
        if not seeds.breaks or seeds.breaks in broken:
            return int(replay[1]), seeds.breaks or broken[0]
        first = int(replay[1]) + 1
    raise NotKilled(f"{SEEDS} seeds from {seeds.first} on did not break {seeds.breaks or 'any invariant'}")


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Give a copy of what tests need, compiled files included, and remove it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        tree = Path(name)
        for folder in COPIED:
            shutil.copytree(ROOT / folder, tree / folder)
        shutil.copy2(ROOT / "pyproject.toml", tree)
        yield tree


@contextmanager
def lent_postgres() -> Iterator[dict[str, str]]:
    """Give the environment in which test runs share one PostgreSQL server instead of starting one each."""
    with tempfile.TemporaryDirectory(prefix="mutants-postgres-") as name:
        server = Postgres(Path(name) / "data")
        try:
            url = server.start()
            azurite = os.environ.get("MVDR_TEST_AZURITE", str(ROOT / ".lab" / "azurite"))
            kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
            yield {**kept, LENT_SERVER: url, "MVDR_TEST_AZURITE": azurite}
        finally:
            server.stop()


def _apply(mutant: Mutant, tree: Path) -> None:
    try:
        mutant.apply(tree)
    except (ValueError, SyntaxError) as why:
        raise NotKilled(f"nothing: {why}") from why


def _require_red(test: str, tree: Path, runs: Runs) -> None:
    run = runs.test([test], tree)
    if run.code == ALL_GREEN:
        raise NotKilled(f"nothing: {test} stays green")
    if run.code != SOME_RED or " error" in run.output.splitlines()[-1] or NOT_JUDGED.search(run.output):
        raise NotKilled(f"nothing: {test} did not judge it (exit code {run.code})\n{run.output[-1500:]}")


def _require_green(tests: set[str], runs: Runs) -> None:
    with copied_tree() as tree:
        run = runs.test(sorted(tests), tree)
    if run.code != ALL_GREEN:
        raise NotKilled(f"without any mutant (exit code {run.code}):\n{run.output[-4000:]}")
