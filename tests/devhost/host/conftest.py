"""Fixtures: one shared host of the main sample application, and a maker of private ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.devhost.host.running import Host

MakeHost = Callable[..., Host]


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A running host of the main application; tests use instance ids of their own."""
    running = Host("main", tmp_path_factory.mktemp("host")).start()
    yield running
    running.kill()


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[MakeHost]:
    """Makes hosts that are not started yet, all on the test's own folder; what still runs at the end is killed."""
    made: list[Host] = []

    def make(app: str, **environment: str) -> Host:
        made.append(Host(app, tmp_path, **environment))
        return made[-1]

    yield make
    for host in made:
        host.kill()
