"""What people decide about tasks in doubt, in PostgreSQL."""

from typing import Final

from psycopg.types.json import Jsonb

from shared.adapters.named_sql import load
from shared.adapters.postgres import Connection, Database
from shared.adapters.postgres_rows import read_moment, task_of
from shared.domain.faults import InvariantViolation, UnknownTask
from shared.domain.tasks import Resolution, Task, TaskStatus, TaskVerdict, resolved
from shared.ports import TaskNotResolved, TaskResolved

_SQL: Final = load("resolutions")


class PostgresResolutions:
    """Ends doubts, once per attempt."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def resolve(self, task_id: str, verdict: TaskVerdict) -> TaskResolved | TaskNotResolved:
        """Leave a task in doubt as a person decided. Raises UnknownTask."""

        def write(connection: Connection) -> TaskResolved | TaskNotResolved:
            row = connection.execute(_SQL["lock_task"], {"task_id": task_id}).fetchone()
            if row is None:
                raise UnknownTask(f"Task {task_id} does not exist")
            task = task_of(row)
            if task.status is TaskStatus.IN_DOUBT:
                return TaskResolved(before=task, after=_resolve(connection, task, verdict), repeated=False)
            earlier = connection.execute(_SQL["read_resolution"], {"task_id": task_id}).fetchone()
            decided = Resolution(earlier["resolution"]) if earlier else None
            if decided is verdict.resolution:
                return TaskResolved(before=task, after=task, repeated=True)
            return TaskNotResolved(task=task, earlier=decided)

        return self._database.run(write)


def _resolve(connection: Connection, task: Task, verdict: TaskVerdict) -> Task:
    left = resolved(task, verdict.resolution, now=read_moment(connection).now)
    parameters = {
        "task_id": task.id,
        "attempt": task.attempt,
        "resolution": verdict.resolution.value,
        "by": verdict.by,
        "reason": verdict.reason,
        "status": left.status.value,
        "token": left.token,
        "gateway_id": left.gateway_id,
        "claimed_at": left.claimed_at,
        "progressed_at": left.progressed_at,
        "completed_at": left.completed_at,
        "result": Jsonb(dict(left.result)),
    }
    row = connection.execute(_SQL["resolve_task"], parameters).fetchone()
    if row is None:
        raise InvariantViolation(f"task {task.id} changed under its lock")
    return task_of(row)
