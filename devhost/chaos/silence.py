"""The ways in which a primary falls silent before a failover: dead, frozen for longer than its lease, or cut off."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from devhost.chaos.told import Told
from devhost.chaos.topology import Topology
from devhost.fakes.fault_proxy import BlackHole, Hold, Mode
from devhost.lab.names import LabGateway

KILLED, FROZEN, CUT = "gateway killed", "gateway frozen beyond its lease", "link cut"
CUTS: tuple[Mode, ...] = (BlackHole(), Hold())  # with the way there open it would still be heard


class Silence:
    """Makes gateways fall silent for as long as an operator needs."""

    def __init__(self, topology: Topology, told: Told, chance: random.Random) -> None:
        self._topology, self._told, self._chance = topology, told, chance

    @contextmanager
    def of(self, gateway: LabGateway) -> Iterator[None]:
        """Keep a gateway silent inside, and let it go on afterwards, with whatever it was about if it was frozen."""
        way = self._chance.choice((KILLED, FROZEN, FROZEN, CUT))
        link = f"{gateway.id}>hosts"
        with self._told.fault(way, link if way == CUT else gateway.id):
            if way == KILLED:
                self._topology.kill_gateway(gateway, held_back=True)
            elif way == FROZEN:
                self._topology.hold_frozen(gateway)
            else:
                self._topology.links.break_(link, self._chance.choice(CUTS))
            try:
                yield
            finally:
                if way == KILLED:
                    self._topology.release_gateway(gateway)
                elif way == FROZEN:
                    self._topology.thaw_gateway(gateway)
                else:
                    self._topology.links.heal(link)
