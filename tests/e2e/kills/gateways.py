"""Gateways that beat, work and rotate canaries by the product's own client, and note every lease they are told of."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from gateway_agent.answers import CanaryOrder, Refusal
from gateway_agent.canaries import Canaries
from gateway_agent.client import ControlPlane, NoAnswer
from gateway_agent.events import Events, deaf
from gateway_agent.lease import Lease

PAUSE_S = 0.1  # before a gateway whose request was not answered asks again


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The numbers of the policy that a gateway needs."""

    heartbeat_interval_s: float
    request_timeout_s: float
    own_margin_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A gateway believed it might act from one instant to the other, on the monotonic clock all of them share."""

    gateway: str
    token: int
    from_s: float
    until_s: float


class ScriptedGateway:
    """One gateway; a thread of its own beats while it lives."""

    def __init__(self, gateway_id: str, environment: str, role: str, *, url: str, token: str, pace: Pace) -> None:
        self.id, self.environment, self.role = gateway_id, environment, role
        self.held: list[Held] = []
        self.rotated: list[str] = []
        self._pace = pace
        self._control_plane = ControlPlane(url, gateway_id, token=lambda: token)
        self._thread: threading.Thread | None = None
        self._silenced = threading.Event()
        self._worked_under = 0
        # Its events are queued and told to nobody.
        self._canaries = Canaries(
            self._control_plane, Events(deaf), environment=environment, rotate=self._rotate,
            timeout_s=lambda: pace.request_timeout_s,
        )  # fmt: skip

    @property
    def lives(self) -> bool:
        """Whether it beats, or tries to."""
        return self._thread is not None

    @property
    def has_worked(self) -> bool:
        """Whether it has asked for tasks under a token and been answered; it asks once under each."""
        return self._worked_under != 0

    def boot(self) -> None:
        """Start, register and beat from now on; one that lives already goes on."""
        if self._thread is None:
            self._silenced.clear()
            self._thread = threading.Thread(target=self._live, name=self.id, daemon=True)
            self._thread.start()

    def silence(self) -> None:
        """Die: nothing is sent any more."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._silenced.set()
            thread.join()

    def close(self) -> None:
        """Die and close the connections."""
        self.silence()
        self._control_plane.close()

    def register(self, boot_id: str) -> None:
        """Make itself known; tries until there is an answer, or it is silenced."""
        body = {"environment": self.environment, "role": self.role, "boot_id": boot_id, "region": "", "version": "1"}
        while not self._silenced.is_set():
            try:
                answer = self._control_plane.register(body, timeout_s=self._pace.request_timeout_s)
            except NoAnswer:
                self._silenced.wait(PAUSE_S)
                continue
            assert not isinstance(answer, Refusal), answer
            return

    def _live(self) -> None:
        boot_id, lease = str(uuid.uuid4()), Lease()
        self.register(boot_id)
        while not self._silenced.is_set():
            beaten_at_s = time.monotonic()
            try:
                lease = self._beat(boot_id, lease.sent(beaten_at_s))
                pause_s = self._pace.heartbeat_interval_s
            except NoAnswer:
                pause_s = PAUSE_S
            self._silenced.wait(max(0.0, beaten_at_s + pause_s - time.monotonic()))

    def _beat(self, boot_id: str, lease: Lease) -> Lease:
        token = lease.fencing_token
        body = {
            "environment": self.environment, "role": self.role, "boot_id": boot_id, "version": "1",
            "sequence": lease.newest_sequence, "fencing_token": str(token) if token else None, "checks": {},
        }  # fmt: skip
        answer = self._control_plane.heartbeat(body, timeout_s=self._pace.request_timeout_s)
        if isinstance(answer, Refusal):
            return lease
        if answer.canary is not None:
            self._canaries.take(answer.canary)
        now_s, lease = time.monotonic(), lease.answered(answer.lease, own_margin_s=self._pace.own_margin_s)
        if lease.may_act(now_s):
            assert lease.fencing_token is not None
            held = Held(gateway=self.id, token=lease.fencing_token, from_s=now_s, until_s=lease.ends_at_s)
            self.held.append(held)
            if not answer.draining and self._worked_under != lease.fencing_token:
                self._work(lease.fencing_token)
        return lease

    def _rotate(self, order: CanaryOrder) -> dict[str, str]:
        self.rotated.append(order.drill_id)
        return {"by": self.id}

    def _work(self, token: int) -> None:
        """Claim the task that waits, if one does, and complete it; asked again until there is an answer."""
        body = {"environment": self.environment, "fencing_token": str(token), "limit": 1}
        claimed = self._control_plane.claim(body, timeout_s=self._pace.request_timeout_s)
        if isinstance(claimed, Refusal):
            return
        self._worked_under = token
        for task in claimed:
            done = {
                "environment": self.environment, "fencing_token": str(token), "attempt": task.attempt,
                "status": "succeeded", "result": {"by": self.id},
            }  # fmt: skip
            self._control_plane.complete(task.id, done, timeout_s=self._pace.request_timeout_s)


def overlaps(held: Sequence[Held]) -> list[tuple[Held, Held]]:
    """Return every two beliefs of different gateways that shared a moment."""
    ordered = sorted(held, key=lambda one: one.from_s)
    return [
        (one, other)
        for index, one in enumerate(ordered)
        for other in ordered[index + 1 :]
        if one.gateway != other.gateway and other.from_s < one.until_s
    ]
