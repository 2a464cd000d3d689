"""The metrics: their names, and the numbers that follow from what the stores say. All instances give the same ones.

Nothing is counted in memory: an instance that has just started knows as much as any other (ADR 0025). Labels take
their values from the declared environments, their two gateways and enums, so there is an end to their number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from shared.domain.failover import Snapshot, has_regressed, health_of
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.health import Verdict
from shared.domain.operations import Operation, OperationKind, OperationStatus
from shared.domain.policy import Policy
from shared.domain.recovery import recovery_of
from shared.domain.tasks import UnfinishedTasks

RECENT_OPERATIONS: Final = 100
"""Operations of an environment that are counted, the newest ones."""


class Store(Enum):
    """Where a number comes from; while the store does not answer, the number is left out."""

    TABLE_STORAGE = "table_storage"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. Its name is a contract; units are in it, and `_total` means a count that only rises."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    stores: tuple[Store, ...] = ()  # all of them must answer

    @property
    def is_counter(self) -> bool:
        """Whether it only rises."""
        return self.name.endswith("_total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number; `labels` are the values of the metric's labels, in their order."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


_GATEWAY: Final = ("environment", "gateway", "role")
_ENVIRONMENT: Final = ("environment",)
_TABLES: Final = (Store.TABLE_STORAGE,)
_DATABASE: Final = (Store.POSTGRESQL,)
_BOTH: Final = (*_TABLES, *_DATABASE)

STORE_UP: Final = Metric(
    name="mvdr_store_up",
    labels=("store",),
    help="1 when the store answered this request, else 0; then its metrics are left out.",
)
ACTIVATION_STATUS: Final = Metric(
    name="mvdr_gateway_activation_status", labels=(*_GATEWAY, "status"), stores=_TABLES,
    help="1 for the activation status that the gateway has.",
)  # fmt: skip
VERDICT: Final = Metric(
    name="mvdr_gateway_verdict", labels=(*_GATEWAY, "verdict"), stores=_TABLES,
    help="1 for what the health monitor thinks of the gateway.",
)  # fmt: skip
LOCK_HOLDER: Final = Metric(
    name="mvdr_gateway_lock_holder",
    labels=_GATEWAY,
    stores=_TABLES,
    help="1 when the gateway holds the environment lock.",
)
HEARTBEAT_AGE: Final = Metric(
    name="mvdr_gateway_heartbeat_age_seconds", labels=_GATEWAY, stores=_TABLES,
    help="Time since the last heartbeat; absent for a gateway that was never heard.",
)  # fmt: skip
MISSED_HEARTBEATS: Final = Metric(
    name="mvdr_gateway_missed_heartbeats", labels=_GATEWAY, stores=_TABLES,
    help="Whole HeartbeatTimeouts of silence that the health monitor saw (consecutive_failures).",
)  # fmt: skip
ACTIVE_GATEWAYS: Final = Metric(
    name="mvdr_environment_active_gateways", labels=_ENVIRONMENT, stores=_TABLES,
    help="Gateways with activation status active; other than 1 outside a failover wants a person.",
)  # fmt: skip
TOKEN_AGE: Final = Metric(
    name="mvdr_fencing_token_age_seconds", labels=_ENVIRONMENT, stores=_TABLES,
    help="Time since the present fencing token was granted.",
)  # fmt: skip
OPERATION_RUNNING: Final = Metric(
    name="mvdr_operation_running",
    labels=_ENVIRONMENT,
    stores=_TABLES,
    help="1 while an operation is in the environment lock.",
)
RECENT: Final = Metric(
    name="mvdr_recent_operations", labels=("environment", "type", "status"), stores=_TABLES,
    help=f"Operations by type and status among the newest {RECENT_OPERATIONS} of the environment.",
)  # fmt: skip
LAST_RECOVERY: Final = Metric(
    name="mvdr_last_recovery_seconds", labels=_ENVIRONMENT, stores=_TABLES,
    help=f"Recovery time of the newest failover that succeeded, among the newest {RECENT_OPERATIONS} operations.",
)  # fmt: skip
RECOVERY_TARGET: Final = Metric(
    name="mvdr_recovery_target_seconds",
    labels=_ENVIRONMENT,
    help="RTO target of the environment, as the settings have it.",
)
TICK_AGE: Final = Metric(
    name="mvdr_monitor_last_tick_age_seconds", stores=_TABLES,
    help="Time since the last pass of the health monitor that could see; absent before the first one.",
)  # fmt: skip
AUDIT_ENTRIES: Final = Metric(
    name="mvdr_audit_entries_total",
    labels=_ENVIRONMENT,
    stores=_TABLES,
    help="Audit entries written: the newest number of the chain.",
)
EVENTS: Final = Metric(
    name="mvdr_events_total",
    labels=_ENVIRONMENT,
    stores=_TABLES,
    help="Events told: the newest number of the timeline.",
)
MIRROR_LAG: Final = Metric(
    name="mvdr_mirror_lag_seconds", labels=_ENVIRONMENT, stores=_BOTH,
    help="Time for which PostgreSQL has been behind the environment lock; 0 when it is not.",
)  # fmt: skip
REGRESSED: Final = Metric(
    name="mvdr_authority_regressed", labels=_ENVIRONMENT, stores=_BOTH,
    help="1 when the environment lock is missing or older than the mirror: nobody may act.",
)  # fmt: skip
TASKS: Final = Metric(
    name="mvdr_tasks", labels=("environment", "status"), stores=_DATABASE,
    help="Tasks that have not ended, by status; those that have would cost a walk through all of them.",
)  # fmt: skip
OLDEST_PENDING: Final = Metric(
    name="mvdr_oldest_pending_task_age_seconds", labels=_ENVIRONMENT, stores=_DATABASE,
    help="How long the oldest pending task has waited; 0 without one.",
)  # fmt: skip

METRICS: Final = (
    STORE_UP, ACTIVATION_STATUS, VERDICT, LOCK_HOLDER, HEARTBEAT_AGE, MISSED_HEARTBEATS, ACTIVE_GATEWAYS, TOKEN_AGE,
    OPERATION_RUNNING, RECENT, LAST_RECOVERY, RECOVERY_TARGET, TICK_AGE, AUDIT_ENTRIES, EVENTS, MIRROR_LAG, REGRESSED,
    TASKS, OLDEST_PENDING,
)  # fmt: skip


def samples_of_snapshot(snapshot: Snapshot, policy: Policy) -> Iterator[Sample]:
    """Yield what one snapshot of an environment shows."""
    name, lock = snapshot.environment, snapshot.lock.value if snapshot.lock else None
    gateways = [gateway for gateway in (snapshot.primary, snapshot.dr) if gateway]
    statuses = {one.id: lock.status_of(one.id) if lock else ActivationStatus.STANDBY for one in gateways}
    for gateway in gateways:
        yield from _samples_of_gateway(gateway, statuses[gateway.id], snapshot, policy)
    active = sum(status is ActivationStatus.ACTIVE for status in statuses.values())
    yield sample(ACTIVE_GATEWAYS, active, name)
    yield sample(OPERATION_RUNNING, lock is not None and lock.operation is not None, name)
    if lock is not None:
        yield sample(TOKEN_AGE, (snapshot.now - lock.acquired_at).total_seconds(), name)
    if snapshot.database_reachable:
        regressed = has_regressed(snapshot)
        yield sample(REGRESSED, regressed, name)
        if lock is not None and not regressed:
            behind = snapshot.mirror is None or snapshot.mirror.token < lock.token
            lag_s = (snapshot.now - lock.acquired_at).total_seconds() if behind else 0.0
            yield sample(MIRROR_LAG, max(lag_s, 0.0), name)


def samples_of_operations(environment: str, newest_first: Sequence[Operation]) -> Iterator[Sample]:
    """Yield how the newest operations ended, and how long the last recovery took."""
    for kind in OperationKind:
        for status in OperationStatus:
            count = sum(one.request.kind is kind and one.status is status for one in newest_first)
            yield sample(RECENT, count, environment, kind.value, status.value)
    recoveries = (recovery_of(operation) for operation in newest_first)
    totals_ms = (recovery.total_ms for recovery in recoveries if recovery.recovered)
    last_ms = next((total for total in totals_ms if total is not None), None)
    if last_ms is not None:
        yield sample(LAST_RECOVERY, last_ms / 1000, environment)


def samples_of_tasks(environments: Sequence[str], unfinished: Mapping[str, UnfinishedTasks]) -> Iterator[Sample]:
    """Yield the tasks that have not ended; an environment without any has zeros."""
    for name in environments:
        tasks = unfinished.get(name, UnfinishedTasks())
        for status in ("pending", "running", "in_doubt"):
            yield sample(TASKS, getattr(tasks, status), name, status)
        yield sample(OLDEST_PENDING, tasks.oldest_pending_age_s, name)


def _samples_of_gateway(
    gateway: Gateway, status: ActivationStatus, snapshot: Snapshot, policy: Policy
) -> Iterator[Sample]:
    who = (gateway.environment, gateway.id, gateway.role.value)
    health, lock = health_of(gateway, snapshot, policy), snapshot.lock.value if snapshot.lock else None
    for one in ActivationStatus:
        yield sample(ACTIVATION_STATUS, one is status, *who, one.value)
    for verdict in Verdict:
        yield sample(VERDICT, verdict is health.verdict, *who, verdict.value)
    yield sample(LOCK_HOLDER, lock is not None and lock.holder == gateway.id, *who)
    yield sample(MISSED_HEARTBEATS, health.consecutive_failures, *who)
    if health.heartbeat_age_s is not None:
        yield sample(HEARTBEAT_AGE, health.heartbeat_age_s, *who)


def sample(metric: Metric, value: float, *labels: str) -> Sample:
    """Return one number of a metric, with the values of its labels in their order."""
    return Sample(metric=metric, labels=labels, value=float(value))
