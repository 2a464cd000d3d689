"""`python -m devhost simulate` says how many seeds, faults and violations, and answers by its exit code."""

from __future__ import annotations

import re

from click.testing import CliRunner

from devhost.simulation.command import simulate


def test_a_clean_run_ends_with_its_totals_and_exit_code_0() -> None:
    result = CliRunner().invoke(simulate, ["--seeds", "4", "--jobs", "1"])
    assert result.exit_code == 0
    assert re.fullmatch(r"4 seeds, \d+ faults of \d+ kinds, 0 violations", result.output.splitlines()[-1])


def test_one_seed_can_be_told_in_full_and_twice_the_same() -> None:
    results = [CliRunner().invoke(simulate, ["--seed", "3", "--trace"]) for _ in range(2)]
    assert results[0].exit_code == 0
    assert results[0].output == results[1].output
    assert "LockWritten" in results[0].output
    assert "digest" in results[0].output


def test_without_the_trace_a_clean_seed_is_told_in_few_words() -> None:
    result = CliRunner().invoke(simulate, ["--seed", "3"])
    assert "LockWritten" not in result.output
