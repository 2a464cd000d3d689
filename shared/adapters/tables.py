"""Table Storage: one client for the whole process, the stores over it, and the tables they need.

The client repeats nothing (a repeated conditional write turns its own success into a Conflict) and waits seconds where
the library's default is five minutes. The library is imported on first use.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.table_alerts import TableAlertStore
from shared.adapters.table_audit import TableAuditStore
from shared.adapters.table_automatic import TableAutomaticStore
from shared.adapters.table_drills import TableDrillStore
from shared.adapters.table_events import TableEventStore
from shared.adapters.table_gateways import TableGatewayStore
from shared.adapters.table_locks import TableLockStore
from shared.adapters.table_notifications import TableNotificationCursorStore, TableNotificationDeliveryStore
from shared.adapters.table_operations import TableOperationStore
from shared.adapters.table_preflights import TablePreflightStore
from shared.adapters.table_rows import TableRows, write_fault
from shared.adapters.table_sight import TableSightStore

if TYPE_CHECKING:
    from azure.data.tables import TableServiceClient

LOCKS: Final = "environmentlocks"
GATEWAYS: Final = "gateways"
OPERATIONS: Final = "operations"
AUDIT: Final = "auditentries"
EVENTS: Final = "events"
DRILLS: Final = "drills"
PREFLIGHTS: Final = "preflights"
SIGHT: Final = "monitorsight"
ALERTS: Final = "alerts"
AUTOMATIC: Final = "automaticfailovers"
NOTIFICATION_CURSORS: Final = "notificationcursors"
NOTIFICATION_DELIVERIES: Final = "notificationdeliveries"
TABLES: Final = (
    LOCKS, GATEWAYS, OPERATIONS, AUDIT, EVENTS, DRILLS, PREFLIGHTS, SIGHT, ALERTS, AUTOMATIC, NOTIFICATION_CURSORS,
    NOTIFICATION_DELIVERIES,
)  # fmt: skip

CONNECT_S: Final = 1.0
ANSWER_S: Final = 2.0  # a guarded transaction holds a database row while it waits for this answer
_CLIENT_OPTIONS: Final[dict[str, Any]] = {
    "retry_total": 0,
    "retry_to_secondary": False,  # the secondary lags: a stale lock must never be read
    "connection_timeout": CONNECT_S,
    "read_timeout": ANSWER_S,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStores:
    """The stores that share one client."""

    locks: TableLockStore
    gateways: TableGatewayStore
    operations: TableOperationStore
    audit: TableAuditStore
    events: TableEventStore
    drills: TableDrillStore
    preflights: TablePreflightStore
    sight: TableSightStore
    alerts: TableAlertStore
    automatic: TableAutomaticStore
    notification_cursors: TableNotificationCursorStore
    notification_deliveries: TableNotificationDeliveryStore


def connect_endpoint(endpoint: str, *, client_id: str | None) -> "TableServiceClient":
    """Return the client for a table endpoint, with the managed identity of the function app.

    Args:
        endpoint: Such as `https://ACCOUNT.table.core.windows.net`.
        client_id: Of a user-assigned identity; None for the system-assigned one.
    """
    from azure.data.tables import TableServiceClient
    from azure.identity import ManagedIdentityCredential

    credential = ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
    return TableServiceClient(endpoint, credential=credential, **_CLIENT_OPTIONS)


def connect_string(connection_string: str) -> "TableServiceClient":
    """Return the client for a connection string with an account key: Azurite."""
    from azure.data.tables import TableServiceClient

    return TableServiceClient.from_connection_string(connection_string, **_CLIENT_OPTIONS)


def open_account(*, endpoint: str | None, connection_string: str | None, client_id: str | None) -> TableStores:
    """Return the stores of an account, named by its endpoint or, for Azurite, by a connection string.

    Raises:
        ValueError: Neither was given, or the connection string is none.
    """
    if connection_string is not None:
        return open_stores(connect_string(connection_string))
    if endpoint is None:
        raise ValueError("a table endpoint or a connection string is needed")
    return open_stores(connect_endpoint(endpoint, client_id=client_id))


def open_stores(client: "TableServiceClient") -> TableStores:
    """Return the stores over one client. Sends nothing; the tables must exist."""

    def rows(table: str) -> TableRows:
        return TableRows(client.get_table_client(table))

    return TableStores(
        locks=TableLockStore(rows(LOCKS)),
        gateways=TableGatewayStore(rows(GATEWAYS)),
        operations=TableOperationStore(rows(OPERATIONS)),
        audit=TableAuditStore(rows(AUDIT)),
        events=TableEventStore(rows(EVENTS)),
        drills=TableDrillStore(rows(DRILLS)),
        preflights=TablePreflightStore(rows(PREFLIGHTS)),
        sight=TableSightStore(rows(SIGHT)),
        alerts=TableAlertStore(rows(ALERTS)),
        automatic=TableAutomaticStore(rows(AUTOMATIC)),
        notification_cursors=TableNotificationCursorStore(rows(NOTIFICATION_CURSORS)),
        notification_deliveries=TableNotificationDeliveryStore(rows(NOTIFICATION_DELIVERIES)),
    )


def create_tables(client: "TableServiceClient") -> None:
    """Create the tables that are missing. For whoever prepares a store; the running product never calls it.

    Raises LockStoreUnavailable, OutcomeUnknown; calling again is safe.
    """
    from azure.core.exceptions import AzureError

    for table in TABLES:
        try:
            client.create_table_if_not_exists(table)
        except AzureError as error:
            raise write_fault(error) from error
