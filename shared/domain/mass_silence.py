"""Mass silence: most gateways of several environments fall silent together, which may well be our own outage.

Whatever gateways share on their way to us (an ingress, a firewall, a token issuer) can break while our own canary still
passes. So while most are silent the monitor takes nobody's silence for death: verdict `unknown`, no mark, no automatic
failover, and people are told. After it the silence of those that have not come back counts anew from its end, so that
a recovery that takes a while for each gateway fails none of them.

It may just as well be the loss of a region. The marks are held back from what happens by itself, not from people:
`decide_activation` accepts the raw verdict of a gateway that is a member (ADR 0022).

Source: R12, after Eureka's self-preservation; a decision that could have gone another way is in ADR 0022.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

SEVERAL: Final = 3
"""Environments that must be silent together. Two prove nothing: both may just have lost the region they share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedHolder:
    """The holder of one environment, as one tick of the monitor sees it; marked and paused ones are not watched."""

    gateway: str
    last_heartbeat: datetime | None
    is_fresh: bool
    is_silent: bool  # at least one whole HeartbeatTimeout of silence that the monitor saw


@dataclass(frozen=True, slots=True, kw_only=True)
class MassSilence:
    """A stretch of mass silence, with those who fell silent in it and have not been heard since."""

    since: datetime
    members: frozenset[str]
    ended_at: datetime | None = None  # None: most are silent still

    @property
    def is_going_on(self) -> bool:
        """Whether most are silent now."""
        return self.ended_at is None


def next_silence(
    previous: MassSilence | None, holders: Sequence[WatchedHolder], *, now: datetime, heartbeat_timeout_s: float
) -> MassSilence | None:
    """Return the mass silence as it is after a tick at `now`; None when there is none and everybody is back."""
    silent = [holder for holder in holders if _is_silent(holder, previous)]
    together = _most_together([h.last_heartbeat for h in silent if h.last_heartbeat], heartbeat_timeout_s)
    # Every environment has one holder, so holders count environments.
    if together >= SEVERAL and together * 2 > len(holders):
        since = previous.since if previous and previous.is_going_on else now
        return MassSilence(since=since, members=frozenset(holder.gateway for holder in silent))
    if previous is None:
        return None
    left = previous.members & {holder.gateway for holder in holders if not holder.is_fresh}
    if not left:
        return None
    return replace(previous, members=left, ended_at=previous.ended_at or now)


def _is_silent(holder: WatchedHolder, previous: MassSilence | None) -> bool:
    # A monitor that was blind in the middle of it has not seen whole windows yet, and the silence goes on all the same.
    goes_on = previous is not None and previous.is_going_on and holder.gateway in previous.members
    return holder.is_silent or (goes_on and not holder.is_fresh)


def _most_together(last_heard: Sequence[datetime], window_s: float) -> int:
    """Return how many fell silent within one window, at the window with the most."""
    times, most, first = sorted(last_heard), 0, 0
    for last, at in enumerate(times):
        while at - times[first] > timedelta(seconds=window_s):
            first += 1
        most = max(most, last - first + 1)
    return most
