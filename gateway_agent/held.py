"""The gateway's lease, shared by its threads: who sends, who hears the answer, and everybody who is about to act."""

import threading
from collections.abc import Callable

from gateway_agent.answers import HeartbeatAnswer
from gateway_agent.events import Events
from gateway_agent.lease import Lease


class LeaseOver(RuntimeError):
    """The effect must not start: the lease is over, or was granted under another token than the work belongs to."""


class HeldLease:
    """Holds the lease, and tells when it is granted and when it is lost: changes only, never a heartbeat."""

    def __init__(self, events: Events, *, clock: Callable[[], float], highest_token: int = 0) -> None:
        """`clock` gives seconds and never goes back; `highest_token` is what an earlier boot was told."""
        self._events = events
        self._clock = clock
        self._lock = threading.Lock()
        self._lease = Lease(highest_token=highest_token)
        self._may_act = False  # as last told

    def sent(self) -> int:
        """Note that a heartbeat is about to leave, and return its sequence number."""
        with self._lock:
            self._lease = self._lease.sent(self._clock())
            return self._lease.newest_sequence

    def answered(self, answer: HeartbeatAnswer, *, own_margin_s: float) -> bool:
        """Take an answer to a heartbeat; return whether it counted."""
        with self._lock:
            former = self._lease
            if not former.takes(answer.lease):
                return False
            # The old lease may have ended since anybody looked; its end is told before a new one's beginning.
            self._tell_end("lease_over")
            self._lease = former.answered(answer.lease, own_margin_s=own_margin_s)
            if self._lease.fencing_token != former.fencing_token and self._may_act:
                reason = "not_holder" if self._lease.fencing_token is None else "new_token"
                self._tell_lost(reason, former.fencing_token)
            self._tell_end(answer.lease_refusal or answer.activation_status)
            self._tell_beginning()
            return True

    def dropped(self, fencing_token: int, *, reason: str) -> None:
        """Let go of the lease because the control plane refused a write under this token."""
        with self._lock:
            self._tell_end("lease_over")
            self._lease = self._lease.dropped(fencing_token)
            self._tell_end(reason)

    def notice(self) -> float | None:
        """Tell the end of the lease if it has come, and return how long it still lasts; None when it is over."""
        with self._lock:
            self._tell_end("lease_over")
            return self._lease.remaining_s(self._clock()) or None

    def remaining_s(self, fencing_token: int) -> float:
        """Return how long effects under a token may still start; 0 when none may."""
        with self._lock:
            self._tell_end("lease_over")
            # The clock is read with the lock held: read before, waiting for the lock would lengthen the lease.
            return self._lease.remaining_s(self._clock()) if self._lease.fencing_token == fencing_token else 0.0

    @property
    def fencing_token(self) -> int | None:
        """The token the gateway holds the environment under, as far as it knows; None when it does not."""
        with self._lock:
            return self._lease.fencing_token

    @property
    def highest_token(self) -> int:
        """The highest token the gateway was ever told; 0 when none."""
        with self._lock:
            return self._lease.highest_token

    def _tell_beginning(self) -> None:
        remaining_s = self._lease.remaining_s(self._clock())
        if remaining_s > 0 and not self._may_act:
            self._may_act = True
            token = str(self._lease.fencing_token)
            self._events.tell("lease.granted", fencing_token=token, remaining_s=round(remaining_s, 3))

    def _tell_end(self, reason: str) -> None:
        if self._may_act and not self._lease.may_act(self._clock()):
            self._tell_lost(reason, self._lease.fencing_token)

    def _tell_lost(self, reason: str, fencing_token: int | None) -> None:
        self._may_act = False
        self._events.tell("lease.lost", reason=reason, fencing_token=str(fencing_token))


class Guard:
    """Says whether an effect of work claimed under one token may start now. Ask before every single effect.

    A process can be frozen between the question and the effect. So an effect outside the control plane has to be
    conditional or idempotent as well, under the task's id and attempt; `remaining_s` makes a good time-out for it.
    """

    def __init__(self, held: HeldLease, fencing_token: int) -> None:
        self._held = held
        self.fencing_token = fencing_token

    def remaining_s(self) -> float:
        """Return how long effects may still start; 0 when none may."""
        return self._held.remaining_s(self.fencing_token)

    def may_act(self) -> bool:
        """Return whether an effect may start now."""
        return self.remaining_s() > 0

    def check(self) -> None:
        """Return if an effect may start now. Raises LeaseOver."""
        if not self.may_act():
            raise LeaseOver(f"the lease under token {self.fencing_token} is over; no effect may start")

    def __enter__(self) -> "Guard":
        """Begin an effect. Raises LeaseOver."""
        self.check()
        return self

    def __exit__(self, *_: object) -> None:
        """End an effect; there is nothing to undo."""
