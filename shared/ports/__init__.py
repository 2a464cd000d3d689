"""What the steps need from the world: one Protocol per store or service, and the record that carries them all.

No port has an unconditional write of a lock: a record is inserted if absent or replaced at the version it was
read at. Every method may raise the `Unavailable` fault of its store; a store failure never becomes permission.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.clusters import ClusterRequest, ClusterState
from shared.domain.environments import Environment
from shared.domain.policy import Policy
from shared.ports.notification_stores import NotificationCursorStore, NotificationDeliveryStore
from shared.ports.notifications import Receivers
from shared.ports.records import (
    AlertStore,
    AuditStore,
    AutomaticStore,
    DrillStore,
    EventStore,
    GatewayStore,
    LockStore,
    OperationStore,
    PreflightStore,
    SightStore,
)  # fmt: skip
from shared.ports.work import (
    LeaseGranted,
    ReadAuthority,
    Reported,
    TaskNotResolved,
    TaskReport,
    TaskResolved,
    WorkRefused,
    WorkStore,
)

__all__ = [
    "AlertStore",
    "AuditStore",
    "AutomaticStore",
    "Canary",
    "Clock",
    "Clusters",
    "DrillStore",
    "EventStore",
    "GatewayStore",
    "IdSource",
    "LeaseGranted",
    "LockStore",
    "NotificationCursorStore",
    "NotificationDeliveryStore",
    "OperationStore",
    "Ports",
    "PreflightStore",
    "ReadAuthority",
    "Receivers",
    "Reported",
    "SightStore",
    "TaskNotResolved",
    "TaskReport",
    "TaskResolved",
    "WorkRefused",
    "WorkStore",
]


class Clusters(Protocol):
    """AKS clusters by Azure resource id. Raises ClusterApiUnavailable (also for throttling)."""

    def state(self, cluster: str) -> ClusterState:
        """Return power and provisioning state."""

    def begin_start(self, cluster: str) -> ClusterRequest:
        """Ask for a start and return at once; never waits for it. A lost answer is ClusterApiUnavailable."""

    def begin_stop(self, cluster: str) -> ClusterRequest:
        """Ask for a stop and return at once."""

    def allowed(self, cluster: str, actions: frozenset[str]) -> frozenset[str]:
        """Return those of the actions that the app's identity may carry out on the cluster; carries out none."""


class Canary(Protocol):
    """The health monitor's own look at the public endpoint."""

    def answers(self) -> bool:
        """Whether the public endpoint answered; True when none is configured."""


class Clock(Protocol):
    """The control plane's clock."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""

    def unix_ns(self) -> int:
        """Return nanoseconds since 1970."""


class IdSource(Protocol):
    """Makes ids."""

    def operation_id(self, environment: str) -> str:
        """Return a new operation id that begins with the environment's name and sorts by time."""

    def unique(self) -> str:
        """Return a new id for a request, a task or a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything a step may touch."""

    environments: Mapping[str, Environment]
    policy: Policy
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
    receivers: Receivers
    work: WorkStore
    clusters: Clusters
    canary: Canary
    clock: Clock
    ids: IdSource
