"""Runs one seed: the product over emulators under the scheduler, then the checkers over what happened."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

from devhost.emulators.memory_notifications import MemoryReceivers
from devhost.emulators.memory_work import MemoryWorkStore
from devhost.simulation.checkers import (
    SAFETY,
    Violation,
    effects_stay_inside_the_lease,
    nothing_new_while_draining,
    nothing_outlives_its_token,
    the_holders_cluster_runs,
    work_needs_a_lease,
)
from devhost.simulation.clocks import Clocks, TrueClock
from devhost.simulation.consent import CONSENT
from devhost.simulation.database import SimulatedDatabase
from devhost.simulation.director import Director
from devhost.simulation.gateways import GatewayProcess
from devhost.simulation.history import History
from devhost.simulation.network import HOSTS, Network
from devhost.simulation.operators import Operators
from devhost.simulation.orchestrations import Orchestrations
from devhost.simulation.outcomes import (
    AtRest,
    accepted_outcomes_stay,
    every_move_is_audited,
    no_task_is_lost,
    one_outcome_per_attempt,
    operations_end,
    the_audit_chain_is_intact,
    the_mirror_converges,
)
from devhost.simulation.scheduler import Scheduler
from devhost.simulation.stores import WatchedClusters, watched_tables
from devhost.simulation.swarm import POLICY, SERVER_CLOCK_RANGE_S, TROUBLE_UNTIL_S, Swarm, draw
from devhost.simulation.trouble import Trouble
from devhost.simulation.world import PRO, SwitchedCanary
from shared.domain.environments import Role
from shared.domain.tasks import OnLostOwner, RotationConfig, TaskStatus
from shared.ports import Ports

REST_WITHIN_S: Final = 2400.0
"""How long after the last fault everything must have come to rest: ten minutes of a clock set back, then a failover
with its start, waits and confirmations, then the stop of the cluster."""

LOOK_EVERY_S: Final = 30.0


class SeededIds:
    """`IdSource` that counts."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def operation_id(self, environment: str) -> str:
        """Return PRO-00000001-a and so on."""
        return f"{environment}-{next(self._numbers):08d}-a"

    def unique(self) -> str:
        """Return the next number."""
        return f"{next(self._numbers):08d}"


@dataclass(slots=True)
class Run:
    """What one seed came to."""

    seed: int
    swarm: Swarm
    history: History
    violations: list[Violation] = field(default_factory=list)
    ended_at_s: float = 0.0


