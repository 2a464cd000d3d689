"""The last line of a continuous-integration run, and its exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.tidy.tree import ROOT


def totals_of(report: Path) -> tuple[int, str]:
    """Return the exit code and the last line printed for a JUnit report."""
    command = [sys.executable, str(ROOT / ".ci" / "totals.py"), str(report)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout.strip().splitlines()[-1]


def written(folder: Path, *, tests: int, failures: int, errors: int) -> Path:
    report = folder / "junit.xml"
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="0"'
    report.write_text(f"<testsuites><testsuite {counts}/></testsuites>", encoding="utf-8")
    return report


def test_a_run_without_failures_is_a_success(tmp_path: Path) -> None:
    assert totals_of(written(tmp_path, tests=7, failures=0, errors=0)) == (0, "7 passed, 0 failed")


def test_failures_and_errors_count_as_failed(tmp_path: Path) -> None:
    assert totals_of(written(tmp_path, tests=7, failures=1, errors=2)) == (1, "4 passed, 3 failed")


def test_a_run_that_executed_nothing_is_a_failure(tmp_path: Path) -> None:
    assert totals_of(written(tmp_path, tests=0, failures=0, errors=0)) == (1, "0 passed, 0 failed")


def test_a_missing_report_is_a_failure(tmp_path: Path) -> None:
    assert totals_of(tmp_path / "none.xml") == (1, "0 passed, 0 failed")
