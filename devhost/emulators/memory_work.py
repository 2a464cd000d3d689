"""The WorkStore port in memory, with the semantics of the one over PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from devhost.emulators import memory_tasks
from devhost.emulators.memory_database import MemoryDatabase, QueuedRequest, Rows
from shared.domain.faults import DatabaseUnavailable, UnknownConfig, UnknownTask
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway
from shared.domain.guard import (
    Caller,
    Denied,
    GuardSnapshot,
    Mirror,
    Present,
    Purpose,
    Sync,
    SyncFirst,
    SyncOutcome,
    batch_within_lease,
    decide_guard,
    decide_sync,
    not_before_at_raise,
    not_before_on_new_timeline,
)
from shared.domain.locks import EnvironmentLock
from shared.domain.policy import Policy
from shared.domain.preflight import Replication
from shared.domain.tasks import RotationConfig, Task, TaskCursor, TaskStatus, TaskVerdict, UnfinishedTasks
from shared.ports import (
    LeaseGranted,
    ReadAuthority,
    Reported,
    TaskNotResolved,
    TaskReport,
    TaskResolved,
    WorkRefused,
)

T = TypeVar("T")
GUARD_ATTEMPTS = 3


class MemoryWorkStore:
    """`shared.ports.WorkStore`. `database` is the server behind it, for a test to break."""

    def __init__(self, *, policy: Policy, clock: Callable[[], datetime]) -> None:
        """Start empty; `clock` plays PostgreSQL's clock."""
        self.database = MemoryDatabase(policy=policy, clock=clock)
        self._policy = policy

    def ping(self) -> None:
        self.database.require_up()

    def replication(self) -> Replication:
        self.database.require_up()
        return Replication(is_standby=False, replicas=1, lag_s=0.0)

    def mirror(self, environment: str) -> Mirror | None:
        return self.database.read(environment).fence

    def sync_mirror(self, environment: str, read_authority: ReadAuthority) -> Sync:
        with self.database.transaction(environment) as rows:
            authority = read_authority()
            outcome = decide_sync(rows.fence, authority)
            match authority:
                case Present(lock) if outcome is SyncOutcome.RAISED:
                    return self._raise(rows, lock)
                case Present() if outcome is SyncOutcome.CURRENT:
                    rows.fence = self._confirmed(rows.fence)
                case _:
                    pass
            return Sync(outcome=outcome, mirror=rows.fence)

    def copy_gateway(self, gateway: Gateway) -> None:
        identity_alone = Gateway(
            id=gateway.id, environment=gateway.environment, role=gateway.role, identity=gateway.identity,
            registered_at=gateway.registered_at, region=gateway.region, version=gateway.version,
        )  # fmt: skip
        for elsewhere in self.database.environments():
            if elsewhere != gateway.environment and gateway.id in self.database.read(elsewhere).gateways:
                with self.database.transaction(elsewhere) as rows:
                    rows.gateways.pop(gateway.id, None)
        with self.database.transaction(gateway.environment) as rows:
            rows.gateways[gateway.id] = identity_alone

    def copied_gateway(self, gateway_id: str) -> Gateway | None:
        copies = (self.database.read(name).gateways.get(gateway_id) for name in self.database.environments())
        return next((copy for copy in copies if copy), None)

    def extend_lease(self, caller: Caller, read_authority: ReadAuthority) -> LeaseGranted | WorkRefused:
        def write(rows: Rows, now: datetime) -> LeaseGranted:
            assert rows.fence is not None
            until = now + timedelta(seconds=self._policy.lease_s)
            former = rows.fence.lease_until
            rows.fence = replace(rows.fence, lease_until=max(former, until) if former else until)
            return LeaseGranted(self._policy.lease_s)

        return self._guarded(caller, Purpose.BEAT, read_authority, write)

    def claim(self, caller: Caller, read_authority: ReadAuthority, *, limit: int) -> Sequence[Task] | WorkRefused:
        def write(rows: Rows, now: datetime) -> Sequence[Task]:
            lease_until = rows.fence.lease_until if rows.fence else None
            batch = batch_within_lease(limit, lease_until=lease_until, now=now)
            return memory_tasks.claim(rows, caller, limit=batch, now=now)

        return self._guarded(caller, Purpose.CLAIM, read_authority, write)

    def report(self, caller: Caller, read_authority: ReadAuthority, report: TaskReport) -> Reported | WorkRefused:
        def write(rows: Rows, now: datetime) -> Reported | WorkRefused:
            task = rows.tasks.get(report.task_id)
            if task is None:
                raise UnknownTask(f"{caller.environment} has no task {report.task_id}")
            return memory_tasks.report(rows, task, caller, report, now=now)

        answer = self._guarded(caller, Purpose.REPORT, read_authority, write)
        task = self.database.read(caller.environment).tasks.get(report.task_id)
        if isinstance(answer, WorkRefused) and task is not None and memory_tasks.ended_by(task, caller, report):
            return Reported.REPEATED
        return answer

    def expire_tasks(self) -> Sequence[Task]:
        left: list[Task] = []
        for environment in self.database.environments():
            with self.database.transaction(environment) as rows:
                left += memory_tasks.expire(
                    rows, self.database.config, task_timeout_s=self._policy.task_timeout_s, now=self.database.clock()
                )
        return left

    def running_tasks(self, environment: str) -> int:
        return self._count(environment, TaskStatus.RUNNING)

    def claimed_under(self, environment: str, token: FencingToken) -> int:
        claims = self.database.read(environment).claims
        return len({task_id for (task_id, _), under in claims.items() if under == token})

    def pending_tasks(self, environment: str) -> int:
        return self._count(environment, TaskStatus.PENDING)

    def unfinished_tasks(self) -> Mapping[str, UnfinishedTasks]:
        return {
            name: memory_tasks.unfinished(self.database.read(name).tasks.values(), now=self.database.clock())
            for name in self.database.environments()
        }

    def tasks(
        self,
        environment: str,
        *,
        gateway_id: str,
        holder: bool,
        status: TaskStatus | None,
        limit: int,
        after: TaskCursor | None = None,
    ) -> Sequence[Task]:
        listed = [
            task for task in self.database.read(environment).tasks.values()
            if task.gateway_id == gateway_id or (holder and task.status is TaskStatus.PENDING)
        ]  # fmt: skip
        return memory_tasks.newest(listed, status=status, limit=limit, after=after)

    def task_page(
        self, *, environment: str | None, status: TaskStatus | None, limit: int, after: TaskCursor | None
    ) -> Sequence[Task]:
        names = [environment] if environment else self.database.environments()
        tasks = [task for name in names for task in self.database.read(name).tasks.values()]
        return memory_tasks.newest(tasks, status=status, limit=limit, after=after)

    def resolve_task(self, task_id: str, verdict: TaskVerdict) -> TaskResolved | TaskNotResolved:
        for environment in self.database.environments():
            with self.database.transaction(environment) as rows:
                if task_id in rows.tasks:
                    return memory_tasks.resolve(rows, rows.tasks[task_id], verdict, now=self.database.clock())
        raise UnknownTask(f"Task {task_id} does not exist")

    def put_config(self, config: RotationConfig) -> None:
        self.database.put_config(config)

    def config(self, config_id: str) -> RotationConfig | None:
        return self.database.config(config_id)

    def add_task(self, config: RotationConfig, *, task_id: str, idempotency_key: str, request_digest: str = "") -> Task:
        if self.database.config(config.id) is None:
            raise UnknownConfig(f"there is no rotation config {config.id}")
        wanted = QueuedRequest(config.id, request_digest, task_id)
        with self.database.transaction(config.environment) as rows:
            return memory_tasks.add(rows, config, wanted, key=idempotency_key, now=self.database.clock())

    def _count(self, environment: str, status: TaskStatus) -> int:
        return sum(task.status is status for task in self.database.read(environment).tasks.values())

    def _guarded(
        self,
        caller: Caller,
        purpose: Purpose,
        read_authority: ReadAuthority,
        write: Callable[[Rows, datetime], T],
    ) -> T | WorkRefused:
        for _ in range(GUARD_ATTEMPTS):
            with self.database.transaction(caller.environment) as rows:
                authority = read_authority()
                now = self.database.clock()
                decision = decide_guard(
                    GuardSnapshot(
                        caller=caller, purpose=purpose, mirror=rows.fence, authority=authority,
                        timeline=self.database.timeline, now=now,
                    )
                )  # fmt: skip
                if isinstance(decision, Denied):
                    return WorkRefused(decision.reason)
                if decision is not SyncFirst.SYNC_FIRST:
                    return write(rows, now)
            self.sync_mirror(caller.environment, read_authority)
        raise DatabaseUnavailable(f"the mirror of {caller.environment} still lagged after {GUARD_ATTEMPTS} attempts")

    def _raise(self, rows: Rows, lock: EnvironmentLock) -> Sync:
        now, timeline, former = self.database.clock(), self.database.timeline, rows.fence
        wait = not_before_at_raise(former, lock, timeline=timeline, now=now, policy=self._policy)
        rows.fence = Mirror(
            environment=lock.environment, token=lock.token, holder=lock.holder, lease_until=None,
            not_before=wait, validated_timeline=timeline,
        )  # fmt: skip
        left = [task.status for task in memory_tasks.hand_back(rows, lock.token, self.database.config, now=now)]
        return Sync(
            outcome=SyncOutcome.RAISED,
            mirror=rows.fence,
            requeued=left.count(TaskStatus.PENDING),
            in_doubt=left.count(TaskStatus.IN_DOUBT),
            failed=left.count(TaskStatus.FAILED),
        )

    def _confirmed(self, mirror: Mirror | None) -> Mirror | None:
        if mirror is None or mirror.validated_timeline == self.database.timeline:
            return mirror
        unseen = not_before_on_new_timeline(mirror, now=self.database.clock(), policy=self._policy)
        return replace(mirror, validated_timeline=self.database.timeline, not_before=unseen)
