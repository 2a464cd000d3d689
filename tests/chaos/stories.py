"""Histories told by hand: each call takes a millisecond unless said otherwise, and time stands at `now_ns`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devhost.chaos.events import Line

MS = 10**6
MARGINS_S = 0.6
P, D = "gw-primary", "gw-dr"


class Story:
    """Writes lines as gateways, operators and the fault injector would."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.now_ns = 1000 * MS
        self._calls = 0
        self._note("run", seed=0, margins_s=MARGINS_S)

    def wait(self, ms: int) -> Story:
        """Let time pass. Like all that is told, it returns the story."""
        self.now_ns += ms * MS
        return self

    # Gateways ----------------------------------------------------------------------------------------------------

    def lease(self, gateway: str, token: int, *, took_ms: int = 1) -> Story:
        """A lease granted."""
        self._call("lease", took_ms, gateway=gateway, fencing_token=str(token), lease_s=4.0)
        return self

    def claim(self, gateway: str, token: int, task: str, attempt: int = 1, *, took_ms: int = 1) -> Story:
        """A claim of one task, granted."""
        tasks = [{"task_id": task, "attempt": attempt, "fencing_token": str(token)}]
        self._call("claim", took_ms, gateway=gateway, fencing_token=str(token), outcome="ok", tasks=tasks)
        return self

    def effect(self, gateway: str, token: int, task: str, attempt: int = 1, *, took_ms: int = 1) -> Story:
        """An effect from begin to end."""
        self.effect_begins(gateway, token, task, attempt)
        self.wait(took_ms)
        self.effect_ends(gateway, token, task, attempt)
        return self

    def effect_begins(self, gateway: str, token: int, task: str, attempt: int = 1) -> Story:
        """The beginning of an effect; the gateway has asked just before."""
        asked_ns = self.now_ns
        self.wait(1)
        self._note("effect.start", asked_ns=asked_ns, **_work(gateway, token, task, attempt))
        return self

    def effect_ends(self, gateway: str, token: int, task: str, attempt: int = 1) -> Story:
        """Its end."""
        self._note("effect.end", **_work(gateway, token, task, attempt))
        return self

    def complete(
        self, gateway: str, token: int, task: str, attempt: int = 1, *, outcome: str = "accepted",
        status: str = "succeeded", took_ms: int = 1,
    ) -> Story:  # fmt: skip
        """A completion and its answer."""
        members = {**_work(gateway, token, task, attempt), "status": status}
        self._note("complete.sent", sent_ns=self.now_ns, **members)
        self._call("complete", took_ms, outcome=outcome, **members)
        return self

    def work(self, gateway: str, token: int, task: str, attempt: int = 1) -> Story:
        """A task claimed, acted on and completed."""
        self.claim(gateway, token, task, attempt)
        self.effect(gateway, token, task, attempt)
        self.complete(gateway, token, task, attempt)
        return self

    # Operators ---------------------------------------------------------------------------------------------------

    def queue(self, task: str, *, key: str = "") -> Story:
        """A task queued, under its own name as key if nothing else is said."""
        self._note("execute.sent", environment="PRO", key=key or task)
        self.wait(1)
        self._note("execute.answered", environment="PRO", key=key or task, heard="ok", task_id=task)
        return self

    def operation(self, what: str, token: int | None, *, heard: str = "ok", took_ms: int = 1, code: str = "") -> str:
        """An operation asked for and answered; returns the name of the call."""
        self._calls += 1
        call = f"chaos-{self._calls}"
        self._note("operation.sent", environment="PRO", what=what, call=call)
        self.wait(took_ms)
        self._note(
            "operation.answered", environment="PRO", what=what, call=call, heard=heard, code=code,
            fencing_token=None if token is None else str(token),
        )  # fmt: skip
        return call

    def resolve(self, task: str, decision: str, *, heard: str = "ok") -> Story:
        """A person's decision about a task in doubt."""
        self._note("resolve.sent", task_id=task, decision=decision)
        self.wait(1)
        self._note("resolve.answered", task_id=task, decision=decision, heard=heard)
        return self

    def loses(self, store: str, since_ns: int) -> Story:
        """A store goes on with its state of `since_ns`."""
        self._note("data_loss", store=store, since_ns=since_ns, until_ns=self.now_ns)
        return self

    # Whole scenes -----------------------------------------------------------------------------------------------

    def forgotten_claim(self, gateway: str, token: int, task: str) -> Story:
        """A claim made before everything else, whose gateway was then stopped."""
        self.queue(task)
        tasks = [{"task_id": task, "attempt": 1, "fencing_token": str(token)}]
        members = {"gateway": gateway, "fencing_token": str(token), "outcome": "ok", "tasks": tasks}
        self.lines.append({"kind": "claim", "at_ns": MS, "sent_ns": 0, "environment": "PRO", **members})
        self.work(D, 20, task, 2)
        self.listed(task, D, 2)
        return self

    def two_at_once(self, *, stopped_ms: int) -> Story:
        """The old holder was stopped in the middle of an effect for so long while the new one began to act."""
        self.forgotten_claim(P, 10, "slow")
        begins_ns = self.lines[1]["at_ns"]
        work = _work(P, 10, "slow", 1)
        new = next(line for line in self.lines if line["kind"] == "effect.start" and line["gateway"] == D)
        start_ns = new["at_ns"] - stopped_ms * MS // 2
        self.lines.append({"kind": "effect.start", "at_ns": start_ns, "asked_ns": start_ns - 1, **work})
        self.lines.append({"kind": "effect.end", "at_ns": start_ns + stopped_ms * MS, **work})
        assert begins_ns > 0
        return self

    def crossing_lease(self, gateway: str, token: int, what: str, new: int) -> Story:
        """A heartbeat sent before an operation was acknowledged and answered after it."""
        sent_ns = self.now_ns
        self.operation(what, new)
        members = {"gateway": gateway, "fencing_token": str(token), "lease_s": 4.0}
        self._note("lease", sent_ns=sent_ns, environment="PRO", **members)
        return self

    def lost_with(self, store: str, tell: Callable[[], object]) -> Story:
        """Something happens that a store then forgets."""
        since_ns = self.now_ns
        self.wait(1)
        tell()
        self.loses(store, since_ns)
        self.wait(1)
        return self

    def moves_twice_and_forgets(self) -> Story:
        """The environment goes back and over again, and the authority is then restored from before that."""
        self.lost_with(
            "tables",
            lambda: (
                self.operation("failback", 40),
                self.lease(P, 40),
                self.operation("failover", 50),
                self.lease(D, 50),
            ),
        )
        return self

    def fails_unheard(self, gateway: str, token: int, task: str) -> Story:
        """Somebody says that a task has failed, hears nothing, and that is what is listed."""
        self.complete(gateway, token, task, outcome="unanswered", status="failed")
        self.listed(task, gateway, status="failed")
        return self

    # The end -----------------------------------------------------------------------------------------------------

    def listed(self, task: str, gateway: str = P, attempt: int = 1, *, status: str = "succeeded") -> Story:
        """A task as it is listed at the end."""
        self._note("final.task", id=task, status=status, attempt=attempt, gateway_id=gateway, environment="PRO")
        return self

    def operation_listed(self, call: str, *, status: str = "succeeded") -> Story:
        """An operation as it is listed at the end."""
        self._note("final.operation", id=f"op-{call}", reason=call, status=status)
        return self

    def ends(self) -> Story:
        """The listing was complete."""
        self._note("final", complete=True)
        return self

    def _call(self, kind: str, took_ms: int, **members: Any) -> None:
        sent_ns = self.now_ns
        self.wait(took_ms)
        self._note(kind, **{"environment": "PRO", **members, "sent_ns": sent_ns})

    def _note(self, kind: str, **members: Any) -> None:
        self.lines.append({"kind": kind, "at_ns": self.now_ns, **members})
        self.wait(1)


def _work(gateway: str, token: int, task: str, attempt: int) -> dict[str, Any]:
    return {
        "environment": "PRO",
        "gateway": gateway,
        "fencing_token": str(token),
        "task_id": task,
        "attempt": attempt,
    }


def handed_over(story: Story) -> None:
    """The beginning of every story: work under token 10, a failover to 20, work under 20."""
    story.queue("before")
    story.lease(P, 10)
    story.work(P, 10, "before")
    story.operation("failover", 20)
    story.queue("after")
    story.lease(D, 20)
    story.work(D, 20, "after")


def closed(story: Story) -> list[Line]:
    """The end of every story: both tasks of `handed_over` as they should be listed."""
    story.listed("before", P)
    story.listed("after", D)
    story.ends()
    return story.lines
