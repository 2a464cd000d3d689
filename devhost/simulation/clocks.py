"""Who believes what time it is: the control plane's hosts, PostgreSQL, and the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devhost.simulation.scheduler import Scheduler
from devhost.simulation.world import T0


@dataclass(slots=True)
class Clocks:
    """`Clock` of the control plane; hosts differ a little, and all of them may be set forward or back."""

    scheduler: Scheduler
    hosts_ahead: dict[str, timedelta]
    control_plane_ahead: timedelta = field(default_factory=timedelta)
    server_ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return what the current actor's host thinks."""
        actor = self.scheduler.current
        host_ahead = self.hosts_ahead.get(actor.host, timedelta()) if actor is not None else timedelta()
        return self.true() + self.control_plane_ahead + host_ahead

    def unix_ns(self) -> int:
        """Return the same in nanoseconds since 1970."""
        return int(self.now().timestamp() * 1_000_000) * 1000

    def server(self) -> datetime:
        """Return what PostgreSQL thinks."""
        return self.true() + self.server_ahead

    def true(self) -> datetime:
        """Return the true time."""
        return T0 + timedelta(seconds=self.scheduler.now_s)


@dataclass(slots=True)
class TrueClock:
    """`Clock` that is right; Azure's."""

    clocks: Clocks

    def now(self) -> datetime:
        """Return the true time."""
        return self.clocks.true()

    def unix_ns(self) -> int:
        """Return it in nanoseconds since 1970."""
        return int(self.clocks.true().timestamp() * 1_000_000) * 1000
