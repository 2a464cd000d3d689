"""The SQLite file of the journal: schema, exclusive ownership and transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS instance (
    instance_id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, version TEXT, status TEXT NOT NULL,
    input_text TEXT, output TEXT, custom_status TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    parent_id TEXT, parent_execution_id TEXT, parent_task_id INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS history (
    instance_id TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (instance_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, execution_id TEXT, due_at TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS inbox_by_instance ON inbox (instance_id, due_at);
CREATE TABLE IF NOT EXISTS activity (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, execution_id TEXT NOT NULL,
    task_id INTEGER NOT NULL, name TEXT NOT NULL, input_text TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS tick (
    function TEXT PRIMARY KEY, last_at TEXT, next_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
"""


class JournalInUse(Exception):
    """Another host has the journal open."""


class Database:
    """One connection that owns its file. Every write is flushed to disk before the call returns."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. JournalInUse if another process holds it."""
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        self._connection.row_factory = sqlite3.Row
        try:
            # Exclusive locking must be chosen before WAL is first read: it keeps the lock until the process ends,
            # however it ends, and two hosts on one journal would run every activity twice.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(f"BEGIN EXCLUSIVE; {SCHEMA} COMMIT;")
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" in str(error):
                raise JournalInUse(f"the journal {path} is in use by another host") from error
            raise

    def close(self) -> None:
        """Give the file up."""
        self._connection.close()

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def write(self, sql: str, *values: object) -> sqlite3.Cursor:
        """Run one statement; inside `transaction` it commits with the rest."""
        return self._connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything written inside, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
