"""Both backends of the stores: the emulator in memory, and the real adapters against the storage emulator."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from azure.data.tables import TableServiceClient

from devhost.emulators.memory_tables import MemoryTables
from devhost.fakes.fault_proxy import FaultProxy
from shared.adapters.tables import AUTOMATIC, SIGHT, connect_string, create_tables, open_stores
from shared.ports import (
    AlertStore,
    AuditStore,
    AutomaticStore,
    DrillStore,
    EventStore,
    GatewayStore,
    LockStore,
    NotificationCursorStore,
    NotificationDeliveryStore,
    OperationStore,
    PreflightStore,
    SightStore,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The ports; assigning both backends here is also what proves to mypy that they fit."""

    locks: LockStore
    gateways: GatewayStore
    operations: OperationStore
    audit: AuditStore
    events: EventStore
    drills: DrillStore
    preflights: PreflightStore
    sight: SightStore
    alerts: AlertStore
    automatic: AutomaticStore
    notification_cursors: NotificationCursorStore
    notification_deliveries: NotificationDeliveryStore


@pytest.fixture(scope="session")
def table_client(azurite: str) -> Iterator[TableServiceClient]:
    """The product's client for the emulator, with all tables made."""
    with connect_string(azurite) as client:
        create_tables(client)
        yield client


@pytest.fixture
def table_stores(table_client: TableServiceClient) -> Stores:
    """The real adapters, with nothing in the one-row tables left over from another test."""
    table_client.get_table_client(SIGHT).delete_entity("monitor", "sight")
    table_client.get_table_client(AUTOMATIC).delete_entity("automatic", "runs")
    stores = open_stores(table_client)
    return Stores(
        locks=stores.locks,
        gateways=stores.gateways,
        operations=stores.operations,
        audit=stores.audit,
        events=stores.events,
        drills=stores.drills,
        preflights=stores.preflights,
        sight=stores.sight,
        alerts=stores.alerts,
        automatic=stores.automatic,
        notification_cursors=stores.notification_cursors,
        notification_deliveries=stores.notification_deliveries,
    )


@pytest.fixture(params=["memory", "azurite"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Each of the two backends in turn."""
    if request.param == "azurite":
        real: Stores = request.getfixturevalue("table_stores")
        return real
    memory = MemoryTables()
    return Stores(
        locks=memory.locks,
        gateways=memory.gateways,
        operations=memory.operations,
        audit=memory.audit,
        events=memory.events,
        drills=memory.drills,
        preflights=memory.preflights,
        sight=memory.sight,
        alerts=memory.alerts,
        automatic=memory.automatic,
        notification_cursors=memory.notification_cursors,
        notification_deliveries=memory.notification_deliveries,
    )


def port_of(connection_string: str) -> int:
    """Return the port in the table endpoint of a connection string."""
    return int(connection_string.partition("TableEndpoint=http://127.0.0.1:")[2].partition("/")[0])


@pytest.fixture
def proxy(azurite: str, table_client: TableServiceClient) -> Iterator[FaultProxy]:  # noqa: ARG001 - tables are made
    """A fault proxy in front of the emulator."""
    with FaultProxy(port_of(azurite)) as running:
        yield running


@pytest.fixture
def proxied(azurite: str, proxy: FaultProxy) -> Iterator[Stores]:
    """The real adapters, behind the fault proxy."""
    with connect_string(azurite.replace(f":{port_of(azurite)}/", f":{proxy.port}/")) as client:
        stores = open_stores(client)
        yield Stores(
            locks=stores.locks,
            gateways=stores.gateways,
            operations=stores.operations,
            audit=stores.audit,
            events=stores.events,
            drills=stores.drills,
            preflights=stores.preflights,
            sight=stores.sight,
            alerts=stores.alerts,
            automatic=stores.automatic,
            notification_cursors=stores.notification_cursors,
            notification_deliveries=stores.notification_deliveries,
        )
