"""Rows of one table: read, insert if absent, replace at a version, list a partition. There is no other write.

The answer to a write can be lost after the write has landed, so the client repeats nothing by itself and every fault
says what is known: Conflict (the service said no), LockStoreUnavailable (nothing written), OutcomeUnknown (read back).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.codec import DoesNotFit, Key, Properties, check_key, check_row
from shared.domain.faults import Conflict, ControlPlaneFault, InvariantViolation, LockStoreUnavailable, OutcomeUnknown

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.data.tables import TableClient

MOST_PER_PAGE: Final = 1000  # "Query timeout and pagination", Azure Storage REST documentation
# An answer that breaks off passes for a short one (http.client takes the end of the stream for the end of the headers),
# and the library stumbles over what is missing.
_GARBLED: Final = (AttributeError, KeyError, TypeError, ValueError)
_NOTHING_DONE: Final = frozenset({401, 403, 408, 429})  # refused before any row was touched; may pass later


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as stored, with the version it was read at."""

    key: Key
    properties: Properties
    etag: str


class TableRows:
    """The rows of one table. Safe to use from several threads."""

    def __init__(self, client: "TableClient") -> None:
        self._client = client

    def read(self, key: Key) -> Row | None:
        """Return the row, or None when the service says there is none. Raises LockStoreUnavailable.

        A key that Azure would refuse has no row. A missing table is a fault: it must not pass for a missing row.
        """
        from azure.core.exceptions import ResourceNotFoundError

        if not _is_possible(key):
            return None
        with _reading():
            try:
                entity = self._client.get_entity(key.partition, key.row)
            except ResourceNotFoundError as error:
                if _is_missing_table(error):
                    raise LockStoreUnavailable(f"table {self._client.table_name} does not exist") from error
                return None
            return _row(entity)

    def insert(self, key: Key, properties: Properties) -> str:
        """Create the row and return its version. Raises Conflict, LockStoreUnavailable, OutcomeUnknown, DoesNotFit."""
        check_row(key, properties)
        entity = _entity(key, properties)
        with _writing():
            return _etag(self._client.create_entity(entity))

    def replace(self, key: Key, properties: Properties, *, etag: str) -> str:
        """Replace the row read at `etag` and return its new version.

        Raises Conflict (another version, or no row), LockStoreUnavailable, OutcomeUnknown, DoesNotFit.
        """
        from azure.core import MatchConditions
        from azure.data.tables import UpdateMode

        if etag in ("", "*"):
            raise InvariantViolation("a row is replaced at a version")
        check_row(key, properties)
        entity = _entity(key, properties)
        with _writing():
            return _etag(
                self._client.update_entity(
                    entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                )
            )

    def query(
        self, partition: str, *, limit: int | None = None, between: tuple[str, str] | None = None
    ) -> Sequence[Row]:
        """Return the first `limit` rows of a partition in order of row key; all when None.

        `between` keeps to row keys from the first one up to, and without, the second.
        Raises LockStoreUnavailable.
        """
        if not _is_possible(Key(partition=partition, row="")) or (limit is not None and limit <= 0):
            return ()
        first, beyond = between or ("", "")
        with _reading():
            entities = self._client.query_entities(
                "PartitionKey eq @partition" + (" and RowKey ge @first and RowKey lt @beyond" if between else ""),
                parameters={"partition": partition, "first": first, "beyond": beyond},
                results_per_page=min(limit or MOST_PER_PAGE, MOST_PER_PAGE),
            )
            return tuple(_row(entity) for entity in islice(entities, limit))

    def query_all(self) -> Sequence[Row]:
        """Return every row of the table; one request while there are less than MOST_PER_PAGE.

        Raises LockStoreUnavailable.
        """
        with _reading():
            return tuple(_row(entity) for entity in self._client.list_entities(results_per_page=MOST_PER_PAGE))


@contextmanager
def _reading() -> Iterator[None]:
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise read_fault(error) from error
    except _GARBLED as error:
        raise LockStoreUnavailable(f"the answer is no row: {error!r}") from error


@contextmanager
def _writing() -> Iterator[None]:
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise write_fault(error) from error
    except _GARBLED as error:
        raise OutcomeUnknown(f"the answer is not understood: {error!r}") from error


def read_fault(error: "AzureError") -> ControlPlaneFault:
    """Return what a failed read means: the store did not answer, or (other 4xx) we asked for something impossible."""
    status = getattr(error, "status_code", None)
    if status is not None and 400 <= status < 500 and status not in _NOTHING_DONE and status != 404:
        return InvariantViolation(_words(error))
    return LockStoreUnavailable(_words(error))


def write_fault(error: "AzureError") -> ControlPlaneFault:
    """Return what a failed write means; whatever does not prove that nothing was written is OutcomeUnknown."""
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

    status = getattr(error, "status_code", None)
    never_sent = isinstance(error, ServiceRequestError) and not _may_have_been_sent(error)
    if never_sent or isinstance(error, ClientAuthenticationError) or status in _NOTHING_DONE:
        return LockStoreUnavailable(_words(error))
    if status == 404 and _is_missing_table(error):
        return LockStoreUnavailable(_words(error))
    if status in (404, 409, 412):
        return Conflict(_words(error))
    if status is not None and 400 <= status < 500:
        return InvariantViolation(_words(error))
    return OutcomeUnknown(_words(error))


def _may_have_been_sent(error: "AzureError") -> bool:
    # A TLS connection that breaks while the answer is awaited is reported as if the request had never left.
    from urllib3.exceptions import MaxRetryError, SSLError

    cause = error.inner_exception.args[0] if error.inner_exception and error.inner_exception.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, SSLError)


def _is_missing_table(error: "AzureError") -> bool:
    # create_entity lets the raw error through, which has no error_code; there the code is only in the text.
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code)) == "TableNotFound" or "TableNotFound" in str(error)


def _words(error: "AzureError") -> str:
    return str(error.message or type(error).__name__).partition("\n")[0]


def _is_possible(key: Key) -> bool:
    try:
        check_key(key)
    except DoesNotFit:
        return False
    return True


def _entity(key: Key, properties: Properties) -> dict[str, Any]:
    from azure.data.tables import EdmType, EntityProperty

    # A bare int is sent as 32 bits, and fencing tokens need 64: every whole number is Edm.Int64.
    wide = {
        name: EntityProperty(value, EdmType.INT64) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in properties.items()
    }
    return {"PartitionKey": key.partition, "RowKey": key.row, **wide}


def _row(entity: "Mapping[str, Any]") -> Row:
    from azure.data.tables import EntityProperty

    plain = {name: value.value if isinstance(value, EntityProperty) else value for name, value in entity.items()}
    key = Key(partition=plain.pop("PartitionKey"), row=plain.pop("RowKey"))
    return Row(key=key, properties=plain, etag=_etag(getattr(entity, "metadata", {})))


def _etag(metadata: Mapping[str, Any]) -> str:
    etag = metadata.get("etag")
    if not isinstance(etag, str) or not etag.endswith('"'):
        raise ValueError(f"version {etag!r}")
    return etag
