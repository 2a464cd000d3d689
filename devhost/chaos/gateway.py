"""A gateway of a chaos run: the real agent, several tasks at once, and a record of all it does.

    python -m devhost.chaos.gateway --id gw-pro-dr --url URL --token-file FILE --data FOLDER --record FILE
        [--work-s 0.03] [--lanes 2] [--batch 3]

Who it is comes from the environment variables of runbook section 4. It ends at SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from devhost.chaos.record import Record
from devhost.chaos.recording import RecordingControlPlane
from devhost.gateway import Telling
from gateway_agent import Agent, ClaimedTask, Outcome, TaskEnd, settings_from
from gateway_agent.settings import CONTROL_PLANE_URL, GATEWAY_ID, STATE_FILE
from gateway_agent.tokens import token_in_file

IDLE_POLL_S = 0.15
PROGRESS_SHARE = 0.2  # of the tasks report progress in the middle
LATE_SHARE = 0.3  # of the tasks that the lease has ended under are given up all the same: the fence has to decide
LONGEST_RETRY_S = 0.5


def main() -> int:
    """Run the gateway until it is told to end."""
    options = _options()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    given = {GATEWAY_ID: options.id, CONTROL_PLANE_URL: options.url, STATE_FILE: str(options.data / "state.json")}
    settings = settings_from({**os.environ, **given})
    control_plane = RecordingControlPlane(options.url, options.id, token=token_in_file(options.token_file))
    agent = Agent(
        settings,
        control_plane,
        on_event=Telling(settings),
        version="chaos",
        checks=lambda: {"key_vault": "ok"},
        longest_retry_s=LONGEST_RETRY_S,
    )
    record = Record(options.record, gateway=options.id, environment=settings.environment, boot=agent.boot_id)
    control_plane.recorded_by(record)
    with agent:
        lane = Lane(agent, record, stopping, work_s=options.work_s, batch=options.batch)
        threads = [threading.Thread(target=lane.run, name=f"lane-{n}", daemon=True) for n in range(options.lanes)]
        for thread in threads:
            thread.start()
        while not stopping.wait(1.0):
            pass  # a signal interrupts the wait of the main thread only
        for thread in threads:
            thread.join(2.0)
    return 0


class Lane:
    """Claims tasks and works on them, one after the other; several threads may run the same one."""

    def __init__(self, agent: Agent, record: Record, stopping: threading.Event, *, work_s: float, batch: int) -> None:
        self._agent, self._record, self._stopping = agent, record, stopping
        self._work_s, self._batch = work_s, batch

    def run(self) -> None:
        """Work until told to stop."""
        while not self._stopping.is_set():
            tasks = self._agent.claim(limit=self._batch)
            for task in tasks:
                self._execute(task)
            if not tasks:
                self._stopping.wait(IDLE_POLL_S)

    def _execute(self, task: ClaimedTask) -> None:
        if random.random() < PROGRESS_SHARE:
            progress = self._agent.progress(task, {"done": 0.5})
            if progress.outcome is Outcome.REFUSED:
                return None
        asked_ns = time.monotonic_ns()
        if not self._agent.guard(task).may_act():
            return self._too_late(task)
        self._note("effect.start", task, asked_ns=asked_ns)
        self._stopping.wait(self._work_s)
        self._note("effect.end", task)
        report = self._agent.complete(task, TaskEnd.SUCCEEDED, {"by": task.config_id})
        if report.outcome is Outcome.LEASE_OVER:
            # The effect is done. Saying so is safe at any time: the fence decides whether it still counts.
            self._agent.complete_unguarded(task, TaskEnd.SUCCEEDED, {"by": task.config_id})
        return None

    def _too_late(self, task: ClaimedTask) -> None:
        if random.random() < LATE_SHARE:
            self._agent.complete_unguarded(task, TaskEnd.FAILED, {"reason": "lease_over"})

    def _note(self, kind: str, task: ClaimedTask, **members: int) -> None:
        self._record.note(kind, task_id=task.id, attempt=task.attempt, fencing_token=str(task.fencing_token), **members)


def _options() -> argparse.Namespace:
    line = argparse.ArgumentParser(prog="python -m devhost.chaos.gateway", description="a gateway of a chaos run")
    line.add_argument("--id", required=True, help="name the gateway registers under")
    line.add_argument("--url", required=True, help="control plane, without /api")
    line.add_argument("--token-file", type=Path, required=True, help="bearer token, read again for every request")
    line.add_argument("--data", type=Path, required=True, help="folder for the state file")
    line.add_argument("--record", type=Path, required=True, help="the record, one JSON line per event")
    line.add_argument("--work-s", type=float, default=0.03, help="how long a task takes")
    line.add_argument("--lanes", type=int, default=2, help="tasks at once")
    line.add_argument("--batch", type=int, default=3, help="tasks claimed at a time")
    return line.parse_args()


if __name__ == "__main__":
    sys.exit(main())
