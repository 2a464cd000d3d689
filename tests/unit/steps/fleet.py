"""A control plane in memory that looks after many environments, each with a primary that beats and a cold standby."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from devhost.emulators.memory_clusters import MemoryClusters
from devhost.emulators.memory_notifications import MemoryReceivers
from devhost.emulators.memory_rows import Fault, no_fault
from devhost.emulators.memory_tables import MemoryTables
from devhost.emulators.memory_work import MemoryWorkStore
from devhost.simulation.world import CountedIds, SwitchedCanary, WorldClock
from shared.domain.environments import Environment, Role
from shared.domain.events import Event, EventType
from shared.domain.gateways import Heartbeat, Identity
from shared.domain.health import Verdict
from shared.domain.locks import EnvironmentLock
from shared.domain.modes import AutoFailover
from shared.domain.policy import Policy
from shared.ports import Ports
from shared.steps.gateway_calls import Registration, beat, register_gateway
from shared.steps.watch_health import MonitorPass, watch_health


class Fleet:
    """Environments `E000` and on; those in `silent` do not beat."""

    def __init__(self, environments: int, *, policy: Policy | None = None, fault: Fault = no_fault) -> None:
        self.names = [f"E{number:03d}" for number in range(environments)]
        self.clock = WorldClock()
        self.tables = MemoryTables(fault)
        self.policy = policy or Policy()
        self.work = MemoryWorkStore(policy=self.policy, clock=self.clock.now)
        self.clusters = MemoryClusters(self.clock, start_s=200, stop_s=95)
        self.canary = SwitchedCanary()
        self.ports = Ports(
            environments={name: Environment(name=name, dr_cluster=f"clusters/{name}") for name in self.names},
            policy=self.policy, work=self.work, clusters=self.clusters, canary=self.canary, clock=self.clock,
            ids=CountedIds(), receivers=MemoryReceivers(), **stores_of(self.tables),
        )  # fmt: skip
        self.silent: set[str] = set()
        self.last = MonitorPass(verdicts={}, sees=False)
        for name in self.names:
            for role in (Role.PRIMARY, Role.DR_STANDBY):
                self._register(name, role)
        self.pass_time(3 * self.policy.heartbeat_timeout_s)

    def pass_time(self, seconds: float) -> None:
        """Let whoever is not silent beat, and the monitor tick, every interval."""
        ends = self.clock.time + timedelta(seconds=seconds)
        while self.clock.time < ends:
            self.clock.time = min(ends, self.clock.time + timedelta(seconds=self.policy.heartbeat_interval_s))
            for name in self.names:
                if name not in self.silent:
                    self.beat(name)
            self.last = watch_health(self.ports)

    def beat(self, name: str) -> None:
        """Let the primary of one environment beat once."""
        said = Heartbeat(boot_id="boot-1", role="primary", environment=name, version="1")
        beat(self.ports, self.primary(name), name, said, self._identity(name, Role.PRIMARY))

    def lock(self, name: str) -> EnvironmentLock:
        """Return the lock of an environment."""
        return self.tables.locks.rows.snapshot().rows[(name, "lock")].value

    def set_modes(self, auto_failover: AutoFailover, *names: str) -> None:
        """Set the mode of some environments, or of all, as their administrators would."""
        for name in names or self.names:
            found = self.ports.locks.read(name)
            assert found is not None
            modes = replace(found.value.modes, auto_failover=auto_failover)
            self.ports.locks.replace(replace(found.value, modes=modes, written_by="test"), etag=found.etag)

    def primary(self, name: str) -> str:
        """Return the id of an environment's primary."""
        return f"gw-{name}-primary"

    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdict of the last pass on each primary, by environment."""
        return {name: self.last.verdicts[self.primary(name)] for name in self.names}

    def marked(self) -> list[str]:
        """Return the environments whose holder is marked failed."""
        return [name for name in self.names if (lock := self.lock(name)).holder and lock.mark_of(lock.holder)]

    def events(self, kind: EventType) -> list[Event]:
        """Return the events of one kind, of all environments."""
        rows = self.tables.events.rows.snapshot().rows.values()
        return [stored.value for stored in rows if stored.value.type is kind]

    def _identity(self, name: str, role: Role) -> Identity:
        return Identity(tenant_id="tenant", object_id=f"{name}-{role.value}")

    def _register(self, name: str, role: Role) -> None:
        gateway = self.primary(name) if role is Role.PRIMARY else f"gw-{name}-dr"
        registration = Registration(
            gateway_id=gateway, environment=name, role=role, boot_id="boot-1", region="westeurope", version="1"
        )
        register_gateway(self.ports, registration, self._identity(name, role))


def stores_of(tables: MemoryTables) -> dict[str, Any]:
    """Return the stores of an account by the name of their port."""
    return {
        "locks": tables.locks, "gateways": tables.gateways, "operations": tables.operations, "audit": tables.audit,
        "events": tables.events, "sight": tables.sight, "alerts": tables.alerts, "automatic": tables.automatic,
        "drills": tables.drills, "preflights": tables.preflights, "notification_cursors": tables.notification_cursors,
        "notification_deliveries": tables.notification_deliveries,
    }  # fmt: skip
