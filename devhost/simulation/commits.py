"""What a commit did, told from the rows before and after it and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from devhost.emulators.memory_database import Rows
from devhost.simulation.history import (
    Event,
    FenceRaised,
    LeaseGranted,
    TaskQueued,
    TaskTakenBack,
    WorkCommitted,
)
from shared.domain.tasks import Task, TaskStatus

ENDED = (TaskStatus.SUCCEEDED, TaskStatus.FAILED)


def told(before: Rows, after: Rows, *, at_s: float, server_now_s: float, blind: bool) -> Iterator[Event]:
    """Yield the events of one commit."""
    old, new = before.fence, after.fence
    if new is not None and (old is None or (old.token, old.holder) != (new.token, new.holder)):
        yield FenceRaised(at_s=at_s, token=new.token, holder=new.holder)
    if new is not None and new.lease_until is not None and (old is None or old.lease_until != new.lease_until):
        yield LeaseGranted(
            at_s=at_s, gateway=new.holder, token=new.token, server_now_s=server_now_s,
            until_s=new.lease_until.timestamp(), blind=blind,
        )  # fmt: skip
    for name, task in after.tasks.items():
        former = before.tasks.get(name)
        if former is not task:
            yield _of_task(former, task, at_s=at_s, server_now_s=server_now_s, blind=blind)


def _of_task(former: Task | None, task: Task, *, at_s: float, server_now_s: float, blind: bool) -> Event:
    if former is None:
        return TaskQueued(at_s=at_s, task=task.id)
    taken_back = task.status in (TaskStatus.PENDING, TaskStatus.IN_DOUBT) or "interrupted" in task.result
    if taken_back:
        return TaskTakenBack(at_s=at_s, task=task.id, attempt=former.attempt, status=task.status.value)
    what = "claim" if former.status is TaskStatus.PENDING else "progress"
    what = "complete" if task.status in ENDED else what
    return WorkCommitted(
        at_s=at_s, what=what, task=task.id, attempt=task.attempt, token=int(task.token or 0), gateway=task.gateway_id,
        server_now_s=server_now_s, blind=blind,
    )  # fmt: skip
