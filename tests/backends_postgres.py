"""A real PostgreSQL for tests: one server per session, and for each test a database of its own.

Registered as a plugin (`pytest_plugins = ["tests.backends_postgres"]`), so that all tests share the one server.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.backends.postgres import Postgres
from shared.adapters.postgres_migrate import migrate

TEMPLATE = "migrated_template"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running server with a migrated template database; leave it running."""
    server = Postgres(tmp_path_factory.mktemp("postgres") / "data")
    server.start()
    try:
        migrate(server.clone_database("template1", TEMPLATE), say=len)
        yield server
    finally:
        server.stop()


@pytest.fixture
def database_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    yield from _database(postgres_server, template=TEMPLATE)


@pytest.fixture
def bare_database_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a database of the test's own without any table."""
    yield from _database(postgres_server, template="template1")


@pytest.fixture(scope="module")
def breakable_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, Path]]:
    """A migrated server of the module's own, for tests that stop it, and its data directory."""
    data = tmp_path_factory.mktemp("breakable") / "data"
    server = Postgres(data)
    try:
        migrate(server.start(), say=len)
        yield server, data
    finally:
        server.stop()


def _database(server: Postgres, *, template: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    yield server.clone_database(template, name)
    server.drop_database(name)
