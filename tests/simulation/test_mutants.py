"""The simulation can fail: every safety line taken out of a copy of the product is missed within 300 seeds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shared", "gateway_agent", "devhost")
COMMAND = "from devhost.simulation.command import simulate; simulate()"


def simulated(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", COMMAND, *words]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=110)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_simulation_notices_that(mutant: Mutant, tmp_path: Path) -> None:
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    mutant.apply(tmp_path)

    found = simulated(tmp_path, "--seeds", "300", "--jobs", "1")

    assert found.returncode == 1, found.stdout[-2000:] + found.stderr[-2000:]
    replay = next(line for line in found.stdout.splitlines() if line.startswith("Replay: "))
    again = simulated(tmp_path, *replay.removeprefix("Replay: python -m devhost simulate ").split())
    assert again.returncode == 1
    violations = [line for line in found.stdout.splitlines() if line.startswith("VIOLATION")]
    assert violations == [line for line in again.stdout.splitlines() if line.startswith("VIOLATION")]
    assert len(violations) >= 1
