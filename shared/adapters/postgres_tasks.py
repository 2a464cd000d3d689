"""Tasks in PostgreSQL: queued, claimed, reported on, and taken back from gateways that fell silent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from psycopg import errors
from psycopg.types.json import Jsonb

from shared.adapters.named_sql import load
from shared.adapters.postgres import Connection, Database
from shared.adapters.postgres_fence import PostgresFence
from shared.adapters.postgres_rows import of_caller, task_of
from shared.domain.faults import IdempotencyKeyReused, InvariantViolation, UnknownConfig, UnknownTask
from shared.domain.fencing import FencingToken
from shared.domain.guard import Caller, GuardSnapshot, Purpose, batch_within_lease
from shared.domain.policy import Policy
from shared.domain.tasks import RotationConfig, Task, TaskCursor, TaskRefusal, TaskStatus, UnfinishedTasks
from shared.ports import ReadAuthority, Reported, TaskReport, WorkRefused

_SQL: Final = load("tasks")
_ENDED: Final = (TaskStatus.SUCCEEDED, TaskStatus.FAILED)


class PostgresTasks:
    """The task queue of every environment."""

    def __init__(self, database: Database, fence: PostgresFence, *, policy: Policy) -> None:
        self._database = database
        self._fence = fence
        self._task_timeout_s = policy.task_timeout_s

    def claim(self, caller: Caller, read_authority: ReadAuthority, *, limit: int) -> Sequence[Task] | WorkRefused:
        """Give up to `limit` pending tasks, oldest first, to the caller; concurrent callers get different ones."""

        def write(connection: Connection, judged: GuardSnapshot) -> Sequence[Task]:
            lease_until = judged.mirror.lease_until if judged.mirror else None
            batch = batch_within_lease(limit, lease_until=lease_until, now=judged.now)
            rows = connection.execute(_SQL["claim_tasks"], {**of_caller(caller), "limit": batch}).fetchall()
            return [task_of(row) for row in rows]

        return self._fence.guarded(caller, Purpose.CLAIM, read_authority, write)

    def report(self, caller: Caller, read_authority: ReadAuthority, report: TaskReport) -> Reported | WorkRefused:
        """Record progress or the end of a task. Raises UnknownTask.

        An end that was accepted before is REPEATED even when the caller may no longer act: it changes nothing, and
        a gateway told otherwise would undo work that counts.
        """

        def write(connection: Connection, _: GuardSnapshot) -> Reported | WorkRefused:
            parameters = {
                **of_caller(caller),
                "task_id": report.task_id,
                "attempt": report.attempt,
                "status": report.status.value,
                "result": Jsonb(dict(report.result)),
            }
            if connection.execute(_SQL["report_task"], parameters).rowcount == 1:
                return Reported.ACCEPTED
            task = _read(connection, caller.environment, report.task_id)
            if task is None:
                raise UnknownTask(f"{caller.environment} has no task {report.task_id}")
            return answer_to_unaccepted(task, caller, report)

        answer = self._fence.guarded(caller, Purpose.REPORT, read_authority, write)
        if isinstance(answer, WorkRefused) and report.status in _ENDED:
            task = self._database.run(lambda connection: _read(connection, caller.environment, report.task_id))
            if task is not None and is_repeated(task, caller, report):
                return Reported.REPEATED
        return answer

    def expire(self) -> Sequence[Task]:
        """Take back tasks that ran `task_timeout_s` without progress (runbook section 3); return them as left."""
        rows = self._database.run(
            lambda connection: connection.execute(
                _SQL["expire_tasks"], {"task_timeout_s": self._task_timeout_s}
            ).fetchall()
        )
        return [task_of(row) for row in rows]

    def count(self, environment: str, status: TaskStatus) -> int:
        """Return how many tasks of the environment have a status."""
        return self._count("count_tasks", {"environment": environment, "status": status.value})

    def unfinished(self) -> Mapping[str, UnfinishedTasks]:
        """Return how many tasks have not ended, by environment, and how long the oldest pending one has waited."""
        rows = self._database.run(lambda connection: connection.execute(_SQL["count_unfinished"]).fetchall())
        found: dict[str, UnfinishedTasks] = {}
        for row in rows:
            tasks = found.get(row["environment"], UnfinishedTasks())
            if row["oldest_s"] is not None:
                tasks = replace(tasks, oldest_pending_age_s=float(row["oldest_s"]))
            found[row["environment"]] = replace(tasks, **{row["status"]: row["tasks"]})
        return found

    def claimed_under(self, environment: str, token: FencingToken) -> int:
        """Return how many tasks were ever claimed under the token, those handed back since included."""
        return self._count("count_claimed_under", {"environment": environment, "token": token})

    def listed(
        self,
        environment: str,
        gateway_id: str,
        *,
        holder: bool,
        status: TaskStatus | None,
        limit: int,
        after: TaskCursor | None,
    ) -> Sequence[Task]:
        """Return the tasks a gateway claimed and, for the holder, those nobody has claimed yet; newest first."""
        statement = "list_tasks_of_holder" if holder else "list_tasks"
        return self._list(statement, environment, status, limit, after, gateway_id=gateway_id)

    def page(
        self, *, environment: str | None, status: TaskStatus | None, limit: int, after: TaskCursor | None
    ) -> Sequence[Task]:
        """Return tasks of one environment or of all, newest first."""
        return self._list("page_of_tasks", environment, status, limit, after)

    def add(self, config: RotationConfig, *, task_id: str, request_key: str, digest: str) -> Task:
        """Queue one execution; the same key returns the task queued before. Raises UnknownConfig, IdempotencyKeyReused.

        A key that is the task's own id was made up for this one request and is not kept.
        """
        parameters = {
            "task_id": task_id,
            "environment": config.environment,
            "config_id": config.id,
            "request_key": request_key,
            "digest": digest,
            "payload": Jsonb(dict(config.payload)),
        }

        def write(connection: Connection) -> Task:
            if request_key != task_id:
                _note_request(connection, parameters)
            try:
                row = connection.execute(_SQL["insert_task"], parameters).fetchone()
            except errors.ForeignKeyViolation as fault:
                raise UnknownConfig(f"there is no rotation config {config.id}") from fault
            row = row or connection.execute(_SQL["read_requested_task"], parameters).fetchone()
            if row is None:
                raise InvariantViolation(f"the task of request {request_key} was neither queued nor found")
            return task_of(row)

        return self._database.run(write)

    def _list(
        self,
        statement: str,
        environment: str | None,
        status: TaskStatus | None,
        limit: int,
        after: TaskCursor | None,
        **more: object,
    ) -> Sequence[Task]:
        parameters = {
            "environment": environment,
            "status": status.value if status else None,
            "limit": limit,
            "after_at": after.created_at if after else None,
            "after_id": after.id if after else None,
            **more,
        }
        rows = self._database.run(lambda connection: connection.execute(_SQL[statement], parameters).fetchall())
        return [task_of(row) for row in rows]

    def _count(self, statement: str, parameters: dict[str, object]) -> int:
        row = self._database.run(lambda connection: connection.execute(_SQL[statement], parameters).fetchone())
        return 0 if row is None else int(row["tasks"])


def is_repeated(task: Task, caller: Caller, report: TaskReport) -> bool:
    """Whether the report is the very one that ended the task: same claim, same end, same result."""
    return (
        report.status in _ENDED
        and _is_claim_of(task, caller, report)
        and task.status is report.status
        and dict(task.result) == dict(report.result)
    )


def answer_to_unaccepted(task: Task, caller: Caller, report: TaskReport) -> Reported | WorkRefused:
    """Return what the gateway is told when the guard let its report pass and the task did not take it."""
    if is_repeated(task, caller, report):
        return Reported.REPEATED
    if not _is_claim_of(task, caller, report) or task.status is TaskStatus.IN_DOUBT:
        return WorkRefused(TaskRefusal.SUPERSEDED_ATTEMPT)
    if task.status in _ENDED:
        return WorkRefused(TaskRefusal.ALREADY_DONE)
    return WorkRefused(TaskRefusal.LEASE_EXPIRED)  # its claim stands, so the lease ran out between look and write


def _note_request(connection: Connection, parameters: Mapping[str, object]) -> None:
    """Keep which request the key came with; of two at once the second waits here for the first."""
    if connection.execute(_SQL["note_request"], parameters).fetchone() is not None:
        return
    first = connection.execute(_SQL["read_request"], parameters).fetchone()
    if first is not None and (first["config_id"], first["digest"]) != (parameters["config_id"], parameters["digest"]):
        raise IdempotencyKeyReused("Idempotency-Key came with another request before")


def _is_claim_of(task: Task, caller: Caller, report: TaskReport) -> bool:
    mine = (caller.gateway_id, caller.token, report.attempt)
    return (task.gateway_id, task.token, task.attempt) == mine


def _read(connection: Connection, environment: str, task_id: str) -> Task | None:
    row = connection.execute(_SQL["read_task"], {"task_id": task_id, "environment": environment}).fetchone()
    return None if row is None else task_of(row)
