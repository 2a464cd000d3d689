"""Draws the faults from the seed: processes and links on two lanes, the stores on a third."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devhost.chaos.faults_of_parts import PARTS
from devhost.chaos.faults_of_stores import StoreFaults
from devhost.chaos.patience import Patience
from devhost.chaos.told import Told
from devhost.chaos.topology import Topology

PART_LANES = 2
PART_PAUSE_S = (0.2, 1.5)
STORE_PAUSE_S = (2.0, 6.0)
Lane = Callable[[threading.Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Director:
    """Breaks everything until told to stop; each lane has a stream of chance of its own."""

    topology: Topology
    told: Told
    stores: StoreFaults
    patience: Patience
    chance: Callable[[str], random.Random]

    def lanes(self) -> Sequence[Lane]:
        """Return what is to run on a thread each."""
        parts = [self._parts_lane(self.chance(f"parts {number}")) for number in range(PART_LANES)]
        return [*parts, self._store_lane(self.chance("stores"))]

    def _parts_lane(self, chance: random.Random) -> Lane:
        def run(stopping: threading.Event) -> None:
            kinds, weights = list(PARTS), list(PARTS.values())
            while not stopping.wait(chance.uniform(*PART_PAUSE_S)):
                (fault,) = chance.choices(kinds, weights)
                with self.patience.together():
                    fault(self.topology, self.told, chance, stopping)

        return run

    def _store_lane(self, chance: random.Random) -> Lane:
        def run(stopping: threading.Event) -> None:
            while not stopping.wait(chance.uniform(*STORE_PAUSE_S)):
                self.stores.draw(stopping)

        return run
