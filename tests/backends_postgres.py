"""A real PostgreSQL for tests: one server per session, and for each test a database of its own.

Registered as a plugin (`pytest_plugins = ["tests.backends_postgres"]`), so that all tests share the one server.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from devhost.backends.postgres import Postgres
from shared.adapters.postgres_migrate import migrate

LENT_SERVER = "MVDR_TEST_POSTGRES"  # the URL of a running server that several test runs at once may use
TEMPLATE = f"migrated_template_{os.getpid()}"
_NUMBERS = itertools.count(1)


class LentPostgres(Postgres):
    """A server that somebody else started and will stop."""

    def __init__(self, url: str) -> None:
        """Use the server at this URL, as its superuser."""
        super().__init__(Path("lent"))
        self._url = urlsplit(url)

    def dsn(self, database: str = "postgres") -> str:
        """Return the connection string of a database."""
        return urlunsplit(self._url._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running server with a migrated template database; leave it running."""
    if lent := os.environ.get(LENT_SERVER):
        server: Postgres = LentPostgres(lent)
    else:
        server = Postgres(tmp_path_factory.mktemp("postgres") / "data")
        server.start()
    try:
        migrate(server.clone_database("template1", TEMPLATE), say=len)
        yield server
    finally:
        if not lent:
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
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    yield server.clone_database(template, name)
    server.drop_database(name)
