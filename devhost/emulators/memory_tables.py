"""The stores of Table Storage, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from devhost.emulators.memory_alerts import MemoryAlertStore, MemoryAutomaticStore
from devhost.emulators.memory_notifications import MemoryNotificationCursorStore, MemoryNotificationDeliveryStore
from devhost.emulators.memory_rows import Fault, MemoryRows, Snapshot, no_fault
from shared.domain.alerts import Alert
from shared.domain.audit import AuditEntry
from shared.domain.automatic import AutomaticRuns
from shared.domain.drills import DrillSlot
from shared.domain.environments import Role
from shared.domain.events import Event
from shared.domain.gateways import Gateway
from shared.domain.health import Sight
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.notification_cursors import Delivery, NotificationCursor
from shared.domain.operations import Operation
from shared.domain.preflight import Preflight


class MemoryLockStore:
    """`LockStore`; its fault points begin with `locks`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[EnvironmentLock] = MemoryRows("locks", fault)

    def read(self, environment: str) -> Versioned[EnvironmentLock] | None:
        """Return the lock with its version, or None."""
        return self.rows.read((environment, "lock"))

    def read_all(self, environments: Collection[str]) -> Mapping[str, Versioned[EnvironmentLock]]:
        """Return the locks of these environments that exist, by environment."""
        return {lock.value.environment: lock for lock in self.rows.read_all(environments)}

    def insert(self, lock: EnvironmentLock) -> Versioned[EnvironmentLock]:
        """Create the lock; Conflict when it exists."""
        return self.rows.insert((lock.environment, "lock"), lock)

    def replace(self, lock: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock]:
        """Replace the lock read at `etag`; Conflict on any other version."""
        return self.rows.replace((lock.environment, "lock"), lock, etag=etag)


class MemoryGatewayStore:
    """`GatewayStore`; its fault points begin with `gateways`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[Gateway] = MemoryRows("gateways", fault)

    def read(self, environment: str, gateway_id: str) -> Versioned[Gateway] | None:
        """Return one gateway, or None."""
        return self.rows.read((environment, gateway_id))

    def list(self, environment: str) -> Sequence[Gateway]:
        """Return the gateways of an environment, primary first, then by id."""
        return _primary_first(gateway for _, gateway in self.rows.list(environment))

    def list_all(self, environments: Collection[str]) -> Mapping[str, Sequence[Gateway]]:
        """Return the same for each of these environments."""
        found = [gateway.value for gateway in self.rows.read_all(environments)]
        return {name: _primary_first(g for g in found if g.environment == name) for name in environments}

    def insert(self, gateway: Gateway) -> Versioned[Gateway]:
        """Create a registration; Conflict when it exists."""
        return self.rows.insert((gateway.environment, gateway.id), gateway)

    def replace(self, gateway: Gateway, *, etag: str) -> Versioned[Gateway]:
        """Replace the registration read at `etag`; Conflict on any other version."""
        return self.rows.replace((gateway.environment, gateway.id), gateway, etag=etag)


class MemoryOperationStore:
    """`OperationStore`; its fault points begin with `operations`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[Operation] = MemoryRows("operations", fault)

    def read(self, operation_id: str) -> Versioned[Operation] | None:
        """Return the operation, or None."""
        return self.rows.read((_environment_of(operation_id), operation_id))

    def list(self, environment: str, *, limit: int) -> Sequence[Operation]:
        """Return the newest operations of an environment, newest first."""
        newest_first = sorted(
            (operation for _, operation in self.rows.list(environment)),
            key=lambda operation: operation.request.id.rsplit("-", 2)[1],
            reverse=True,
        )
        return newest_first[: max(limit, 0)]

    def insert(self, operation: Operation) -> Versioned[Operation]:
        """Create the record; Conflict when it exists."""
        return self.rows.insert((operation.request.environment, operation.request.id), operation)

    def replace(self, operation: Operation, *, etag: str) -> Versioned[Operation]:
        """Replace the record read at `etag`; Conflict on any other version."""
        return self.rows.replace((operation.request.environment, operation.request.id), operation, etag=etag)


class MemoryAuditStore:
    """`AuditStore`; its fault points begin with `audit`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[AuditEntry] = MemoryRows("audit", fault)

    def last(self, environment: str) -> AuditEntry | None:
        """Return the newest entry, or None."""
        return next(iter(self.list(environment, limit=1)), None)

    def insert(self, entry: AuditEntry) -> None:
        """Add an entry; Conflict when its sequence number is taken."""
        self.rows.insert((entry.environment, f"{entry.sequence:019d}"), entry)

    def list(self, environment: str, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first; those below the number `before`, where one is given."""
        rows = reversed(self.rows.list(environment))
        return [entry for row, entry in rows if before is None or int(row) < before][: max(limit, 0)]

    def numbered(self, environment: str, *, first: int, last: int) -> Sequence[AuditEntry]:
        """Return what is kept under the numbers from `first` to `last`, oldest first."""
        return [entry for row, entry in self.rows.list(environment) if first <= int(row) <= last]


