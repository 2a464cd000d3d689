"""Audit entries in Table Storage: added, never changed."""

from collections.abc import Sequence

from shared.adapters.record_codec import ENTRY
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.audit import AuditEntry


class TableAuditStore:
    """`AuditStore` over the table `auditentries`: partition = environment, row = the sequence counted down."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, ENTRY)

    def last(self, environment: str) -> AuditEntry | None:
        """Return the newest entry, or None."""
        return next(iter(self._records.list(environment, limit=1)), None)

    def insert(self, entry: AuditEntry) -> None:
        """Add an entry; Conflict when its sequence number is taken."""
        self._records.insert(entry)

    def list(self, environment: str, *, limit: int) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first."""
        return self._records.list(environment, limit=limit)
