"""The clusters of a running fake: time moves them, and waiters are told."""

from __future__ import annotations

import asyncio
import time

from devhost.fakes.arm_clusters import Clusters, Event
from devhost.fakes.arm_faults import FaultSwitches

LONGEST_PAUSE_S = 0.5
SHORTEST_PAUSE_S = 0.005
LONGEST_WAIT_S = 60.0


class LiveClusters:
    """Clusters on the wall clock, with their fault switches. Made inside a running event loop."""

    def __init__(self, clusters: Clusters) -> None:
        """Begin with every switch off."""
        self.clusters = clusters
        self.faults = FaultSwitches()
        self._changed = asyncio.Condition()

    async def advance(self) -> None:
        """Let everything happen that is due, and wake whoever waits for events."""
        self.clusters.advance(time.time())
        async with self._changed:
            self._changed.notify_all()

    async def run_clock(self) -> None:
        """Advance whenever something is due; runs until cancelled."""
        while True:
            await self.advance()
            next_at_s = self.clusters.next_change_at_s()
            left_s = LONGEST_PAUSE_S if next_at_s is None else next_at_s - time.time()
            await asyncio.sleep(min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, left_s)))

    async def events_after(self, seq: int, wait_s: float) -> list[Event]:
        """Return the events numbered above `seq`, waiting up to `wait_s` for the first; empty if there came none."""
        try:
            async with asyncio.timeout(min(max(wait_s, 0.0), LONGEST_WAIT_S)), self._changed:
                await self._changed.wait_for(lambda: self._later(seq))
        except TimeoutError:
            return []
        return self._later(seq)

    def _later(self, seq: int) -> list[Event]:
        return [event for event in self.clusters.events if event.seq > seq]
