"""The platform's part: what died is started again, and what died although nobody had killed it is written down."""

from __future__ import annotations

import signal
import threading

from devhost.chaos.topology import Topology
from devhost.lab.names import GATEWAYS
from devhost.lab.parts import ARM, ISSUER

LOOK_S = 0.3


class Watch:
    """Keeps hosts and gateways alive. `unexpected` lists deaths that no fault explains."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self.unexpected: list[str] = []

    def run(self, stopping: threading.Event) -> None:
        """Look again and again until told to stop."""
        while not stopping.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        """Start again what has died."""
        topology = self._topology
        for name in topology.hosts.names:
            if topology.crew.find(name) is None:
                self._judge(name)
                topology.hosts.start(name)
        for gateway in GATEWAYS:
            if topology.gateway_should_run(gateway) and topology.crew.find(gateway.id) is None:
                self._judge(gateway.id)
                topology.start_gateway(gateway)
        for name in (ARM, ISSUER):
            if topology.crew.find(name) is None and name not in self.unexpected:
                self.unexpected.append(name)

    def heal_all(self) -> None:
        """Undo everything that can still be broken: links, frozen processes, held back gateways."""
        topology = self._topology
        for name in topology.links.names():
            topology.links.heal(name)
        for gateway in GATEWAYS:
            topology.thaw_gateway(gateway)
            topology.release_gateway(gateway)
        for name in topology.hosts.names:
            topology.thaw_host(name)
        topology.forget_arm_faults()

    def _judge(self, name: str) -> None:
        code = self._topology.crew.exit_code(name)
        if code is not None and code != -signal.SIGKILL:  # every kill of ours is a SIGKILL
            self.unexpected.append(f"{name} ended with code {code}")
