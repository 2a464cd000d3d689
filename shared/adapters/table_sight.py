"""What the health monitor has seen, in Table Storage."""

from shared.adapters.record_codec import SIGHT, SIGHT_KEY
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.health import Sight
from shared.domain.locks import Versioned


class TableSightStore:
    """`SightStore` over the table `monitorsight`, which has one row."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, SIGHT)

    def read(self) -> Versioned[Sight] | None:
        """Return the sight, or None before the first tick."""
        return self._records.read(SIGHT_KEY)

    def write(self, sight: Sight, *, etag: str | None) -> Versioned[Sight]:
        """Insert (etag None) or replace the sight; Conflict on any other version."""
        return self._records.insert(sight) if etag is None else self._records.replace(sight, etag=etag)
