"""Which migrations a release brings, and whether a database has the schema that release was written for.

A file is `NNNN_pre_name.sql` or `NNNN_post_name.sql`. `pre` only adds and is applied before a release starts, so the
former release still works; `post` takes away and is applied once the former release is gone (expand and contract).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

MIGRATIONS: Final = Path(__file__).with_name("sql") / "migrations"

_NAME: Final = re.compile(r"(?P<version>\d{4})_(?P<phase>pre|post)_(?P<name>[a-z0-9_]+)\.sql")


class Phase(Enum):
    """When a migration may be applied."""

    PRE = "pre"  # before the release that brings it starts
    POST = "post"  # after the release before it has ended


class UnreadableMigrations(Exception):
    """The migration files do not form one numbered sequence; the text names the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration file."""

    version: int
    phase: Phase
    name: str
    text: str

    @property
    def title(self) -> str:
        """The file's name without its ending."""
        return f"{self.version:04}_{self.phase.value}_{self.name}"

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, so that a file changed after it was applied is found out."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedMigration:
    """A row of `schema_migrations`."""

    version: int
    phase: Phase
    name: str
    checksum: str
    applied_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "AppliedMigration":
        """Return the record of a row."""
        return cls(**{**row, "phase": Phase(row["phase"])})


def shipped_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """Return the migrations of a folder in order. Raises UnreadableMigrations."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = _NAME.fullmatch(path.name)
        if match is None or int(match["version"]) != number:
            raise UnreadableMigrations(f"{path.name} is not {number:04}_pre_name.sql or {number:04}_post_name.sql")
        text = path.read_text(encoding="utf-8")  # universal newlines: a checkout on Windows has the same checksum
        found.append(Migration(version=number, phase=Phase(match["phase"]), name=match["name"], text=text))
    return tuple(found)


def schema_fault(applied: Sequence[AppliedMigration], shipped: Sequence[Migration]) -> str | None:
    """Return why a release cannot work with a database, as a sentence, or None when it can.

    A missing `post` is no fault: it takes away what nobody uses. Neither is a newer `pre`: it only added something.
    """
    done = {migration.version: migration for migration in applied}
    missing = [m.title for m in shipped if m.version not in done and m.phase is Phase.PRE]
    if missing:
        return f"the database lacks {', '.join(missing)}; run python -m shared.adapters.postgres_migrate"
    changed = [m.title for m in shipped if m.version in done and done[m.version].checksum != m.checksum]
    if changed:
        return f"the database was made with another text of {', '.join(changed)}"
    newest = max((m.version for m in shipped), default=0)
    contracted = [f"{m.version:04}_post_{m.name}" for m in applied if m.version > newest and m.phase is Phase.POST]
    if contracted:
        return f"the database belongs to a later release: {', '.join(contracted)} was applied"
    return None
