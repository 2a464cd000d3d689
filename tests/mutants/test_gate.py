"""Every safeguard in the list, taken out, is noticed; and the gate itself can tell noticing from everything else."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.gate import NotKilled, Outcome, run_gate
from tests.mutants.mutant import Mutant

GREEN = "tests/unit/domain/test_fencing.py::test_the_first_token_is_the_time_in_nanoseconds"
FENCING = "shared/domain/fencing.py"
HARMLESS = Mutant(
    name="harmless", rule="", file=FENCING, line="LARGEST_TOKEN: Final = 2**63 - 1",
    instead="LARGEST_TOKEN: Final = 2 ** 63 - 1", test=GREEN,
)  # fmt: skip
NOT_KILLED = {
    "a test that stays green": (HARMLESS, "stays green"),
    "a line that is not there": (replace(HARMLESS, line="no such line"), "the line is 0 times"),
    "a line that is there twice": (replace(HARMLESS, line="token"), "times in shared/domain/fencing.py"),
    "a mutant that is no Python": (replace(HARMLESS, instead="LARGEST_TOKEN: Final ="), "invalid syntax"),
    "a mutant that cannot be imported": (replace(HARMLESS, instead="from nowhere import x"), "did not judge it"),
    "a mutant with a wrong name": (
        replace(HARMLESS, line="    return FencingToken(token)", instead="    return Fencing(token)"), "did not judge",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    # Beside another worker that may watch real time, the gate takes one core and not all of them.
    jobs = 1 if "PYTEST_XDIST_WORKER" in os.environ else os.cpu_count() or 1
    return {outcome.mutant.name: outcome for outcome in run_gate(MUTANTS, jobs=jobs, say=print)}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [mutant.name for mutant in MUTANTS])
def test_somebody_notices_that(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].killed, outcomes[name].says


def test_each_mutant_has_a_name_and_a_change_of_its_own() -> None:
    assert [name for name, times in Counter(mutant.name for mutant in MUTANTS).items() if times > 1] == []
    changes = Counter((mutant.file, mutant.line, mutant.instead) for mutant in MUTANTS)
    assert [change for change, times in changes.items() if times > 1] == []


@pytest.mark.timeout(240)
def test_what_is_not_noticed_or_not_judged_is_not_killed() -> None:
    tried = [replace(mutant, name=name) for name, (mutant, _) in NOT_KILLED.items()]
    for outcome in run_gate(tried, jobs=2, say=len):
        assert not outcome.killed
        assert NOT_KILLED[outcome.mutant.name][1] in outcome.says


@pytest.mark.timeout(240)
def test_nothing_is_judged_by_a_test_that_is_red_or_missing_without_any_mutant() -> None:
    with pytest.raises(NotKilled, match="without any mutant"):
        run_gate([replace(HARMLESS, test=f"{GREEN}_x")], jobs=1, say=len)


def test_a_mutant_changes_its_own_copy_only(tmp_path: Path) -> None:
    (tmp_path / "shared/domain").mkdir(parents=True)
    (tmp_path / FENCING).write_text("LARGEST_TOKEN: Final = 2**63 - 1\n", encoding="utf-8")
    HARMLESS.apply(tmp_path)
    assert (tmp_path / FENCING).read_text(encoding="utf-8") == "LARGEST_TOKEN: Final = 2 ** 63 - 1\n"
