"""Environment locks in Table Storage: one row per environment, never deleted."""

from collections.abc import Collection, Mapping

from shared.adapters.record_codec import LOCK, lock_key
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.locks import EnvironmentLock, Versioned


class TableLockStore:
    """`LockStore` over the table `environmentlocks`: partition = environment, row = `lock`."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, LOCK)

    def read(self, environment: str) -> Versioned[EnvironmentLock] | None:
        """Return the lock with its version, or None when the environment never had one."""
        return self._records.read(lock_key(environment))

    def read_all(self, environments: Collection[str]) -> Mapping[str, Versioned[EnvironmentLock]]:
        """Return the locks of these environments that exist, by environment, in one request."""
        return {lock.value.environment: lock for lock in self._records.read_all(environments)}

    def insert(self, lock: EnvironmentLock) -> Versioned[EnvironmentLock]:
        """Create the lock; Conflict when it exists."""
        return self._records.insert(lock)

    def replace(self, lock: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock]:
        """Replace the lock read at `etag`; Conflict on any other version."""
        return self._records.replace(lock, etag=etag)
