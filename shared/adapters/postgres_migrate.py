"""Bring a database to the schema of this release, by an explicit command and never at start-up.

    python -m shared.adapters.postgres_migrate --url URL [up | status] [--pre-only]

`--url -` reads the URL from standard input, which keeps a password out of the list of processes. `up` (the default)
applies what is missing; `--pre-only` stops before the first `post` migration. `status` changes nothing.
Exit codes: 0 up to date, 1 (status only) something is missing, 2 the database refused or did not answer.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from shared.adapters.named_sql import load
from shared.adapters.postgres_schema import AppliedMigration, Migration, Phase, shipped_migrations

VARIABLE: Final = "MVDR_DATABASE_URL"
CONNECT_TIMEOUT_S: Final = 5
LOCK_TIMEOUT: Final = "10s"  # a migration that waits longer for a table would hold up everybody behind it

_CONNECTION: Final = load("connection")
_SQL: Final = load("migrations")

Say = Callable[[str], object]


class MigrationRefused(Exception):
    """The database was left as it is; the text says why."""


@dataclass(frozen=True, slots=True)
class State:
    """What a database has of the migrations of this release."""

    applied: Mapping[int, AppliedMigration]
    missing: Sequence[Migration]


def state_of(connection: psycopg.Connection[dict[str, Any]]) -> State:
    """Return what is applied and what is missing. Raises MigrationRefused when an applied file has changed since."""
    try:
        rows = connection.execute(_CONNECTION["applied_migrations"]).fetchall()
    except errors.UndefinedTable:
        rows = []
    applied = {row["version"]: AppliedMigration.of(row) for row in rows}
    shipped = shipped_migrations()
    for migration in shipped:
        if migration.version in applied and applied[migration.version].checksum != migration.checksum:
            raise MigrationRefused(f"{migration.title} has changed since it was applied; write a new migration instead")
    return State(applied, [migration for migration in shipped if migration.version not in applied])


def migrate(url: str, *, say: Say, until: Phase = Phase.POST) -> None:
    """Apply what is missing, each migration in a transaction of its own, and say what was done.

    Two runs at once are safe: the second waits for the first. With `until=Phase.PRE` it stops before the first
    `post` migration.

    Raises:
        MigrationRefused: An applied file has changed since.
        psycopg.Error: PostgreSQL refused a migration or did not answer; migrations before it stay applied.
    """
    with _connect(url) as connection:
        connection.execute(_SQL["lock_migrations"])
        connection.execute(_SQL["limit_lock_waits"], {"lock_timeout": LOCK_TIMEOUT})
        connection.execute(_SQL["create_schema_migrations"])
        missing = state_of(connection).missing
        for migration in missing:
            if migration.phase is Phase.POST and until is Phase.PRE:
                say(f"{migration.title} waits until the former release has ended\n")
                return
            with connection.transaction():
                connection.execute(migration.text)
                connection.execute(_SQL["note_migration"], _note(migration))
            say(f"{migration.title} applied\n")
        if not missing:
            say("up to date\n")


def report(url: str, *, say: Say) -> bool:
    """Say which migrations are applied and which are missing; return whether none is missing."""
    with _connect(url) as connection:
        state = state_of(connection)
    for migration in state.applied.values():
        title = f"{migration.version:04}_{migration.phase.value}_{migration.name}"
        say(f"{title} applied {migration.applied_at.isoformat(timespec='seconds')}\n")
    for missing in state.missing:
        say(f"{missing.title} missing\n")
    return not state.missing


def main(arguments: Sequence[str], *, environ: Mapping[str, str]) -> int:
    """Run the command line and return its exit code; the URL comes from `--url`, else from `environ`."""
    parser = argparse.ArgumentParser(prog="postgres_migrate", description="Bring a database to this release's schema.")
    parser.add_argument("command", nargs="?", choices=("up", "status"), default="up")
    parser.add_argument("--url", default=environ.get(VARIABLE), help="libpq URL; - reads it from standard input")
    parser.add_argument("--pre-only", action="store_true", help="stop before the first post migration")
    options = parser.parse_args(arguments)
    if not options.url:
        parser.error("--url is needed")
    url = sys.stdin.readline().strip() if options.url == "-" else options.url
    try:
        if options.command == "status":
            return 0 if report(url, say=sys.stdout.write) else 1
        migrate(url, say=sys.stdout.write, until=Phase.PRE if options.pre_only else Phase.POST)
    except (psycopg.Error, MigrationRefused) as fault:
        sys.stderr.write(f"postgres_migrate: {fault}\n")
        return 2
    return 0


def _connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, row_factory=dict_row)


def _note(migration: Migration) -> dict[str, object]:
    return {
        "version": migration.version,
        "phase": migration.phase.value,
        "name": migration.name,
        "checksum": migration.checksum,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], environ={}))
