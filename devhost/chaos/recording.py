"""The gateway's own client, which writes down what it sent, when, and what came back."""

from __future__ import annotations

import time

from devhost.chaos.record import Line, Record
from gateway_agent import ControlPlane
from gateway_agent.answers import ClaimedTask, HeartbeatAnswer, Refusal
from gateway_agent.client import Body, NoAnswer


class RecordingControlPlane(ControlPlane):
    """`ControlPlane` with a record of every lease, claim and completion.

    A completion is written down before it is sent as well: a gateway that dies in between leaves one whose fate nobody
    knows, which is not the same as none.
    """

    def recorded_by(self, record: Record) -> RecordingControlPlane:
        """Use this record from now on; returns itself."""
        self._record = record
        return self

    def heartbeat(self, body: Body, *, timeout_s: float) -> HeartbeatAnswer | Refusal:
        """Beat, and record a lease that was granted."""
        sent_ns = time.monotonic_ns()
        answer = super().heartbeat(body, timeout_s=timeout_s)
        if isinstance(answer, HeartbeatAnswer) and answer.lease.lease_s is not None:
            token, lease_s = str(answer.lease.fencing_token), answer.lease.lease_s
            self._record.note("lease", sent_ns=sent_ns, fencing_token=token, lease_s=lease_s)
        return answer

    def claim(self, body: Body, *, timeout_s: float) -> tuple[ClaimedTask, ...] | Refusal:
        """Claim, and record what was given or refused."""
        call: Line = {"sent_ns": time.monotonic_ns(), "fencing_token": body["fencing_token"]}
        try:
            answer = super().claim(body, timeout_s=timeout_s)
        except NoAnswer as error:
            self._record.note("claim", outcome="unanswered", reason=str(error), **call)
            raise
        if isinstance(answer, Refusal):
            self._record.note("claim", outcome="refused", reason=answer.reason or answer.code, **call)
        elif answer:
            tasks = [
                {"task_id": task.id, "attempt": task.attempt, "fencing_token": str(task.fencing_token)}
                for task in answer
            ]
            self._record.note("claim", outcome="ok", tasks=tasks, **call)
        return answer

    def complete(self, task_id: str, body: Body, *, timeout_s: float) -> str | Refusal:
        """Complete, and record what became of it."""
        call: Line = {
            "sent_ns": time.monotonic_ns(),
            "fencing_token": body["fencing_token"],
            "task_id": task_id,
            "attempt": body["attempt"],
            "status": body["status"],
        }
        self._record.note("complete.sent", **call)
        try:
            answer = super().complete(task_id, body, timeout_s=timeout_s)
        except NoAnswer as error:
            self._record.note("complete", outcome="unanswered", reason=str(error), **call)
            raise
        if isinstance(answer, Refusal):
            self._record.note("complete", outcome="refused", reason=answer.reason or answer.code, **call)
        else:
            self._record.note("complete", outcome=answer, **call)
        return answer
