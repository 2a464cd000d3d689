"""The lease as its holder counts it down. Pure: every instant is passed in, from one clock that never goes back.

A lease is a promise of the control plane not to let another gateway act before it ends. The holder counts it from the
moment it *sent* the heartbeat, because the answer may have been on its way for any time, and stops a margin earlier,
because its clock and the control plane's do not run equally fast (ADR 0003).
"""

import math
from dataclasses import dataclass, replace

OVER = -math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseAnswer:
    """What one heartbeat's answer says about the lease."""

    sequence: int  # of the heartbeat it answers
    is_active: bool  # activation_status is `active`
    fencing_token: int | None  # None: the caller does not hold the environment
    lease_s: float | None  # None: the lease was not extended


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """All that a gateway knows of its right to act. Instants and durations are seconds of the caller's clock."""

    highest_token: int = 0  # the highest fencing token this gateway was ever told
    newest_sequence: int = 0
    sent_at_s: float = OVER  # when the newest heartbeat was sent
    fencing_token: int | None = None  # what the gateway holds the environment under, with or without a lease
    ends_at_s: float = OVER

    def may_act(self, now_s: float) -> bool:
        """Return whether an effect may start now."""
        return self.fencing_token is not None and now_s < self.ends_at_s

    def remaining_s(self, now_s: float) -> float:
        """Return how long effects may still start; 0 when the lease is over."""
        return self.ends_at_s - now_s if self.may_act(now_s) else 0.0

    def sent(self, now_s: float) -> "Lease":
        """Return the lease when a heartbeat is about to leave; it carries the new `newest_sequence`."""
        return replace(self, newest_sequence=self.newest_sequence + 1, sent_at_s=now_s)

    def takes(self, answer: LeaseAnswer) -> bool:
        """Return whether an answer counts: only the newest heartbeat's, and never one under a token already passed.

        The answer to an older heartbeat, credited to the moment the newest one was sent, would lengthen the lease.
        """
        if answer.sequence != self.newest_sequence:
            return False
        return answer.fencing_token is None or answer.fencing_token >= self.highest_token

    def answered(self, answer: LeaseAnswer, *, own_margin_s: float) -> "Lease":
        """Return the lease after an answer; unchanged when the answer does not count."""
        if not self.takes(answer):
            return self
        token = answer.fencing_token
        if token is None:
            return replace(self, fencing_token=None, ends_at_s=OVER)
        return replace(
            self,
            highest_token=token,
            fencing_token=token,
            ends_at_s=self._end_after(answer, own_margin_s=own_margin_s),
        )

    def _end_after(self, answer: LeaseAnswer, *, own_margin_s: float) -> float:
        if not answer.is_active:
            return OVER
        if answer.lease_s is None:
            # Not extended is not taken back: what was granted under this token still stands in PostgreSQL.
            return self.ends_at_s if answer.fencing_token == self.fencing_token else OVER
        if not (math.isfinite(answer.lease_s) and own_margin_s >= 0):
            return OVER
        return self.sent_at_s + answer.lease_s - own_margin_s

    def dropped(self, fencing_token: int) -> "Lease":
        """Return the lease after the control plane refused a write under this token; another token's lease stays.

        Only the lease goes: a token refused while the fence lags behind the lock is good again once it is raised.
        """
        return replace(self, ends_at_s=OVER) if fencing_token == self.fencing_token else self
