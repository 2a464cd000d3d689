"""Table Storage and Azure for a run: the emulators, watched, with writes that may land late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from devhost.emulators.memory_clusters import MemoryClusters
from devhost.emulators.memory_rows import MemoryRows, RowKey
from devhost.emulators.memory_tables import MemoryTables
from devhost.simulation.history import ClusterCommanded, History, LockWritten, OperationEnded, Wrote
from devhost.simulation.scheduler import Scheduler
from devhost.simulation.swarm import CLUSTER_START_S, CLUSTER_STOP_S
from devhost.simulation.trouble import Trouble
from shared.domain.clusters import ClusterRequest, ClusterState
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.gateways import ActivationStatus
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.operations import Operation
from shared.ports import Clock

T = TypeVar("T")


class WatchedRows(MemoryRows[T], Generic[T]):
    """One table that tells of each write that lands, and lets some land late."""

    def __init__(self, name: str, trouble: Trouble, landed: Callable[[T], None]) -> None:
        super().__init__(name, trouble.table_point)
        self._trouble = trouble
        self._landed = landed

    def replace(self, key: RowKey, value: T, *, etag: str) -> Versioned[T]:
        """Replace the row, or give up while the request is still on its way."""
        late_s = self._trouble.lands_late()
        if late_s is None:
            return super().replace(key, value, etag=etag)
        actor = self._trouble.scheduler.current
        self._trouble.scheduler.start(f"late write of {actor.name if actor else '?'}", self._late(key, value, etag),
                                      in_s=late_s)  # fmt: skip
        raise OutcomeUnknown(f"{self._name} {key}: no answer in time")

    def _late(self, key: RowKey, value: T, etag: str) -> Callable[[], None]:
        def land() -> None:
            try:
                super(WatchedRows, self).replace(key, value, etag=etag)
            except (Conflict, LockStoreUnavailable, OutcomeUnknown):
                self._trouble.history.reached["late write came to nothing"] += 1
            else:
                self._trouble.history.reached["late write landed"] += 1

        return land

    def _store(self, key: RowKey, value: T) -> Versioned[T]:
        stored = super()._store(key, value)
        self._landed(value)
        actor = self._trouble.scheduler.current
        if actor is not None and actor.asks:
            now_s = self._trouble.scheduler.now_s
            self._trouble.history.add(Wrote(at_s=now_s, call=actor.name, where=self._name))
        return stored


def watched_tables(trouble: Trouble) -> MemoryTables:
    """Return the stores, telling the history about locks and operations."""
    history, scheduler = trouble.history, trouble.scheduler

    def lock_landed(lock: EnvironmentLock) -> None:
        operation = lock.operation
        if lock.granted_by.startswith("recover/") and lock.granted_by == lock.written_by:
            history.reached["holder recovered under a new token"] += 1
        if operation is not None and operation.forced and lock.written_by == f"{operation.id}/move/{lock.token}":
            over = "a failed" if any(mark.gateway == lock.previous_holder for mark in lock.failed) else "a healthy"
            history.reached[f"forced over {over} primary"] += 1
        failed = lock.holder is not None and lock.status_of(lock.holder) is ActivationStatus.FAILED
        history.add(
            LockWritten(
                at_s=scheduler.now_s, token=lock.token, holder=lock.holder, holder_failed=failed,
                draining=lock.draining,
                operation=operation.id if operation else None, kind=operation.kind.value if operation else None,
                written_by=lock.written_by, two_person=lock.modes.two_person,
                forced=operation is not None and operation.forced,
            )
        )  # fmt: skip

    def operation_landed(operation: Operation) -> None:
        if operation.is_over:
            status, code = operation.status.value, operation.error.get("code", "")
            now_s, name = scheduler.now_s, operation.request.id
            history.add(OperationEnded(at_s=now_s, operation=name, status=status))
            history.reached[f"{operation.request.kind.value} {status} {code}".rstrip()] += 1

    tables = MemoryTables(trouble.table_point)
    tables.locks.rows = _RecognisingRows("locks", trouble, lock_landed)
    tables.operations.rows = WatchedRows("operations", trouble, operation_landed)
    tables.gateways.rows = WatchedRows("gateways", trouble, lambda _: None)
    tables.audit.rows = WatchedRows("audit", trouble, lambda _: None)
    tables.events.rows = WatchedRows("events", trouble, lambda _: None)
    tables.drills.rows = WatchedRows("drills", trouble, lambda _: None)
    tables.preflights.rows = WatchedRows("preflights", trouble, lambda _: None)
    tables.sight.rows = WatchedRows("sight", trouble, lambda _: None)
    tables.alerts.rows = WatchedRows("alerts", trouble, lambda _: None)
    tables.automatic.rows = WatchedRows("automatic", trouble, lambda _: None)
    tables.notification_cursors.rows = WatchedRows("notification_cursors", trouble, lambda _: None)
    tables.notification_deliveries.rows = WatchedRows("notification_deliveries", trouble, lambda _: None)
    return tables


class _RecognisingRows(WatchedRows[EnvironmentLock]):
    """The locks; notes when a writer whose answer was unclear finds its own write."""

    def __init__(self, name: str, trouble: Trouble, landed: Callable[[EnvironmentLock], None]) -> None:
        super().__init__(name, trouble, landed)
        self._unclear: dict[str, tuple[str, str]] = {}  # what was answered and written, by actor

    def replace(self, key: RowKey, value: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock]:
        """Replace the lock."""
        actor = self._trouble.scheduler.current
        try:
            return super().replace(key, value, etag=etag)
        except (Conflict, OutcomeUnknown) as answer:
            if actor is not None:
                self._unclear[actor.name] = (type(answer).__name__, value.written_by)
            raise

    def read(self, key: RowKey) -> Versioned[EnvironmentLock] | None:
        """Return the lock."""
        actor = self._trouble.scheduler.current
        name = actor.name if actor is not None else ""
        try:
            found = super().read(key)
        except (LockStoreUnavailable, OutcomeUnknown):
            self._trouble.blind.add(name)
            raise
        self._trouble.blind.discard(name)
        unclear = self._unclear.pop(name, None)
        if unclear is not None and found is not None and found.value.written_by == unclear[1]:
            answer = "412" if unclear[0] == "Conflict" else "lost answer"
            self._trouble.history.reached[f"{answer} on own write recognised"] += 1
        return found


class WatchedClusters(MemoryClusters):
    """Azure, on true time; tells of every start and stop it accepted."""

    def __init__(self, clock: Clock, trouble: Trouble, history: History, scheduler: Scheduler) -> None:
        super().__init__(clock, start_s=CLUSTER_START_S, stop_s=CLUSTER_STOP_S, fault=trouble.table_point)
        self._history = history
        self._scheduler = scheduler

    def _begin(self, cluster: str, lasts_s: float, during: ClusterState, then: ClusterState) -> None:
        super()._begin(cluster, lasts_s, during, then)
        self._history.add(ClusterCommanded(at_s=self._scheduler.now_s, what=self.calls[-1]))

    def begin_start(self, cluster: str) -> ClusterRequest:
        """Begin a start."""
        answer = super().begin_start(cluster)
        if not answer.accepted:
            self._history.reached[f"Azure answered {answer.error_code}"] += 1
        return answer
