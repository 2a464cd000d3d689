"""The gateways of the driven control plane: they boot, beat and claim on its clock, and the timers fire beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from devhost.lab.names import cluster_id
from devhost.simulation.world import TENANT
from devhost.usage.stage import Stage
from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Heartbeat, Identity
from shared.domain.guard import Caller
from shared.domain.tasks import TaskStatus
from shared.ports import Ports, TaskReport, WorkRefused
from shared.steps.gateway_calls import Registration, beat, claim_tasks, register_gateway, report_task
from shared.steps.reconcile import sync_mirrors
from shared.steps.watch_health import watch_health

BACKGROUND: Final = "background"
"""What goes on beside the piece of work that is being counted."""
BOOT_S: Final = 60.0  # from a running cluster to the first heartbeat


class DrivenGateway:
    """A gateway that beats when told and keeps the token it was told."""

    def __init__(self, stage: Stage, environment: str, role: Role) -> None:
        self.id = f"gw-{environment.lower()}-{role.value}"
        self.alive = False
        self.identity = Identity(tenant_id=TENANT, object_id=f"oid-{self.id}")
        self._stage, self._environment, self._role = stage, environment, role
        self._boots = 0
        self._token: FencingToken | None = None

    def boot(self) -> None:
        """Start and register; the token of the boot before is forgotten."""
        self.alive, self._boots, self._token = True, self._boots + 1, None
        registration = Registration(
            gateway_id=self.id, environment=self._environment, role=self._role, boot_id=f"boot-{self._boots}",
            region="westeurope", version="1",
        )  # fmt: skip
        register_gateway(self._stage.ports, registration, self.identity)

    def beat(self) -> None:
        """Beat once."""
        heartbeat = Heartbeat(
            boot_id=f"boot-{self._boots}", role=self._role.value, environment=self._environment,
            token_seen=self._token, version="1",
        )  # fmt: skip
        answer = beat(self._stage.ports, self.id, self._environment, heartbeat, self.identity)
        self._token = answer.token

    @property
    def caller(self) -> Caller:
        """The gateway with the token it believes in."""
        assert self._token is not None
        return Caller(gateway_id=self.id, environment=self._environment, token=self._token)

    def work(self) -> None:
        """Do the tasks that wait, if it holds the lock."""
        if self._token is None:
            return
        claimed = claim_tasks(self._stage.ports, self.caller, self.identity, limit=1)
        for task in () if isinstance(claimed, WorkRefused) else claimed:
            done = TaskReport(task_id=task.id, attempt=task.attempt, status=TaskStatus.SUCCEEDED, result={})
            report_task(self._stage.ports, self.caller, self.identity, done)


class Household:
    """A primary and a cold standby per environment."""

    def __init__(self, stage: Stage, environments: Sequence[str]) -> None:
        self._stage = stage
        self._ports = stage.ports
        self.primaries = {name: DrivenGateway(stage, name, Role.PRIMARY) for name in environments}
        self.standbys = {name: DrivenGateway(stage, name, Role.DR_STANDBY) for name in environments}
        self._up_since_s: dict[str, float] = {}

    def found(self) -> None:
        """Boot every primary, and let every standby register once."""
        for name, primary in self.primaries.items():
            primary.boot()
            self.standbys[name].boot()
            self.standbys[name].alive = False

    def keep_only(self, environment: str) -> Ports:
        """Forget the other environments, and return the ports of a control plane that has just this one."""
        for gateways in (self.primaries, self.standbys):
            for name in gateways.keys() - {environment}:
                del gateways[name]
        self._ports = self._stage.with_environments((environment,))
        return self._ports

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps of one heartbeat interval or less; in each, everybody acts once."""
        clock, interval = self._stage.clock, timedelta(seconds=self._stage.ports.policy.heartbeat_interval_s)
        ends = clock.time + timedelta(seconds=seconds)
        while clock.time < ends:
            clock.time = min(ends, clock.time + interval)
            self.beat()
            with self._stage.meter.under(BACKGROUND):
                watch_health(self._ports)
                sync_mirrors(self._ports)

    def beat(self) -> None:
        """Let every gateway that runs beat and work; standbys come up and go down with their clusters."""
        with self._stage.meter.under(BACKGROUND):
            for name, standby in self.standbys.items():
                self._follow_cluster(name, standby)
            for gateway in (*self.primaries.values(), *self.standbys.values()):
                if gateway.alive:
                    gateway.beat()
                    gateway.work()

    def _follow_cluster(self, name: str, standby: DrivenGateway) -> None:
        now_s = self._stage.clock.time.timestamp()
        if not self._stage.clusters.state(cluster_id(name, "dr")).ready:
            standby.alive = False
            self._up_since_s.pop(name, None)
            return
        up_since_s = self._up_since_s.setdefault(name, now_s)
        if not standby.alive and now_s - up_since_s >= BOOT_S:
            standby.boot()
