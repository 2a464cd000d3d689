"""Seeds that once found a fault of the product, or would have: they find it again as soon as its line is back.

A change of the product may move the seed. The search then goes on from the pinned one; where it ends is as good a seed.
"""

from __future__ import annotations

import os

import pytest

from devhost.simulation.run import run_seed
from tests.mutants.catalogue import MUTANTS
from tests.mutants.gate import copied_tree, noticed_by
from tests.mutants.mutant import Mutant
from tests.mutants.runs import Runs

PINNED = [mutant for mutant in MUTANTS if mutant.seeds is not None and mutant.seeds.breaks]


def test_a_fault_of_ours_is_pinned() -> None:
    # A host that died between the move and its audit entry: the repeated step took the move for done and told nobody.
    assert "a move is not audited when its host dies right after it" in [mutant.name for mutant in PINNED]


@pytest.mark.parametrize("mutant", PINNED, ids=lambda mutant: mutant.name)
def test_the_seed_breaks_its_invariant_with_the_old_line_and_nothing_with_todays(mutant: Mutant) -> None:
    assert mutant.seeds is not None
    with copied_tree() as tree, Runs(1, dict(os.environ)) as runs:
        mutant.apply(tree)
        seed, invariant = noticed_by(mutant.seeds, tree, runs)
    assert invariant == mutant.seeds.breaks
    assert run_seed(seed).violations == []
