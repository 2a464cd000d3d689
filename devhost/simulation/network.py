"""The way between gateways and the control plane: requests are lost, late, delivered twice; answers are lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from devhost.simulation.scheduler import Scheduler
from devhost.simulation.trouble import Trouble
from shared.domain.faults import CallerFault, Conflict, Unavailable

T = TypeVar("T")

HOSTS: Final = ("host-a", "host-b")
LATE_S: Final = ((0.5, 5.0), (5.0, 90.0), (90.0, 900.0))


@dataclass(slots=True)
class Network:
    """Carries requests to one of the hosts of the control plane and answers back. `cut` gateways reach none."""

    scheduler: Scheduler
    trouble: Trouble
    random: Random
    cut: set[str] = field(default_factory=set)
    _number: int = 0

    def request(self, name: str, gateway: str, ask: Callable[[], T], answered: Callable[[T], None]) -> None:
        """Send a request and return at once; `answered` runs when the answer arrives, if one does."""
        swarm, active = self.trouble.swarm, self.trouble.active
        if gateway in self.cut:
            return
        if active and self.random.random() < swarm.request_lost:
            self.trouble.count("gateway request lost", name)
            return
        self._deliver(name, gateway, ask, answered)
        if active and self.random.random() < swarm.request_twice:
            self.trouble.count("gateway request delivered twice", name)
            self._deliver(f"{name} again", gateway, ask, answered)

    def _deliver(self, name: str, gateway: str, ask: Callable[[], T], answered: Callable[[T], None]) -> None:
        swarm, way_s = self.trouble.swarm, self.random.uniform(0.005, 0.1)
        back_s, lost = way_s, False
        if self.trouble.active:
            if self.random.random() < swarm.request_late:
                self.trouble.count("gateway request late", name)
                way_s = self.random.uniform(*self.random.choice(LATE_S))
            if self.random.random() < swarm.request_late:
                self.trouble.count("gateway answer late", name)
                back_s = self.random.uniform(*self.random.choice(LATE_S))
            if self.random.random() < swarm.request_lost:
                self.trouble.count("gateway answer lost", name)
                lost = True
        self._number += 1

        def carry() -> None:
            try:
                answer = ask()
            except (Unavailable, Conflict, CallerFault):
                return
            if not lost and gateway not in self.cut:
                self.scheduler.start(f"answer to {name}", lambda: answered(answer), in_s=back_s)

        self.scheduler.start(
            f"{name}#{self._number}", carry, in_s=way_s, host=self.random.choice(HOSTS), mortal=True
        )  # fmt: skip
