"""Fixtures every test may ask for, and which tests one worker keeps together."""

from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.backends", "tests.backends_postgres", "tests.backends_roles"]

ONE_AT_A_TIME: Final = ("tests/chaos/", "tests/e2e/")
"""Folders whose tests watch real time or share a lab: two of them at once would be each other's load."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Each test file goes to one worker, and the folders above to one worker as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        return "real time" if nodeid.startswith(ONE_AT_A_TIME) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Distribute tests by `ByFile`."""
    return ByFile(config, log)
