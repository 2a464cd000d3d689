"""How a gateway of the lab works: one task at a time, slowly enough to be watched, killed and frozen in between."""

from __future__ import annotations

import threading
import time

from devhost.gateway_history import History
from gateway_agent import Agent, ClaimedTask, Outcome, Report, TaskEnd
from gateway_agent.events import Listener

IDLE_POLL_S = 0.2
POLL_S = 0.05
LONGEST_WAIT_S = 10.0  # for news of who holds the environment, once the lease is over


class Worker:
    """Claims tasks and executes them until told to stop."""

    def __init__(
        self, agent: Agent, history: History, tell: Listener, *, work_s: float, stopping: threading.Event
    ) -> None:
        """`work_s` is how long a task takes before its effect."""
        self._agent, self._history, self._tell = agent, history, tell
        self._work_s, self._stopping = work_s, stopping

    def run(self) -> None:
        """Work until told to stop; a task that is not finished then is left to the task time-out."""
        while not self._stopping.is_set():
            tasks = self._agent.claim(limit=1)
            for task in tasks:
                self._execute(task)
            if not tasks:
                self._stopping.wait(IDLE_POLL_S)

    def _execute(self, task: ClaimedTask) -> None:
        self._history.note("claim", task, outcome="ok")
        self._tell("task.claimed", **_named(task))
        self._stopping.wait(self._work_s / 2)
        progress = self._agent.progress(task, {"done": 0.5})
        if progress.outcome is Outcome.REFUSED:
            return self._drop(task, _why(progress))
        self._stopping.wait(self._work_s / 2)
        if self._stopping.is_set():
            return self._drop(task, "stopping")
        if not self._agent.guard(task).may_act():
            return self._fenced(task)
        self._history.note("effect", task, outcome="ok")
        return self._complete(task)

    def _complete(self, task: ClaimedTask) -> None:
        report = self._agent.complete(task, TaskEnd.SUCCEEDED, {"rotated": task.config_id})
        if report.outcome is Outcome.LEASE_OVER and not self._stopping.is_set():
            # The effect is done. Saying so is safe at any time: the fence decides whether it still counts.
            report = self._agent.complete_unguarded(task, TaskEnd.SUCCEEDED, {"rotated": task.config_id})
        self._history.note("complete", task, outcome=report.outcome.value, reason=_why(report))
        if report.is_accepted:
            self._tell("task.completed", **_named(task))

    def _fenced(self, task: ClaimedTask) -> None:
        """Drop a task whose lease ended before its effect, and show that nothing could come of it any more."""
        self._drop(task, "lease_over")
        gives_up_at_s = time.monotonic() + LONGEST_WAIT_S
        while self._agent.fencing_token == task.fencing_token and time.monotonic() < gives_up_at_s:
            if self._agent.guard(task).may_act() or self._stopping.wait(POLL_S):
                return  # the same holder got its lease back: the task time-out hands the task out again
        if self._agent.fencing_token == task.fencing_token:
            return
        report = self._agent.complete_unguarded(task, TaskEnd.FAILED, {"reason": "lease_over"})
        self._history.note("complete", task, outcome=report.outcome.value, reason=_why(report))

    def _drop(self, task: ClaimedTask, reason: str) -> None:
        self._history.note("dropped", task, outcome="no_effect", reason=reason)
        self._tell("task.dropped", reason=reason, **_named(task))


def _named(task: ClaimedTask) -> dict[str, object]:
    return {
        "task_id": task.id,
        "config_id": task.config_id,
        "attempt": task.attempt,
        "fencing_token": str(task.fencing_token),
    }


def _why(report: Report) -> str:
    return (report.refusal.reason or report.refusal.code) if report.refusal else ""
