"""Rows in memory with the versions, conflicts and lost answers of Table Storage."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from shared.domain.faults import Conflict
from shared.domain.locks import Versioned

T = TypeVar("T")
RowKey: TypeAlias = tuple[str, str]  # partition, row
Fault: TypeAlias = Callable[[str], None]
"""Called with the point an access has reached; raises to make the access fail there.

Points are `NAME.read`, `NAME.list`, `NAME.insert.before`, `NAME.insert.after`, `NAME.replace.before` and
`NAME.replace.after`. What is raised at `after` reaches the caller although the write has landed: a lost answer.
No lock is held meanwhile, so a fault may wait, or let another writer go first.
"""


def no_fault(point: str) -> None:
    """Let every access through."""


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    """The rows of one table at one moment, with their versions."""

    rows: Mapping[RowKey, Versioned[T]]


class MemoryRows(Generic[T]):
    """One table: rows that are inserted if absent and replaced at the version they were read at. Thread-safe.

    Versions are never given twice, also not after `restore`: a version from the lost future conflicts.
    """

    def __init__(self, name: str, fault: Fault) -> None:
        self._name = name
        self._fault = fault
        self._rows: dict[RowKey, Versioned[T]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def read(self, key: RowKey) -> Versioned[T] | None:
        """Return the row with its version, or None."""
        self._fault(f"{self._name}.read")
        with self._lock:
            return self._rows.get(key)

    def list(self, partition: str) -> list[tuple[str, T]]:
        """Return (row, value) of a partition in order of row."""
        self._fault(f"{self._name}.list")
        with self._lock:
            found = [(row, stored.value) for (at, row), stored in self._rows.items() if at == partition]
        return sorted(found, key=lambda item: item[0])

    def read_all(self, partitions: Collection[str]) -> Sequence[Versioned[T]]:
        """Return every row of these partitions with its version, in order of partition and row."""
        self._fault(f"{self._name}.read_all")
        with self._lock:
            found = [(key, stored) for key, stored in self._rows.items() if key[0] in partitions]
        return [stored for _, stored in sorted(found, key=lambda item: item[0])]

    def insert(self, key: RowKey, value: T) -> Versioned[T]:
        """Create the row. Raises Conflict when it exists."""
        self._fault(f"{self._name}.insert.before")
        with self._lock:
            if key in self._rows:
                raise Conflict(f"{self._name} {key} exists")
            stored = self._store(key, value)
        self._fault(f"{self._name}.insert.after")
        return stored

    def replace(self, key: RowKey, value: T, *, etag: str) -> Versioned[T]:
        """Replace the row. Raises Conflict when it is missing or at another version."""
        self._fault(f"{self._name}.replace.before")
        with self._lock:
            present = self._rows.get(key)
            if present is None or present.etag != etag:
                found = "missing" if present is None else f"at {present.etag}"
                raise Conflict(f"{self._name} {key} is {found}, not at {etag}")
            stored = self._store(key, value)
        self._fault(f"{self._name}.replace.after")
        return stored

    def snapshot(self) -> Snapshot[T]:
        """Return the rows as they are now."""
        with self._lock:
            return Snapshot(dict(self._rows))

    def restore(self, snapshot: Snapshot[T]) -> None:
        """Put the rows back as they were, versions included: what was written since is lost."""
        with self._lock:
            self._rows = dict(snapshot.rows)

    def _store(self, key: RowKey, value: T) -> Versioned[T]:
        stored = Versioned(value, f'W/"{next(self._numbers)}"')
        self._rows[key] = stored
        return stored
