"""Bring the database to the schema of this checkout, then give the control plane's role what that schema asks for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg

ROOT: Final = Path(__file__).resolve().parents[1]
GRANTS: Final = ROOT / "infra" / "sql" / "grants.sql"
MIGRATE_TIMEOUT_S: Final = 600.0
CONNECT_TIMEOUT_S: Final = 10


class MigrationFailed(Exception):
    """The database refused; what was applied before stays, and the present release works on with it."""


def is_current(url: str, *, say: Callable[[str], object]) -> bool:
    """Say what is applied and what is missing; return whether nothing is missing. Changes nothing."""
    return _run(url, "status", say=say) == 0


def expand(url: str, *, say: Callable[[str], object]) -> None:
    """Apply what the new release needs and the present one can live with, then the grants. Raises MigrationFailed."""
    if _run(url, "up", "--pre-only", say=say) != 0:
        raise MigrationFailed("the schema could not be brought up to date")
    apply_grants(url)
    say("grants of gateway_dr_app renewed")


def apply_grants(url: str) -> None:
    """Renew the grants of the control plane's role, as the owner of the tables. Raises MigrationFailed."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute(GRANTS.read_text(encoding="utf-8").encode())
    except psycopg.Error as fault:
        raise MigrationFailed(f"grants.sql: {str(fault).strip()}") from fault


def _run(url: str, *arguments: str, say: Callable[[str], object]) -> int:
    """Run the product's own command; the URL goes through standard input, past the list of processes."""
    command = [sys.executable, "-m", "shared.adapters.postgres_migrate", *arguments, "--url", "-"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, input=f"{url}\n", capture_output=True, text=True, timeout=MIGRATE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as fault:
        raise MigrationFailed(f"the migration did not end within {MIGRATE_TIMEOUT_S:.0f} s") from fault
    for line in done.stdout.splitlines():
        say(line)
    if done.returncode == 2:
        raise MigrationFailed(done.stderr.strip())
    return done.returncode
