"""The database as it is deployed: made by the migrating role, worked with by the control plane's role."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from devhost.backends.postgres import Postgres
from release.migrations import apply_grants
from shared.adapters.postgres_migrate import migrate

SQL = Path(__file__).resolve().parents[1] / "infra" / "sql"
TEMPLATE, MIGRATOR, APP = f"deployed_template_{os.getpid()}", "id-migrator", "id-control-plane"
PASSWORD = "only-in-tests"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One database under the eyes of three: the administrator, the migrating identity, and the control plane's."""

    admin_url: str
    migrator_url: str
    app_url: str


def as_user(url: str, user: str, *, role: str = "") -> str:
    """Return the URL for another user, who acts as `role` from the first statement on."""
    rest = url.partition("@")[2]
    options = f"?options={quote(f'-c role={role}')}" if role else ""
    return f"postgresql://{quote(user)}:{PASSWORD}@{rest}{options}"


def seen_by_all(url: str) -> Deployed:
    return Deployed(
        admin_url=url, migrator_url=as_user(url, MIGRATOR, role="gateway_dr_owner"), app_url=as_user(url, APP)
    )


def run_file(url: str, name: str) -> None:
    """Execute one of the files, as psql would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((SQL / name).read_text(encoding="utf-8").encode())


def make_roles(url: str) -> None:
    """Make the roles and their principals, which belong to the whole server: other test runs may be at it too."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('roles of the tests'))")
        connection.execute((SQL / "roles.sql").read_text(encoding="utf-8").encode())
        for principal, role in ((APP, "gateway_dr_app"), (MIGRATOR, "gateway_dr_owner")):
            if connection.execute("select from pg_roles where rolname = %s", (principal,)).fetchone() is None:
                connection.execute(f"create role \"{principal}\" login password '{PASSWORD}'".encode())
                connection.execute(f'grant {role} to "{principal}"'.encode())


@pytest.fixture(scope="session")
def deployed_server(postgres_server: Postgres) -> Postgres:
    """The shared server with the roles, two principals that log in by password, and a migrated template database."""
    url = postgres_server.clone_database("template1", TEMPLATE)
    make_roles(postgres_server.dsn())
    run_file(url, "database.sql")
    deployed = seen_by_all(url)
    migrate(deployed.migrator_url, say=len)
    apply_grants(deployed.migrator_url)
    return postgres_server


@pytest.fixture
def deployed_database(deployed_server: Postgres) -> Iterator[Deployed]:
    """A migrated, empty database of the test's own. A copy does not keep who may connect, so that is told again."""
    name = f"deployed_{os.getpid()}_{next(_NUMBERS)}"
    url = deployed_server.clone_database(TEMPLATE, name)
    run_file(url, "database.sql")
    yield seen_by_all(url)
    deployed_server.drop_database(name)
