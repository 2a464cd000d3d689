"""Operations in Table Storage, newest first."""

from collections.abc import Sequence

from shared.adapters.operation_codec import OPERATION, operation_key
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.locks import Versioned
from shared.domain.operations import Operation


class TableOperationStore:
    """`OperationStore` over the table `operations`: partition = environment, row = the id counted down."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, OPERATION)

    def read(self, operation_id: str) -> Versioned[Operation] | None:
        """Return the operation, or None; a text that cannot be an id has none."""
        key = operation_key(operation_id)
        return None if key is None else self._records.read(key)

    def list(self, environment: str, *, limit: int) -> Sequence[Operation]:
        """Return the newest operations of an environment, newest first."""
        return self._records.list(environment, limit=limit)

    def insert(self, operation: Operation) -> Versioned[Operation]:
        """Create the record; Conflict when it exists."""
        return self._records.insert(operation)

    def replace(self, operation: Operation, *, etag: str) -> Versioned[Operation]:
        """Replace the record read at `etag`; Conflict on any other version."""
        return self._records.replace(operation, etag=etag)
