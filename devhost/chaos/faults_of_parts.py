"""Faults of processes and links: any of them, at any time, several at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Final

import httpx2

from devhost.chaos.database import REPLICATION
from devhost.chaos.settings import POLICY
from devhost.chaos.silence import CUT, FROZEN, KILLED
from devhost.chaos.told import Told
from devhost.chaos.topology import OPERATORS_LINK, Topology
from devhost.fakes.fault_proxy import BlackHole, CutNextResponse, Delay, DropAnswers, DropNextResponse, Hold, Mode
from devhost.lab.names import GATEWAYS

Fault = Callable[[Topology, Told, random.Random, threading.Event], None]
BOTH_WAYS, WAY_BACK, HELD = "both ways", "the way back", "held, delivered late"
CUTS: Final[tuple[tuple[str, Mode], ...]] = ((BOTH_WAYS, BlackHole()), (WAY_BACK, DropAnswers()), (HELD, Hold()))
LONGEST_CUT_S: Final = 3.0
ARM_SWITCHES: Final[tuple[dict[str, object], ...]] = (
    {"start_conflict": 2},
    {"throttle": 3},
    {"lose_response": 1},
    {"start_fails": "AllocationFailed"},
    {"half_failed_start": True},
    {"latency_s": 1.0},
)


def host_killed(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Kill a host and start it again at once, as the platform does."""
    name = chance.choice(topology.hosts.names)
    with told.fault("host killed", name):
        topology.crew.kill(name)
        stopping.wait(chance.uniform(0.0, 1.0))


def host_frozen(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Stop a host between two instructions; whatever it was about it goes on with afterwards."""
    awake = [name for name in topology.hosts.names if name not in topology.frozen]
    if awake:
        name = chance.choice(awake)
        with told.fault("host frozen", name):
            topology.freeze_host(name)
            stopping.wait(chance.uniform(0.5, 1.5 * POLICY.lease_s))
            topology.thaw_host(name)


def gateway_killed(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Kill a gateway; it is started again."""
    running = [one for one in GATEWAYS if topology.crew.find(one.id) and one.id not in topology.frozen]
    if running:
        gateway = chance.choice(running)
        with told.fault(KILLED, gateway.id):
            topology.kill_gateway(gateway)
            stopping.wait(chance.uniform(0.0, 1.0))


def gateway_frozen(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Stop a gateway for longer than its lease."""
    running = [one for one in GATEWAYS if topology.crew.find(one.id) and one.id not in topology.frozen]
    if running:
        gateway = chance.choice(running)
        with told.fault(FROZEN, gateway.id):
            topology.hold_frozen(gateway)
            stopping.wait(chance.uniform(1.1, 1.6) * POLICY.lease_s)
            topology.thaw_gateway(gateway)


def link_cut(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Cut a link, in one of three ways."""
    name, (way, mode) = _link(topology, chance), chance.choice(CUTS)
    if name is not None:
        with told.fault(CUT, name, way=way):
            topology.links.break_(name, mode)
            stopping.wait(chance.uniform(0.3, LONGEST_CUT_S))
            topology.links.heal(name)


def link_slow(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Let every piece of an answer wait."""
    name, delay_s = _link(topology, chance), chance.choice((0.02, 0.1, 0.3, 1.0))
    if name is not None:
        with told.fault("link slow", name, delay_s=delay_s):
            topology.links.break_(name, Delay(delay_s))
            stopping.wait(chance.uniform(0.5, LONGEST_CUT_S))
            topology.links.heal(name)


def answer_lost(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Let a request arrive and its answer be lost, whole or but for the first bytes."""
    name = _link(topology, chance)
    if name is not None:
        told.once("answer lost after the request arrived", name)
        topology.links.lose_next_answer(name, chance.choice((DropNextResponse(), CutNextResponse(20))))
        stopping.wait(chance.uniform(0.0, 0.3))


def connections_reset(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Reset every open connection of a link."""
    name = _link(topology, chance)
    if name is not None:
        told.once("connections reset", name)
        topology.links.reset_connections(name)
        stopping.wait(chance.uniform(0.0, 0.3))


def arm_errors(topology: Topology, told: Told, chance: random.Random, stopping: threading.Event) -> None:
    """Let the Resource Manager refuse, fail, throttle, lose answers or be slow."""
    switches = chance.choice(ARM_SWITCHES)
    where = f"{topology.arm_http_url}/_lab/faults"
    with told.fault("Resource Manager errors", next(iter(switches))):
        httpx2.post(where, json=switches, trust_env=False, timeout=30).raise_for_status()
        stopping.wait(chance.uniform(2.0, 5.0))
        topology.forget_arm_faults()


PARTS: Final[dict[Fault, int]] = {
    host_killed: 2,
    host_frozen: 3,
    gateway_killed: 2,
    gateway_frozen: 2,
    link_cut: 6,
    link_slow: 3,
    answer_lost: 6,
    connections_reset: 3,
    arm_errors: 2,
}
"""How often each kind is drawn, in proportion: what costs the machine a new process is rarer."""


def _link(topology: Topology, chance: random.Random) -> str | None:
    """Return a link that nothing is wrong with; the standby's own is left to the failovers of the database."""
    whole = [name for name in topology.links.whole() if name not in (REPLICATION, OPERATORS_LINK)]
    return chance.choice(whole) if whole else None
