"""The two work stores with the means a test needs: time that moves on demand, and an authority to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Protocol

import psycopg

from devhost.emulators.memory_work import MemoryWorkStore
from shared.adapters.postgres_work import PostgresWorkStore
from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway, Identity
from shared.domain.guard import Absent, AuthorityReading, Caller, Present, Unreachable
from shared.domain.locks import EnvironmentLock, FailedMark, founded
from shared.domain.operations import OperationRequest
from shared.domain.policy import Policy
from shared.domain.tasks import OnLostOwner, RotationConfig, Task
from shared.ports import WorkRefused, WorkStore

POLICY = Policy(guarded_transaction_s=2.0)
PRO, PRIMARY, DR = "PRO", "gw-pro-primary", "gw-pro-dr"
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OLD_TIMELINE = "0000FFFF"

_SHIFTED = {
    "environment_fence": ("lease_until", "not_before", "raised_at"),
    "tasks": ("created_at", "claimed_at", "progressed_at", "completed_at"),
    "task_claims": ("claimed_at",),
    "task_resolutions": ("resolved_at",),
}


class WorkBackend(Protocol):
    """A work store whose clock and timeline a test controls."""

    @property
    def store(self) -> WorkStore: ...

    def now(self) -> datetime:
        """Return the store's own clock."""

    def pass_time(self, seconds: float) -> None:
        """Let the store's clock run ahead."""

    def change_timeline(self) -> None:
        """Make every row one that was validated on another timeline."""


class MemoryBackend:
    """The emulator, whose clock stands still between steps."""

    def __init__(self, policy: Policy) -> None:
        self._now = T0
        self.store = MemoryWorkStore(policy=policy, clock=self.now)

    def now(self) -> datetime:
        return self._now

    def pass_time(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def change_timeline(self) -> None:
        self.store.database.timeline = OLD_TIMELINE


class PostgresBackend:
    """PostgreSQL, whose clock cannot be moved: all stored instants are moved instead."""

    def __init__(self, url: str, policy: Policy, *, pool_size: int = 8, work_url: str = "") -> None:
        """Work through `work_url` if another role than the one of `url` shall do it."""
        self.url = url
        self.store = PostgresWorkStore(work_url or url, policy=policy, pool_size=pool_size)

    def __enter__(self) -> PostgresBackend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def now(self) -> datetime:
        (row,) = self.sql("select clock_timestamp()")
        return row[0]  # type: ignore[no-any-return]

    def pass_time(self, seconds: float) -> None:
        for table, columns in _SHIFTED.items():
            shifts = ", ".join(f"{name} = {name} - make_interval(secs => {seconds})" for name in columns)
            self.sql_without_triggers(f"update {table} set {shifts}")

    def change_timeline(self) -> None:
        self.sql_without_triggers(f"update environment_fence set validated_timeline = '{OLD_TIMELINE}'")

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def sql_without_triggers(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(statement)


@dataclass(slots=True)
class Authority:
    """The environment lock as the work store reads it."""

    lock: EnvironmentLock | None = None
    is_reachable: bool = True
    before_read: Callable[[], object] = field(default=lambda: None)
    reads: int = 0

    def __call__(self) -> AuthorityReading:
        self.reads += 1
        self.before_read()
        if not self.is_reachable:
            return Unreachable("no answer")
        return Present(self.lock) if self.lock else Absent()

    def grant(self, holder: str | None, token: int) -> None:
        """Let the lock name another holder and token."""
        base = self.lock or founded(
            environment=PRO, holder=PRIMARY, token=FencingToken(token), write_id="w", now=T0
        )  # fmt: skip
        self.lock = replace(base, holder=holder, token=FencingToken(token), failed=())

    def mark_holder_failed(self) -> None:
        assert self.lock is not None
        assert self.lock.holder is not None
        mark = FailedMark(gateway=self.lock.holder, token=self.lock.token, at=T0, last_heartbeat=None)
        self.lock = replace(self.lock, failed=(mark,))

    def drain(self, request: OperationRequest) -> None:
        assert self.lock is not None
        self.lock = replace(self.lock, operation=replace(request, draining=True))


def granted(token: int = 100, holder: str | None = PRIMARY) -> Authority:
    """Return an authority that names a holder and a token."""
    authority = Authority()
    authority.grant(holder, token)
    return authority


def caller(gateway_id: str = PRIMARY, token: int = 100, environment: str = PRO) -> Caller:
    return Caller(gateway_id=gateway_id, environment=environment, token=FencingToken(token))


def gateway(gateway_id: str, role: Role) -> Gateway:
    identity = Identity(tenant_id="tenant", object_id=f"object-of-{gateway_id}")
    return Gateway(id=gateway_id, environment=PRO, role=role, identity=identity, registered_at=T0, region="westeurope")


def config(on_lost_owner: OnLostOwner = OnLostOwner.REQUEUE, *, max_attempts: int = 3) -> RotationConfig:
    return RotationConfig(
        id=f"cfg-{on_lost_owner.value}-{max_attempts}",
        environment=PRO,
        name="rotation",
        on_lost_owner=on_lost_owner,
        max_attempts=max_attempts,
        payload={"secret": "db"},
    )


def queue(store: WorkStore, what: RotationConfig, *task_ids: str) -> None:
    """Queue one task per id, in that order."""
    store.put_config(what)
    for task_id in task_ids:
        store.add_task(what, task_id=task_id, idempotency_key=f"request-{task_id}")


def claimed(answer: Sequence[Task] | WorkRefused) -> list[Task]:
    """Return the claimed tasks; a refusal fails the test with its reason."""
    assert not isinstance(answer, WorkRefused), answer
    return list(answer)


def working(store: WorkStore, authority: Authority, *, gateway_id: str = PRIMARY, token: int = 100) -> Caller:
    """Return a caller that has a lease."""
    who = caller(gateway_id, token)
    answer = store.extend_lease(who, authority)
    assert not isinstance(answer, WorkRefused), answer
    return who
