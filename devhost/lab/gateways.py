"""The gateways' processes: started, broken, healed, and for the cold standbys booted and ended with their cluster."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from enum import Enum

from devhost.lab.children import Children, Program
from devhost.lab.control import CommandFailed
from devhost.lab.names import GATEWAYS, LabGateway
from devhost.lab.narrator import Narrator
from devhost.lab.partition import Relay
from devhost.lab.settings import Pace

Command = Callable[[LabGateway, str], Program]


class Condition(Enum):
    """How a gateway's process stands; the value is the word `status` shows."""

    RUNNING = "running"
    FROZEN = "frozen"
    PARTITIONED = "partitioned"
    DEAD = "dead"
    COLD = "cold"  # its cluster is not running, so neither is it
    BOOTING = "booting"


class Fleet:
    """Every gateway of the lab. Each reaches the control plane through a relay of its own."""

    def __init__(self, children: Children, narrator: Narrator, pace: Pace, *, host_port: int, command: Command) -> None:
        """`command` gives the program of a gateway for the URL it shall use."""
        self._children = children
        self._narrator = narrator
        self._pace = pace
        self._command = command
        self._relays = {gateway.id: Relay(host_port) for gateway in GATEWAYS}
        self._urls: dict[str, str] = {}
        self._frozen: set[str] = set()
        self._clusters_up: set[str] = set()
        self._boots: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Open the relays."""
        for name, relay in self._relays.items():
            self._urls[name] = f"http://127.0.0.1:{await relay.listen()}"

    async def close(self) -> None:
        """Boot nothing more and close the relays; processes are ended by whoever ends the lab."""
        for boot in self._boots.values():
            boot.cancel()
        for relay in self._relays.values():
            await relay.close()

    def start(self, gateway: LabGateway) -> None:
        """Start a gateway's process."""
        self._frozen.discard(gateway.id)
        self._children.start(self._command(gateway, self._urls[gateway.id]))

    def condition(self, gateway: LabGateway) -> Condition:
        """Return how a gateway's process stands now."""
        if self._children.find(gateway.id) is None:
            if gateway.is_dr and gateway.id in self._boots:
                return Condition.BOOTING
            return Condition.COLD if gateway.is_dr and gateway.id not in self._clusters_up else Condition.DEAD
        if gateway.id in self._frozen:
            return Condition.FROZEN
        return Condition.PARTITIONED if self._relays[gateway.id].is_cut else Condition.RUNNING

    def kill(self, gateway: LabGateway) -> str:
        """End a gateway as a crash does, and return what to expect. Raises CommandFailed when it does not run."""
        process = self._children.find(gateway.id)
        if process is None or not process.send(signal.SIGKILL):
            raise CommandFailed(f"{gateway.id} does not run: it is {self.condition(gateway).value}")
        self._narrator.say(gateway.environment, f"{gateway.id} killed (process {process.pid})")
        return f"Killed {gateway.id} (process {process.pid}). {self._what_silence_leads_to(gateway)}"

    def freeze(self, gateway: LabGateway) -> str:
        """Stop a gateway's process in its tracks, and return what to expect. Raises CommandFailed."""
        process = self._children.find(gateway.id)
        if process is None or not process.send(signal.SIGSTOP):
            raise CommandFailed(f"{gateway.id} does not run: it is {self.condition(gateway).value}")
        self._frozen.add(gateway.id)
        self._narrator.say(gateway.environment, f"{gateway.id} frozen")
        return (
            f"Froze {gateway.id}: it has stopped between two instructions and does not know it. "
            f"{self._what_silence_leads_to(gateway)} When it wakes it may try to finish what it began: the fence "
            "refuses it."
        )

    def partition(self, gateway: LabGateway) -> str:
        """Cut a gateway off from the control plane, and return what to expect. Raises CommandFailed."""
        if self._children.find(gateway.id) is None:
            raise CommandFailed(f"{gateway.id} does not run: it is {self.condition(gateway).value}")
        self._relays[gateway.id].cut()
        self._narrator.say(gateway.environment, f"{gateway.id} cut off from the control plane")
        return (
            f"Cut {gateway.id} off from the control plane; it runs on. It stops working by itself when its lease ends, "
            f"within {self._pace.policy.lease_s:.2g} s. {self._what_silence_leads_to(gateway)}"
        )

    def heal(self, gateway: LabGateway) -> str:
        """Undo whatever was done to a gateway, and return what to expect. Raises CommandFailed when it is cold."""
        condition = self.condition(gateway)
        if condition is Condition.COLD:
            raise CommandFailed(f"{gateway.id} is cold: it boots when its cluster runs, which activate-dr starts")
        if condition in (Condition.RUNNING, Condition.BOOTING):
            return f"Nothing to heal: {gateway.id} is {condition.value}."
        self._relays[gateway.id].mend()
        process = self._children.find(gateway.id)
        if process is None:
            self.start(gateway)
        elif gateway.id in self._frozen:
            process.send(signal.SIGCONT)
            self._frozen.discard(gateway.id)
        was = {Condition.DEAD: "started again", Condition.FROZEN: "woken", Condition.PARTITIONED: "reconnected"}
        self._narrator.say(gateway.environment, f"{gateway.id} {was[condition]}")
        return (
            f"{gateway.id} {was[condition]}. If it was marked failed and still holds the environment lock, it is "
            f"active again after {self._pace.policy.recovery_heartbeats} heartbeats on time, under a new token. If "
            "another gateway holds the lock, it beats, stays `failed` and its writes are refused until a failback."
        )

    def cluster_changed(self, gateway: LabGateway, *, power: str, provisioning: str) -> None:
        """Let a cold standby follow its cluster: it boots some time after the cluster is up, and dies with it."""
        if not gateway.is_dr:
            return
        if power == "Running" and provisioning == "Succeeded":
            if gateway.id not in self._clusters_up:
                self._clusters_up.add(gateway.id)
                self._boots[gateway.id] = asyncio.create_task(self._boot(gateway))
            return
        if power == "Stopped" or provisioning == "Stopping":
            self._cluster_went_down(gateway)

    def _cluster_went_down(self, gateway: LabGateway) -> None:
        self._clusters_up.discard(gateway.id)
        if boot := self._boots.pop(gateway.id, None):
            boot.cancel()
        process = self._children.find(gateway.id)
        if process is not None and process.send(signal.SIGKILL):
            self._relays[gateway.id].mend()
            self._narrator.say(gateway.environment, f"{gateway.id} ended with its cluster")

    async def _boot(self, gateway: LabGateway) -> None:
        await asyncio.sleep(self._pace.gateway_boot_s)
        if self._children.find(gateway.id) is None:
            self.start(gateway)
            self._narrator.say(gateway.environment, f"{gateway.id} boots: its cluster is running")
        self._boots.pop(gateway.id, None)

    def _what_silence_leads_to(self, gateway: LabGateway) -> str:
        if gateway.is_dr:
            return "If it is the active gateway, fail back; if it is a standby, nothing depends on it now."
        late_s, failed_s = self._pace.policy.heartbeat_timeout_s, self._pace.failed_after_s
        return f"Watch: late after {late_s:.2g} s, marked failed after about {failed_s:.0f} s; then `activate-dr`."
