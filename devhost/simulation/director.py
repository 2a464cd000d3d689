"""The story of one run: when the primary dies, when people act, which outage comes when, and that all of it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from devhost.emulators.memory_clusters import RUNNING, STOPPED
from devhost.emulators.memory_database import DatabaseImage
from devhost.simulation.clocks import Clocks
from devhost.simulation.database import SimulatedDatabase
from devhost.simulation.gateways import GatewayProcess
from devhost.simulation.network import HOSTS, Network
from devhost.simulation.operators import MOST_TASKS, Operators
from devhost.simulation.scheduler import Scheduler
from devhost.simulation.stores import WatchedClusters
from devhost.simulation.swarm import POLICY, SERVER_CLOCK_RANGE_S, TROUBLE_FROM_S, TROUBLE_UNTIL_S
from devhost.simulation.trouble import DATABASE, TABLES, Trouble
from devhost.simulation.world import PRO
from shared.domain.clusters import ClusterState, PowerState
from shared.domain.operations import OperationKind, Step

HALF_STARTED = (
    ClusterState(power=PowerState.RUNNING, provisioning="Failed"),
    ClusterState(power=PowerState.STOPPED, provisioning="Failed"),
)

RECENT_RAISE_S: Final = 30.0
FOUND_FAILED_S: Final = POLICY.heartbeat_timeout_s * POLICY.failure_threshold


@dataclass(slots=True)
class Director:
    """Plans one run from its seed."""

    scheduler: Scheduler
    trouble: Trouble
    random: Random
    clocks: Clocks
    network: Network
    operators: Operators
    primary: GatewayProcess
    dr: GatewayProcess
    clusters: WatchedClusters
    database: SimulatedDatabase
    holder: Callable[[], str | None]
    running: Callable[[], str | None]  # the operation that the lock names
    wrong_ways: float = 0.0  # how often people press the button that does not fit
    healed: bool = False
    seen_holder: str | None = None

    def plan(self) -> None:
        """Put everything that will happen by itself onto the schedule."""
        self.wrong_ways = self.random.choice((0.0, 0.1, 0.3))
        self.clusters.put(PRO.primary_cluster or "", RUNNING)
        self.primary.start()
        self.dr.start()
        self._at(25.0, "dr gateway goes cold", self.dr.kill)
        self.scheduler.repeat("power of the dr cluster", self._follow_power, lambda: 4.0)
        self.scheduler.repeat("rotations", self._rotate, lambda: self.random.uniform(8, 40))
        self.operators.timers()
        self._at(TROUBLE_FROM_S, "trouble begins", self._begin)
        self._at(TROUBLE_UNTIL_S, "everything is healed", self._heal)
        self._plan_primary()
        for person in (1, 2):
            self.scheduler.repeat(f"operator {person}", self._act, lambda: self.random.uniform(8, 50))
        if self.trouble.swarm.two_person:
            self._at(TROUBLE_FROM_S - 2, "environment marked two_person", self.operators.mark_two_person)
        if self.trouble.swarm.two_person or self.trouble.swarm.forces:
            self.scheduler.repeat("second administrator", self._approve, lambda: self.random.uniform(5, 40))
        self._plan_faults()

    def _plan_primary(self) -> None:
        if self.trouble.swarm.region_losses:
            self._at(self.random.uniform(60, 300), "region loss", self._lose_region)
        elif self.random.random() < 0.9:
            self._at(self.random.uniform(40, 200), "primary dies", self.primary.kill)
        back_s = self.random.uniform(250, 700)
        self._at(back_s, "primary boots again", self._boot_primary)

    def _plan_faults(self) -> None:
        swarm, some = self.trouble.swarm, self._sometime
        some(swarm.table_outages, "Table Storage outage", self._table_outage)
        if swarm.table_outages:
            self.scheduler.repeat("bad luck with a move", self._lose_sight_of_the_move, lambda: 1.0)
        some(swarm.database_outages, "PostgreSQL outage", self._database_outage)
        some(swarm.database_failovers, "PostgreSQL failover to an older state", self._database_failover)
        if swarm.database_failovers:
            self.scheduler.repeat("bad luck", self._lose_the_raise, lambda: 3.0)
        some(swarm.host_cuts, "host cut from a store", self._host_cut)
        some(swarm.gateway_pauses, "gateway frozen", self._gateway_pause)
        some(swarm.gateway_kills, "gateway killed", self._gateway_kill)
        some(swarm.gateway_cuts, "gateway cut off", self._gateway_cut)
        some(swarm.clock_steps, "step of the control plane's clock", self._clock_step)
        some(swarm.server_clock_steps, "step of PostgreSQL's clock", self._server_clock_step)
        some(swarm.arm_half_starts, "cluster starts only half", self._half_start)
        some(swarm.cancellations, "operation cancelled", self.operators.cancel)
        some(swarm.retries, "operation retried", self.operators.retry)
        some(swarm.retries, "step skipped", self._skip)
        some(swarm.forces, "failover forced", lambda: self.operators.begin(OperationKind.FAILOVER, forced=True))

    def _sometime(self, times: int, kind: str, happen: Callable[[], None]) -> None:
        def counted() -> None:
            self.trouble.count(kind)
            happen()

        for _ in range(times):
            self._at(self.random.uniform(TROUBLE_FROM_S, TROUBLE_UNTIL_S - 60), kind, counted)

    def _at(self, at_s: float, name: str, happen: Callable[[], None]) -> None:
        self.scheduler.start(name, happen, in_s=at_s - self.scheduler.now_s)

    def _later(self, seconds: float, name: str, happen: Callable[[], None]) -> None:
        self.scheduler.start(name, happen, in_s=seconds)

    def _begin(self) -> None:
        self.trouble.active = True

    def _act(self) -> None:
        """Press a button that fits the moment, or now and then one that does not; impatient people press twice."""
        holder = self.holder()
        if self.healed:
            if holder is None:
                self.operators.begin(OperationKind.FAILBACK)
        elif self.random.random() < self.wrong_ways / 2:
            gateway = self.random.choice((self.primary.id, self.dr.id))
            self.operators.deactivate(gateway, forced=self.random.random() < 0.6)
        elif self.scheduler.now_s > TROUBLE_FROM_S:
            fits = OperationKind.FAILBACK if holder == self.dr.id else OperationKind.FAILOVER
            other = OperationKind.FAILOVER if fits is OperationKind.FAILBACK else OperationKind.FAILBACK
            if fits is OperationKind.FAILBACK and self.trouble.swarm.gateway_pauses and self.random.random() < 0.3:
                self.trouble.count("gateway frozen")
                self.dr.freeze(self.random.uniform(100, 300))
            for _ in range(self.random.choice((1, 1, 1, 2, 3))):
                self.operators.begin(other if self.random.random() < self.wrong_ways else fits)

    def _skip(self) -> None:
        self.operators.skip(self.random.choice((Step.VERIFY_DR_ACTIVE, Step.VERIFY_OPERATIONS, Step.LOOK_AGAIN)))

    def _approve(self) -> None:
        """Approve what runs, if the second administrator is there; now and then who asked tries it alone."""
        operation = self.running()
        if operation is not None and (self.healed or self.random.random() < (self.trouble.swarm.two_person or 0.7)):
            self.operators.approve(operation, by="operator" if self.random.random() < 0.2 else "second")

    def _rotate(self) -> None:
        if self.operators.rotations < MOST_TASKS and not self.healed:
            self.operators.rotate()

    def _follow_power(self) -> None:
        """The DR gateway is a pod: it starts some time after its cluster is up, and dies when the cluster stops."""
        state = self.clusters.state(PRO.dr_cluster)
        if state.power is PowerState.STOPPED or state.provisioning == "Stopping":
            self.dr.kill()
        elif state.ready and not self.dr.alive and self.random.random() < 0.3:
            self.dr.start()

    def _boot_primary(self) -> None:
        if not self.primary.alive:
            self.primary.start()

    def _lose_region(self) -> None:
        self.trouble.count("region loss")
        self.primary.kill()
        older = self.database.snapshot()
        delay_s = self.random.uniform(0, 20)

        def dies() -> None:
            self.database.crash()
            self._later(self.random.uniform(20, 300), "PostgreSQL is back in another region",
                        lambda: self._promote(older))  # fmt: skip

        self._later(delay_s, "PostgreSQL is lost with its region", dies)

    def _promote(self, older: DatabaseImage) -> None:
        self.database.fail_over(older, f"{int(self.database.timeline, 16) + 1:08X}")

    def _table_outage(self) -> None:
        def ends() -> None:
            self.trouble.tables_down = False

        self.trouble.tables_down = True
        self._later(self.random.uniform(5, 130), "Table Storage is back", ends)

    def _database_outage(self) -> None:
        def ends() -> None:
            self.database.down = False

        self.database.crash()
        self._later(self.random.uniform(3, 200), "PostgreSQL is back", ends)

    def _database_failover(self) -> None:
        older = self.database.snapshot()
        self._later(self.random.uniform(0, 30), "PostgreSQL goes on with an older state", lambda: self._promote(older))

    def _lose_the_raise(self) -> None:
        """PostgreSQL fails over just after a raise, to a state from before it; often Table Storage goes as well."""
        raised = self.database.before_raise
        recent = raised is not None and self.scheduler.now_s - raised[0] < RECENT_RAISE_S
        if raised is None or not recent or not self.trouble.active or self.random.random() > 0.2:
            return
        self.database.before_raise = None
        self.trouble.count("PostgreSQL lost the newest raise")
        if self.random.random() < 0.5:
            self.trouble.count("Table Storage outage")
            self._table_outage()
        self._promote(raised[1])

    def _lose_sight_of_the_move(self) -> None:
        """Table Storage goes away just after the lock has moved: only the fence can stop the former holder now."""
        holder, former = self.holder(), self.seen_holder
        self.seen_holder = holder
        if holder == former or former is None or not self.trouble.active or self.random.random() > 0.4:
            return
        self.trouble.count("Table Storage outage")
        self._table_outage()

    def _host_cut(self) -> None:
        cut = (self.random.choice(HOSTS), self.random.choice((TABLES, DATABASE)))
        self.trouble.cuts.add(cut)
        self._later(self.random.uniform(5, 150), "cut ends", lambda: self.trouble.cuts.discard(cut))

    def _gateway_pause(self) -> None:
        # The holder's freeze changes most: it is found failed while an operation is about to move the lock.
        holder = self.dr if self.holder() == self.dr.id else self.primary
        gateway = holder if self.random.random() < 0.6 else self._gateway()
        seconds = self.random.choice((self.random.uniform(2, 40), self.random.uniform(61, 260)))
        gateway.freeze(seconds)
        if gateway is self.dr and seconds > FOUND_FAILED_S:
            # Somebody fails back just when the monitor is about to find the holder failed.
            ask_s = self.random.uniform(0.6, 1.0) * FOUND_FAILED_S
            self._later(ask_s, "an impatient operator", lambda: self.operators.begin(OperationKind.FAILBACK))

    def _gateway_kill(self) -> None:
        gateway = self._gateway()
        gateway.kill()
        if gateway is self.primary:
            self._later(self.random.uniform(1, 300), "primary boots again", self._boot_primary)

    def _gateway_cut(self) -> None:
        gateway = self._gateway().id
        self.network.cut.add(gateway)
        self._later(self.random.uniform(10, 300), "gateway reaches the control plane",
                    lambda: self.network.cut.discard(gateway))  # fmt: skip

    def _clock_step(self) -> None:
        self.clocks.control_plane_ahead += timedelta(
            seconds=self.random.choice((-600, 600, self.random.uniform(-90, 90)))
        )

    def _server_clock_step(self) -> None:
        self.clocks.server_ahead = timedelta(seconds=self.random.uniform(-SERVER_CLOCK_RANGE_S, SERVER_CLOCK_RANGE_S))

    def _half_start(self) -> None:
        self.clusters.starts_end_as = self.random.choice(HALF_STARTED)
        self._later(self.random.uniform(60, 400), "starts work again", self._repair_clusters)

    def _repair_clusters(self) -> None:
        """A person looks at the portal and puts right what no operation may touch."""
        self.clusters.starts_end_as = RUNNING
        if self.clusters.state(PRO.dr_cluster).provisioning == "Failed":
            self.clusters.put(PRO.dr_cluster, STOPPED)

    def _gateway(self) -> GatewayProcess:
        return self.random.choice((self.primary, self.dr))

    def _heal(self) -> None:
        self.healed, self.trouble.active, self.trouble.tables_down = True, False, False
        self.trouble.cuts.clear()
        self.network.cut.clear()
        self.database.down = False
        self.clocks.server_ahead = timedelta(0)
        for gateway in (self.primary, self.dr):
            gateway.frozen_until_s = 0.0
        self._repair_clusters()
        self._boot_primary()
        if self.holder() == self.dr.id and not self.clusters.state(PRO.dr_cluster).in_transition:
            self.clusters.put(PRO.dr_cluster, RUNNING)
