"""Records of one kind in one table: what all stores have in common."""

from collections.abc import Collection, Sequence
from typing import Generic, TypeVar

from shared.adapters.codec import Codec, Key
from shared.adapters.table_rows import TableRows
from shared.domain.locks import Versioned

T = TypeVar("T")


class TableRecords(Generic[T]):
    """Records that are read, inserted if absent, and replaced at a version.

    Every method raises LockStoreUnavailable; a write also Conflict, OutcomeUnknown and DoesNotFit.
    """

    def __init__(self, rows: TableRows, codec: Codec[T]) -> None:
        self._rows = rows
        self._codec = codec

    def read(self, key: Key) -> Versioned[T] | None:
        """Return the record with its version, or None."""
        row = self._rows.read(key)
        return None if row is None else Versioned(self._codec.decode(row.key, row.properties), row.etag)

    def insert(self, record: T) -> Versioned[T]:
        """Create the record; Conflict when it exists."""
        return Versioned(record, self._rows.insert(self._codec.key(record), self._codec.encode(record)))

    def replace(self, record: T, *, etag: str) -> Versioned[T]:
        """Replace the record read at `etag`; Conflict on any other version."""
        etag = self._rows.replace(self._codec.key(record), self._codec.encode(record), etag=etag)
        return Versioned(record, etag)

    def read_all(self, partitions: Collection[str]) -> Sequence[Versioned[T]]:
        """Return the records of these partitions out of the whole table; those of others are not decoded."""
        rows = [row for row in self._rows.query_all() if row.key.partition in partitions]
        return [Versioned(self._codec.decode(row.key, row.properties), row.etag) for row in rows]

    def list(self, partition: str, *, limit: int | None = None, between: tuple[str, str] | None = None) -> Sequence[T]:
        """Return the first `limit` records of a partition (`between` two row keys) in their order; all when None."""
        rows = self._rows.query(partition, limit=limit, between=between)
        return [self._codec.decode(row.key, row.properties) for row in rows]
