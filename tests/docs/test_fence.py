"""docs/explanation/fence.md names for every safeguard the mutants that show its need, and only ones that exist."""

from __future__ import annotations

import re
from pathlib import Path

from docs.model.checks import MUTANTS as MODEL_MUTANTS
from tests.mutants.catalogue import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/explanation/fence.md").read_text(encoding="utf-8")
PLAIN = " ".join(TEXT.split())
SHOWN_BY = re.findall(r"\*\*[^*]+\*\* \(((?:M\d+|\")[^)]*)\)", PLAIN)
NAMES = {mutant.name for mutant in MUTANTS}


def test_every_safeguard_names_a_mutant_of_the_code_that_exists() -> None:
    named = [re.findall(r'"([^"]+)"', shown) for shown in SHOWN_BY]
    assert len(named) >= 19
    assert all(named)
    assert {name for names in named for name in names} - NAMES == set()


def test_every_mutant_of_the_model_that_is_named_exists() -> None:
    numbers = {int(number) for shown in SHOWN_BY for number in re.findall(r"\bM(\d+)", shown)}
    assert len(numbers) >= 30
    assert numbers - {mutant.number for mutant in MODEL_MUTANTS} == set()


def test_every_mutant_of_the_model_that_a_row_gives_as_its_source_exists() -> None:
    numbers = {int(number) for mutant in MUTANTS for number in re.findall(r"\bM(\d+)", mutant.rule)}
    assert numbers - {mutant.number for mutant in MODEL_MUTANTS} == set()
