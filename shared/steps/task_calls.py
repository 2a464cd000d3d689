"""What people do with tasks: page through them, and resolve those in doubt (runbook 1.6, section 3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.domain.faults import MalformedRequest
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.domain.tasks import Task, TaskCursor, TaskStatus, TaskVerdict
from shared.ports import Ports, TaskNotResolved, TaskResolved
from shared.steps.admin_calls import known_gateway
from shared.steps.audit_trail import record_audit
from shared.steps.observe import environment_of
from shared.telemetry import log


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Tasks, newest first; `next_after` is where the next page begins, None on the last one."""

    tasks: Sequence[Task]
    next_after: TaskCursor | None


def gateway_tasks(
    ports: Ports, gateway_id: str, *, status: TaskStatus | None, limit: int, after: TaskCursor | None = None
) -> TaskPage:
    """Return a gateway's tasks; unclaimed tasks belong to the holder (runbook 1.6). Raises UnknownGateway."""
    gateway = known_gateway(ports, gateway_id)
    lock = ports.locks.read(gateway.environment)
    holder = lock is not None and lock.value.holder == gateway_id

    def read(most: int) -> Sequence[Task]:
        return ports.work.tasks(
            gateway.environment, gateway_id=gateway_id, holder=holder, status=status, limit=most, after=after
        )

    return _page(read, limit)


def all_tasks(
    ports: Ports, environment: str | None, *, status: TaskStatus | None, limit: int, after: TaskCursor | None
) -> TaskPage:
    """Return the tasks of one environment or of all. Raises UnknownEnvironment."""
    name = environment_of(ports, environment).name if environment else None
    return _page(lambda most: ports.work.task_page(environment=name, status=status, limit=most, after=after), limit)


def resolve_task(ports: Ports, task_id: str, verdict: TaskVerdict) -> TaskResolved | Refused:
    """Leave a task in doubt as a person decided; the same decision again changes nothing.

    The decision is kept in PostgreSQL with who and why, in the transaction that changes the task. The audit entry
    follows in Table Storage; a repetition writes one too, so a caller whose first answer was lost leaves its mark.

    Raises:
        UnknownTask: No such task.
        MalformedRequest: The reason is blank.
    """
    if not verdict.reason.strip():
        raise MalformedRequest("A resolution needs a reason", (("/reason", "required"),))
    outcome = ports.work.resolve_task(task_id, verdict)
    if isinstance(outcome, TaskNotResolved):
        return _not_resolved(outcome)
    task = outcome.after
    if not outcome.repeated:
        log(
            "task.resolved", environment=task.environment, task_id=task.id, attempt=task.attempt,
            resolution=verdict.resolution.value, status=task.status.value, requested_by=verdict.by,
        )  # fmt: skip
    record_audit(
        ports, task.environment, actor=verdict.by, action="task.resolved", reason=verdict.reason,
        before=_shown(outcome.before),
        after={**_shown(task), "resolution": verdict.resolution.value, "repeated": outcome.repeated},
    )  # fmt: skip
    return outcome


def _page(read: Callable[[int], Sequence[Task]], limit: int) -> TaskPage:
    found = read(limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return TaskPage(
        tasks=shown, next_after=TaskCursor(created_at=shown[-1].created_at, id=shown[-1].id) if more else None
    )


def _not_resolved(outcome: TaskNotResolved) -> Refused:
    evidence: dict[str, JsonValue] = {"task": _shown(outcome.task)}
    if outcome.earlier is None:
        detail = f"{outcome.task.id} is {outcome.task.status.value}"
        return Refused(code=RefusalCode.TASK_NOT_IN_DOUBT, detail=detail, evidence=evidence)
    evidence["resolution"] = outcome.earlier.value
    detail = f"{outcome.task.id} was resolved as {outcome.earlier.value} and is {outcome.task.status.value}"
    return Refused(code=RefusalCode.TASK_ALREADY_RESOLVED, detail=detail, evidence=evidence)


def _shown(task: Task) -> dict[str, JsonValue]:
    return {
        "id": task.id,
        "status": task.status.value,
        "attempt": task.attempt,
        "gateway_id": task.gateway_id,
        "fencing_token": str(task.token) if task.token is not None else None,
    }