class MemoryEventStore:
    """`EventStore`; its fault points begin with `events`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[Event] = MemoryRows("events", fault)

    def newest(self, environment: str, *, limit: int) -> Sequence[Event]:
        """Return the newest events, newest first."""
        return [event for _, event in reversed(self.rows.list(environment))][: max(limit, 0)]

    def after(self, environment: str, sequence: int, *, limit: int) -> Sequence[Event]:
        """Return up to `limit` events that follow `sequence`, oldest first."""
        later = [event for _, event in self.rows.list(environment) if event.sequence > sequence]
        return later[: max(limit, 0)]

    def insert(self, event: Event) -> None:
        """Add an event; Conflict when its sequence number is taken."""
        self.rows.insert((event.environment, f"{event.sequence:019d}"), event)


class MemoryDrillStore:
    """`DrillStore`; its fault points begin with `drills`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[DrillSlot] = MemoryRows("drills", fault)

    def read(self, environment: str) -> Versioned[DrillSlot] | None:
        """Return the slot with its version, or None before the first drill."""
        return self.rows.read((environment, "slot"))

    def insert(self, slot: DrillSlot) -> Versioned[DrillSlot]:
        """Create the slot; Conflict when it exists."""
        return self.rows.insert((slot.environment, "slot"), slot)

    def replace(self, slot: DrillSlot, *, etag: str) -> Versioned[DrillSlot]:
        """Replace the slot read at `etag`; Conflict on any other version."""
        return self.rows.replace((slot.environment, "slot"), slot, etag=etag)


class MemoryPreflightStore:
    """`PreflightStore`; its fault points begin with `preflights`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[Preflight] = MemoryRows("preflights", fault)

    def read(self, environment: str) -> Versioned[Preflight] | None:
        """Return the newest preflight with its version, or None before the first."""
        return self.rows.read((environment, "newest"))

    def write(self, preflight: Preflight, *, etag: str | None) -> Versioned[Preflight]:
        """Insert (etag None) or replace it; Conflict on any other version."""
        key = (preflight.environment, "newest")
        return self.rows.insert(key, preflight) if etag is None else self.rows.replace(key, preflight, etag=etag)


class MemorySightStore:
    """`SightStore`; its fault points begin with `sight`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[Sight] = MemoryRows("sight", fault)

    def read(self) -> Versioned[Sight] | None:
        """Return the sight, or None before the first tick."""
        return self.rows.read(("monitor", "sight"))

    def write(self, sight: Sight, *, etag: str | None) -> Versioned[Sight]:
        """Insert (etag None) or replace the sight; Conflict on any other version."""
        key = ("monitor", "sight")
        return self.rows.insert(key, sight) if etag is None else self.rows.replace(key, sight, etag=etag)


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesSnapshot:
    """All tables of an account at one moment."""

    locks: Snapshot[EnvironmentLock]
    gateways: Snapshot[Gateway]
    operations: Snapshot[Operation]
    audit: Snapshot[AuditEntry]
    events: Snapshot[Event]
    drills: Snapshot[DrillSlot]
    preflights: Snapshot[Preflight]
    sight: Snapshot[Sight]
    alerts: Snapshot[Alert]
    automatic: Snapshot[AutomaticRuns]
    notification_cursors: Snapshot[NotificationCursor]
    notification_deliveries: Snapshot[Delivery]


class MemoryTables:
    """A storage account in memory: the stores with one fault hook, and restoring all of it."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.locks = MemoryLockStore(fault)
        self.gateways = MemoryGatewayStore(fault)
        self.operations = MemoryOperationStore(fault)
        self.audit = MemoryAuditStore(fault)
        self.events = MemoryEventStore(fault)
        self.drills = MemoryDrillStore(fault)
        self.preflights = MemoryPreflightStore(fault)
        self.sight = MemorySightStore(fault)
        self.alerts = MemoryAlertStore(fault)
        self.automatic = MemoryAutomaticStore(fault)
        self.notification_cursors = MemoryNotificationCursorStore(fault)
        self.notification_deliveries = MemoryNotificationDeliveryStore(fault)

    def snapshot(self) -> TablesSnapshot:
        """Return all rows as they are now, one table after the other."""
        return TablesSnapshot(
            locks=self.locks.rows.snapshot(),
            gateways=self.gateways.rows.snapshot(),
            operations=self.operations.rows.snapshot(),
            audit=self.audit.rows.snapshot(),
            events=self.events.rows.snapshot(),
            drills=self.drills.rows.snapshot(),
            preflights=self.preflights.rows.snapshot(),
            sight=self.sight.rows.snapshot(),
            alerts=self.alerts.rows.snapshot(),
            automatic=self.automatic.rows.snapshot(),
            notification_cursors=self.notification_cursors.rows.snapshot(),
            notification_deliveries=self.notification_deliveries.rows.snapshot(),
        )

    def restore(self, snapshot: TablesSnapshot) -> None:
        """Put the account back as it was, versions included, as a storage account restored from a backup."""
        self.locks.rows.restore(snapshot.locks)
        self.gateways.rows.restore(snapshot.gateways)
        self.operations.rows.restore(snapshot.operations)
        self.audit.rows.restore(snapshot.audit)
        self.events.rows.restore(snapshot.events)
        self.drills.rows.restore(snapshot.drills)
        self.preflights.rows.restore(snapshot.preflights)
        self.sight.rows.restore(snapshot.sight)
        self.alerts.rows.restore(snapshot.alerts)
        self.automatic.rows.restore(snapshot.automatic)
        self.notification_cursors.rows.restore(snapshot.notification_cursors)
        self.notification_deliveries.rows.restore(snapshot.notification_deliveries)


def _primary_first(gateways: Iterable[Gateway]) -> Sequence[Gateway]:
    return sorted(gateways, key=lambda gateway: (gateway.role is not Role.PRIMARY, gateway.id))


def _environment_of(operation_id: str) -> str:
    return operation_id.rsplit("-", 2)[0]
