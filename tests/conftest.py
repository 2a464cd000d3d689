"""Fixtures every test may ask for, and which tests one worker keeps together."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.backends", "tests.backends_postgres", "tests.backends_roles"]

HERE = Path(__file__).parent
ONE_AT_A_TIME = ("chaos", "e2e")
"""Folders whose tests watch real time or share a lab: two of them at once would be each other's load."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test file to one worker, and the folders above to one worker as a whole."""
    for item in items:
        top = item.path.relative_to(HERE).parts[0]
        group = "real time" if top in ONE_AT_A_TIME else str(item.path.relative_to(HERE))
        item.add_marker(pytest.mark.xdist_group(group))
