"""One lab for all end-to-end tests: they act in different environments, or leave theirs as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running_lab import ROOT, RunningLab, run_lab, start_lab


@pytest.fixture(scope="session")
def lab() -> Iterator[RunningLab]:
    """A running lab at the default speed, in a folder inside the checkout."""
    folder: Path = ROOT / ".lab" / "e2e"
    run_lab(folder, "down")
    try:
        yield start_lab(folder)
    finally:
        run_lab(folder, "down")
