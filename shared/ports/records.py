"""Table Storage as the steps see it: one Protocol per table.

None has an unconditional write: a record is inserted if absent or replaced at the version it was read at. Every method
may raise LockStoreUnavailable, a write also OutcomeUnknown.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.alerts import Alert
from shared.domain.audit import AuditEntry
from shared.domain.automatic import AutomaticRuns
from shared.domain.drills import DrillSlot
from shared.domain.events import Event
from shared.domain.gateways import Gateway
from shared.domain.health import Sight
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.operations import Operation
from shared.domain.preflight import Preflight


class LockStore(Protocol):
    """Environment locks in Table Storage. Raises LockStoreUnavailable, Conflict, OutcomeUnknown."""

    def read(self, environment: str) -> Versioned[EnvironmentLock] | None:
        """Return the lock with its version, or None when the environment never had one."""

    def read_all(self, environments: Collection[str]) -> Mapping[str, Versioned[EnvironmentLock]]:
        """Return the locks of these environments that exist, by environment, in one request (ADR 0020)."""

    def insert(self, lock: EnvironmentLock) -> Versioned[EnvironmentLock]:
        """Create the lock. Raises Conflict when it exists."""

    def replace(self, lock: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock]:
        """Replace the lock read at `etag`. Raises Conflict on any other version; the caller reads back."""


class GatewayStore(Protocol):
    """Registrations and liveness in Table Storage, partitioned by environment."""

    def read(self, environment: str, gateway_id: str) -> Versioned[Gateway] | None:
        """Return one gateway, or None."""

    def list(self, environment: str) -> Sequence[Gateway]:
        """Return the gateways of an environment, primary first, then by id."""

    def list_all(self, environments: Collection[str]) -> Mapping[str, Sequence[Gateway]]:
        """Return the same for each of these environments, in one request (ADR 0020)."""

    def insert(self, gateway: Gateway) -> Versioned[Gateway]:
        """Create a registration. Raises Conflict when it exists."""

    def replace(self, gateway: Gateway, *, etag: str) -> Versioned[Gateway]:
        """Replace the registration read at `etag`. Raises Conflict on any other version."""


class OperationStore(Protocol):
    """Operations in Table Storage. The environment is part of an operation's id."""

    def read(self, operation_id: str) -> Versioned[Operation] | None:
        """Return the operation, or None."""

    def list(self, environment: str, *, limit: int) -> Sequence[Operation]:
        """Return the newest operations of an environment, newest first."""

    def insert(self, operation: Operation) -> Versioned[Operation]:
        """Create the record. Raises Conflict when it exists."""

    def replace(self, operation: Operation, *, etag: str) -> Versioned[Operation]:
        """Replace the record read at `etag`. Raises Conflict on any other version."""


class AuditStore(Protocol):
    """Audit entries in Table Storage, one gapless chain per environment."""

    def last(self, environment: str) -> AuditEntry | None:
        """Return the newest entry, or None."""

    def insert(self, entry: AuditEntry) -> None:
        """Add an entry. Raises Conflict when its sequence number is taken."""

    def list(self, environment: str, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first; those below the number `before`, where one is given."""

    def numbered(self, environment: str, *, first: int, last: int) -> Sequence[AuditEntry]:
        """Return what is kept under the numbers from `first` to `last`, oldest first, whatever it says of itself.

        Raises InvariantViolation when one of them cannot be read: somebody has changed it.
        """


class EventStore(Protocol):
    """Events in Table Storage, one gapless sequence per environment."""

    def newest(self, environment: str, *, limit: int) -> Sequence[Event]:
        """Return the newest events, newest first."""

    def after(self, environment: str, sequence: int, *, limit: int) -> Sequence[Event]:
        """Return up to `limit` events that follow `sequence`, oldest first."""

    def insert(self, event: Event) -> None:
        """Add an event. Raises Conflict when its sequence number is taken."""


class DrillStore(Protocol):
    """Drill slots in Table Storage, one row per environment."""

    def read(self, environment: str) -> Versioned[DrillSlot] | None:
        """Return the slot with its version, or None before the first drill."""

    def insert(self, slot: DrillSlot) -> Versioned[DrillSlot]:
        """Create the slot. Raises Conflict when it exists."""

    def replace(self, slot: DrillSlot, *, etag: str) -> Versioned[DrillSlot]:
        """Replace the slot read at `etag`. Raises Conflict on any other version."""


class PreflightStore(Protocol):
    """The newest preflight of each environment, in Table Storage."""

    def read(self, environment: str) -> Versioned[Preflight] | None:
        """Return the newest preflight with its version, or None before the first."""

    def write(self, preflight: Preflight, *, etag: str | None) -> Versioned[Preflight]:
        """Insert (etag None) or replace it. Raises Conflict on any other version."""


class AlertStore(Protocol):
    """Alerts in Table Storage, by environment: each kept once, and those about the primary listed by time."""

    def insert(self, alert: Alert) -> None:
        """Keep the alert. Raises Conflict when this alert is kept in this condition already."""

    def read(self, environment: str, key: str) -> Alert | None:
        """Return the alert as it was first kept, or None."""

    def list_as_evidence(self, alert: Alert) -> None:
        """Add a kept alert to the list of its environment. Raises Conflict when it is listed already."""

    def evidence(self, environment: str, *, since: datetime, limit: int) -> Sequence[Alert]:
        """Return the listed alerts received at `since` or later, newest first."""


class AutomaticStore(Protocol):
    """The automatic failovers of all environments, in one row of Table Storage."""

    def read(self) -> Versioned[AutomaticRuns] | None:
        """Return the runs, or None before the first."""

    def write(self, runs: AutomaticRuns, *, etag: str | None) -> Versioned[AutomaticRuns]:
        """Insert (etag None) or replace the runs. Raises Conflict on any other version."""


class SightStore(Protocol):
    """What the health monitor has seen, in Table Storage."""

    def read(self) -> Versioned[Sight] | None:
        """Return the sight, or None before the first tick."""

    def write(self, sight: Sight, *, etag: str | None) -> Versioned[Sight]:
        """Insert (etag None) or replace the sight. Raises Conflict on any other version."""
