"""A whole control plane in memory on a clock that moves only when told: the product's steps over the emulators."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from devhost.emulators.memory_clusters import RUNNING, MemoryClusters
from devhost.emulators.memory_notifications import MemoryReceivers
from devhost.emulators.memory_rows import Fault, no_fault
from devhost.emulators.memory_tables import MemoryTables
from devhost.emulators.memory_work import MemoryWorkStore
from shared.domain.canaries import CanaryReport
from shared.domain.environments import Environment, Role
from shared.domain.gateways import BeatAnswer, Heartbeat, Identity
from shared.domain.guard import Caller
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import Operation
from shared.domain.policy import Policy
from shared.domain.tasks import RotationConfig
from shared.ports import Ports
from shared.steps.canary_calls import report_canary
from shared.steps.gateway_calls import Registration, beat, register_gateway
from shared.steps.prewarm import prewarm
from shared.steps.quiet_look import MonitorMemory
from shared.steps.reconcile import expire_tasks, sync_mirrors
from shared.steps.watch_health import watch_health

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = "00000000-0000-4000-8000-000000000001"
PRO = Environment(name="PRO", dr_cluster="clusters/pro-dr", primary_cluster="clusters/pro-primary")


class WorldClock:
    """`Clock` that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = T0

    def now(self) -> datetime:
        """Return the world's time."""
        return self.time

    def unix_ns(self) -> int:
        """Return the world's time in nanoseconds."""
        return int(self.time.timestamp() * 1_000_000) * 1000


class CountedIds:
    """`IdSource` that counts."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def operation_id(self, environment: str) -> str:
        """Return PRO-00000001-a and so on."""
        return f"{environment}-{next(self._numbers):08d}-a"

    def unique(self) -> str:
        """Return the next number."""
        return f"{next(self._numbers):08d}"


class SwitchedCanary:
    """`Canary` with a switch."""

    def __init__(self) -> None:
        self.up = True

    def answers(self) -> bool:
        """Whether the switch is on."""
        return self.up


class SimulatedGateway:
    """A gateway that beats when told, and keeps the token it was told."""

    def __init__(self, world: World, gateway_id: str, role: Role) -> None:
        self.world = world
        self.id = gateway_id
        self.role = role
        self.identity = Identity(tenant_id=TENANT, object_id=f"oid-{gateway_id}")
        self.alive = False
        self.boots = 0
        self.canary: bool | None = True  # how its canaries end; None: it never reports one
        self.answer: BeatAnswer | None = None

    def boot(self) -> None:
        """Start, register, and beat from now on."""
        self.alive, self.boots, self.answer = True, self.boots + 1, None
        registration = Registration(
            gateway_id=self.id, environment=PRO.name, role=self.role, boot_id=f"boot-{self.boots}",
            region="westeurope", version="1",
        )  # fmt: skip
        register_gateway(self.world.ports, registration, self.identity)

    def beat(self) -> BeatAnswer:
        """Beat once and keep the answer."""
        token = self.answer.token if self.answer else None
        heartbeat = Heartbeat(
            boot_id=f"boot-{self.boots}", role=self.role.value, environment=PRO.name, token_seen=token, version="1"
        )
        self.answer = beat(self.world.ports, self.id, PRO.name, heartbeat, self.identity)
        if self.answer.canary is not None and self.canary is not None:
            report = CanaryReport(drill_id=self.answer.canary.drill_id, succeeded=self.canary, result={"rotated": True})
            report_canary(self.world.ports, self.id, PRO.name, report, self.identity)
        return self.answer

    @property
    def caller(self) -> Caller:
        """The gateway with the token it believes in."""
        assert self.answer is not None
        assert self.answer.token is not None
        return Caller(gateway_id=self.id, environment=PRO.name, token=self.answer.token)


class World:
    """One environment, PRO, with a primary and a cold DR gateway whose cluster boots it."""

    def __init__(
        self, *, policy: Policy | None = None, fault: Fault = no_fault, receivers: MemoryReceivers | None = None
    ) -> None:
        self.clock = WorldClock()
        self.tables = MemoryTables(fault)
        self.policy = policy or Policy()
        self.work = MemoryWorkStore(policy=self.policy, clock=self.clock.now)
        self.clusters = MemoryClusters(self.clock, start_s=200, stop_s=95, fault=fault)
        self.canary = SwitchedCanary()
        self.receivers = receivers or MemoryReceivers()
        self.memory = MonitorMemory()
        self.ports = Ports(
            environments={PRO.name: PRO}, policy=self.policy, locks=self.tables.locks, gateways=self.tables.gateways,
            operations=self.tables.operations, audit=self.tables.audit, events=self.tables.events,
            drills=self.tables.drills,
            preflights=self.tables.preflights,
            sight=self.tables.sight, alerts=self.tables.alerts, automatic=self.tables.automatic, work=self.work,
            notification_cursors=self.tables.notification_cursors,
            notification_deliveries=self.tables.notification_deliveries, receivers=self.receivers,
            clusters=self.clusters, canary=self.canary, clock=self.clock, ids=CountedIds(),
        )  # fmt: skip
        self.primary = SimulatedGateway(self, "gw-pro-primary", Role.PRIMARY)
        self.dr = SimulatedGateway(self, "gw-pro-dr", Role.DR_STANDBY)
        self.dr_boots = True
        self.watchers: list[Callable[[], None]] = []
        self.work.put_config(RotationConfig(id="cfg-pro", environment=PRO.name, name="demo"))

    @property
    def lock(self) -> EnvironmentLock:
        """The environment lock as it is stored."""
        found = self.tables.locks.rows.snapshot().rows[(PRO.name, "lock")]
        return found.value

    def operation(self, operation_id: str) -> Operation:
        """The operation's record."""
        found = self.ports.operations.read(operation_id)
        assert found is not None
        return found.value

    def founded(self) -> World:
        """Boot the primary, let the DR gateway register once, and let both be seen for a while."""
        self.clusters.put(PRO.primary_cluster or "", RUNNING)
        self.primary.boot()
        self.dr.boot()
        self.dr.alive = False
        self.pass_time(2 * self.policy.heartbeat_timeout_s)
        return self

    def with_failed_primary(self) -> World:
        """Kill the primary and wait until the monitor has marked it failed."""
        self.founded()
        self.primary.alive = False
        self.pass_time(self.policy.heartbeat_timeout_s * (self.policy.failure_threshold + 0.5))
        return self

    def pass_time(self, seconds: float) -> None:
        """Let time pass: gateways beat, the monitor ticks, the DR gateway boots and dies with its cluster."""
        ends = self.clock.time + timedelta(seconds=seconds)
        while self.clock.time < ends:
            self.clock.time = min(ends, self.clock.time + timedelta(seconds=self.policy.heartbeat_interval_s))
            self.live()

    def live(self) -> None:
        """Let everybody act once at the present time."""
        ready = self.clusters.state(PRO.dr_cluster).ready
        if ready and not self.dr.alive and self.dr_boots:
            self.dr.boot()
        elif not ready:
            self.dr.alive = False
        for gateway in (self.primary, self.dr):
            if gateway.alive:
                gateway.beat()
        seen = watch_health(self.ports, self.memory)
        prewarm(self.ports, seen.suspects)
        sync_mirrors(self.ports)
        expire_tasks(self.ports)
        for watch in self.watchers:
            watch()
