"""Faults of the two stores, one at a time: that both lose data together is beyond what is promised."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

import psycopg

from devhost.backends.processes import NotReady
from devhost.chaos.api import Api
from devhost.chaos.database import HAS_LIMITS
from devhost.chaos.load import Load
from devhost.chaos.operators import Tally
from devhost.chaos.patience import Patience
from devhost.chaos.told import Told
from devhost.chaos.topology import Topology

SETTLES_WITHIN_S = 30.0
LOOK_S = 0.3
REFUSES_FOR_S = 5.0  # how long nobody restores a lost authority, so that it can be seen to refuse


class StoreFaults:
    """Breaks the stores, each fault from begin to heal."""

    def __init__(
        self,
        topology: Topology,
        told: Told,
        api: Api,
        tally: Tally,
        *,
        loads: Sequence[Load],
        patience: Patience,
        chance: random.Random,
    ) -> None:
        self._topology, self._told, self._api, self._tally = topology, told, api, tally
        self._loads, self._patience, self._chance = loads, patience, chance
        self._copied_ns: int | None = None

    def draw(self, stopping: threading.Event) -> None:
        """Carry out one fault; where it cannot be, the stores are brought back and the run goes on."""
        try:
            self._draw(stopping)
        except (NotReady, psycopg.Error, OSError) as trouble:
            self._told.say(f"         not carried out: {trouble}")
            self._topology.database.revive()
            self._topology.tables.revive()

    def _draw(self, stopping: threading.Event) -> None:
        if self._copied_ns is None:
            self._take_copy()
        elif self._has_moved_twice():
            self._restore_older(stopping)
            return
        kinds = [self.tables_frozen, self.tables_frozen, self.database_killed, self.database_killed]
        kinds += [self.database_failed_over, self.database_failed_over]
        if HAS_LIMITS:
            kinds.append(self.disk_full)
        self._chance.choice(kinds)(stopping)

    def tables_frozen(self, stopping: threading.Event) -> None:
        """Let Table Storage be silent for a while, losing nothing."""
        with self._told.fault("Table Storage frozen", "azurite"):
            self._topology.tables.freeze()
            stopping.wait(self._chance.uniform(0.5, 4.0))
            self._topology.tables.thaw()

    def database_killed(self, _: threading.Event) -> None:
        """Kill PostgreSQL and start it again at once."""
        self._told.once("PostgreSQL killed and restarted", "postgres")
        self._topology.database.restart_killed()

    def disk_full(self, stopping: threading.Event) -> None:
        """Let PostgreSQL find its disk full."""
        self._topology.database.fill_disk()
        with self._told.fault("disk of PostgreSQL full", "postgres"):
            stopping.wait(self._chance.uniform(0.5, 3.0))
            self._topology.database.free_disk()

    def database_failed_over(self, stopping: threading.Event) -> None:
        """Let PostgreSQL go on from a standby that lags behind."""
        database = self._topology.database
        if not database.has_standby:
            database.renew_standby(self._topology.replication_port)
            return
        try:
            since_ns = database.let_standby_lag()
        except (NotReady, psycopg.Error):
            database.renew_standby(self._topology.replication_port)
            return
        lag_s = self._chance.uniform(0.3, 3.0)
        with self._told.fault("PostgreSQL failed over to a lagging standby", "postgres", lag_s=round(lag_s, 1)):
            stopping.wait(lag_s)
            until_ns = database.fail_over()
        self._told.record.note("data_loss", store="database", since_ns=since_ns, until_ns=until_ns)
        again = sum(load.send_again(since_ns) for load in self._loads)
        self._told.say(f"         {again} tasks are queued again under their keys")
        database.renew_standby(self._topology.replication_port)
        self._settled()

    def _take_copy(self) -> None:
        with self._told.fault("Table Storage restarted", "azurite"):
            self._copied_ns = self._topology.tables.copy()

    def _has_moved_twice(self) -> bool:
        """Whether an environment was handed over and back since the copy, so that the copy is certainly older."""
        assert self._copied_ns is not None
        with self._tally.lock:
            since = [done.environment for done in self._tally.hand_overs if done.asked_ns > self._copied_ns]
        return any(since.count(environment) >= 2 for environment in since)

    def _restore_older(self, stopping: threading.Event) -> None:
        since_ns, self._copied_ns = self._copied_ns, None
        # Other faults make room: an unreachable store may be worked without, a regressed one must not be.
        with self._patience.alone():
            self._patience.hold(REFUSES_FOR_S)
            with self._told.fault("Table Storage restored older", "azurite"):
                self._topology.tables.restore()
            self._told.record.note("data_loss", store="tables", since_ns=since_ns, until_ns=time.monotonic_ns())
            stopping.wait(REFUSES_FOR_S)
            self._settled()

    def _settled(self) -> None:
        """Wait until no store is behind the other, so that the next loss does not meet the first."""
        gives_up_at_s = time.monotonic() + SETTLES_WITHIN_S
        while time.monotonic() < gives_up_at_s:
            health = self._api.get("admin/gateway-health")
            if health and all(one["authority"] == "ok" and one["mirror"] == "raised" for one in health["environments"]):
                return
            time.sleep(LOOK_S)
        self._told.say(f"         the stores still disagree after {SETTLES_WITHIN_S:g} s")