class Simulation:
    """One world, built from one seed."""

    def __init__(self, seed: int) -> None:
        self.swarm = draw(seeded(seed, "swarm"))
        self.history = History()
        self.scheduler = Scheduler(seeded(seed, "scheduler"))
        self.trouble = Trouble(self.swarm, self.scheduler, self.history, seeded(seed, "trouble"))
        chance = seeded(seed, "clocks")
        skews = {host: timedelta(seconds=chance.uniform(-0.5, 0.5)) for host in HOSTS}
        self.clocks = Clocks(self.scheduler, skews)
        self.tables = watched_tables(self.trouble)
        self.work = MemoryWorkStore(policy=POLICY, clock=self.clocks.server)
        self.database = SimulatedDatabase(policy=POLICY, clock=self.clocks.server, trouble=self.trouble)
        self.work.database = self.database
        self.clusters = WatchedClusters(TrueClock(self.clocks), self.trouble, self.history, self.scheduler)
        self.ports = Ports(
            environments={PRO.name: PRO}, policy=POLICY, locks=self.tables.locks, gateways=self.tables.gateways,
            operations=self.tables.operations, audit=self.tables.audit, events=self.tables.events,
            drills=self.tables.drills,
            preflights=self.tables.preflights,
            sight=self.tables.sight, alerts=self.tables.alerts, automatic=self.tables.automatic, work=self.work,
            notification_cursors=self.tables.notification_cursors,
            notification_deliveries=self.tables.notification_deliveries, receivers=MemoryReceivers(),
            clusters=self.clusters, canary=SwitchedCanary(), clock=self.clocks, ids=SeededIds(),
        )  # fmt: skip
        self.work.put_config(RotationConfig(id="cfg-pro", environment=PRO.name, name="requeued", max_attempts=8))
        self.work.put_config(
            RotationConfig(id="cfg-hold", environment=PRO.name, name="held", on_lost_owner=OnLostOwner.HOLD)
        )
        self.network = Network(self.scheduler, self.trouble, seeded(seed, "network"))
        self.orchestrations = Orchestrations(
            ports=self.ports, scheduler=self.scheduler, trouble=self.trouble, history=self.history,
            random=seeded(seed, "orchestrations"),
        )  # fmt: skip
        self.operators = Operators(
            self.ports,
            self.scheduler,
            self.trouble,
            self.history,
            self.orchestrations,
            seeded(seed, "operators"),
            self._mirrored,
        )
        self.primary = self._gateway(seed, "gw-pro-primary", Role.PRIMARY)
        self.dr = self._gateway(seed, "gw-pro-dr", Role.DR_STANDBY)
        self.director = Director(
            self.scheduler, self.trouble, seeded(seed, "director"), self.clocks, self.network, self.operators,
            self.primary, self.dr, self.clusters, self.database, self._holder,
            self._running,
        )  # fmt: skip

    def carry_out(self) -> float:
        """Let it all happen, and return when it had come to rest or was given up."""
        self.director.plan()
        self.scheduler.run(TROUBLE_UNTIL_S)
        gives_up_at_s = TROUBLE_UNTIL_S + REST_WITHIN_S
        while self.scheduler.now_s < gives_up_at_s and not self.scheduler.failures:
            self.scheduler.run(self.scheduler.now_s + LOOK_EVERY_S)
            if self.scheduler.now_s > TROUBLE_UNTIL_S + 4 * LOOK_EVERY_S and self._rests():
                break
        return self.scheduler.now_s

    def at_rest(self) -> AtRest:
        """Return what the stores hold now."""
        lock = self.tables.locks.rows.snapshot().rows[PRO.name, "lock"].value
        rows = self.database.snapshot().rows.get(PRO.name)
        operations = [stored.value for stored in self.tables.operations.rows.snapshot().rows.values()]
        running = {o.request.id for o in operations if not o.is_over}
        if lock.operation is not None:
            running.add(lock.operation.id)
        audit = sorted(self.tables.audit.rows.snapshot().rows.items())
        return AtRest(
            at_s=self.scheduler.now_s,
            lock=(lock.token, lock.holder),
            fence=(rows.fence.token, rows.fence.holder) if rows is not None and rows.fence is not None else None,
            running=tuple(sorted(running)),
            tasks={name: task.status.value for name, task in rows.tasks.items()} if rows is not None else {},
            audit=[stored.value for _, stored in audit],
        )

    def _rests(self) -> bool:
        rest = self.at_rest()
        open_tasks = {TaskStatus.PENDING.value, TaskStatus.RUNNING.value} & set(rest.tasks.values())
        quiet = not rest.running and not self.orchestrations.running and rest.fence == rest.lock
        return quiet and not open_tasks and rest.lock[1] is not None

    def _gateway(self, seed: int, gateway_id: str, role: Role) -> GatewayProcess:
        return GatewayProcess(
            gateway_id, role, ports=self.ports, scheduler=self.scheduler, network=self.network, history=self.history,
            random=seeded(seed, gateway_id),
        )  # fmt: skip

    def _mirrored(self) -> int | None:
        rows = self.database.snapshot().rows.get(PRO.name)
        return rows.fence.token if rows is not None and rows.fence is not None else None

    def _holder(self) -> str | None:
        stored = self.tables.locks.rows.snapshot().rows.get((PRO.name, "lock"))
        return stored.value.holder if stored is not None else None

    def _running(self) -> str | None:
        stored = self.tables.locks.rows.snapshot().rows.get((PRO.name, "lock"))
        return stored.value.operation.id if stored is not None and stored.value.operation is not None else None


def run_seed(seed: int) -> Run:
    """Run one seed and judge it. The same seed gives the same history."""
    logger = logging.getLogger("mazevault.dr")
    former, logger.disabled = logger.disabled, True  # the history is the log
    simulation = Simulation(seed)
    try:
        ended_at_s = simulation.carry_out()
        run = Run(seed, simulation.swarm, simulation.history, ended_at_s=ended_at_s)
        run.violations = list(_judged(simulation))
    finally:
        simulation.scheduler.close()
        logger.disabled = former
    return run


def _judged(simulation: Simulation) -> Iterator[Violation]:
    events, rest = simulation.history.events, simulation.at_rest()
    for actor, failure in simulation.scheduler.failures:
        yield Violation("nothing breaks", rest.at_s, f"{actor}: {type(failure).__name__}: {failure}")
    for checker in (*SAFETY, *CONSENT):
        yield from checker(events)
    yield from effects_stay_inside_the_lease(events, margin_s=POLICY.gateway_margin_s)
    yield from work_needs_a_lease(events, clock_range_s=POLICY.guarded_transaction_s + 2 * SERVER_CLOCK_RANGE_S)
    yield from nothing_outlives_its_token(events, transaction_s=POLICY.guarded_transaction_s)
    yield from nothing_new_while_draining(events, transaction_s=POLICY.guarded_transaction_s)
    yield from the_holders_cluster_runs(events, dr_gateway=simulation.dr.id)
    yield from one_outcome_per_attempt(events)
    yield from no_task_is_lost(events, rest)
    yield from accepted_outcomes_stay(events, rest)
    yield from operations_end(rest)
    yield from the_mirror_converges(rest)
    yield from every_move_is_audited(events, rest)
    yield from the_audit_chain_is_intact(rest)


def seeded(seed: int, name: str) -> Random:
    """Return chance of its own for each part, so that a new part does not shift the others."""
    return Random(f"{seed}/{name}")
