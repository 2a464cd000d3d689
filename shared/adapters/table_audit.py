"""Audit entries in Table Storage: added, never changed."""

from collections.abc import Sequence
from typing import Final

from shared.adapters.codec import counted_down
from shared.adapters.record_codec import ENTRY
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.audit import AuditEntry

_BEYOND: Final = ":"  # the letter after the digits: above every row key of the table


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

    def list(self, environment: str, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first; those below the number `before`, where one is given."""
        between = None if before is None else (counted_down(before - 1), _BEYOND)
        return self._records.list(environment, limit=limit, between=between)

    def numbered(self, environment: str, *, first: int, last: int) -> Sequence[AuditEntry]:
        """Return what is kept under the numbers from `first` to `last`, oldest first."""
        return self._records.list(environment, between=(counted_down(last), counted_down(first - 1)))[::-1]
