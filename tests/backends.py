"""The storage emulator for tests that need a real table service: started once per test run, always stopped."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.backends.azurite import Azurite

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(os.environ.get("MVDR_TEST_AZURITE", ROOT / ".lab" / "azurite"))  # where the emulator is installed


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a running emulator with no tables in it; fails when it does not start."""
    emulator = Azurite(tmp_path_factory.mktemp("azurite") / "data", package=PACKAGE)
    connection_string = emulator.start()
    try:
        yield connection_string
    finally:
        emulator.stop()
