"""Breaks what the seed says should break: every access to a store or to Azure asks here first."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from devhost.simulation.history import History, Note
from devhost.simulation.scheduler import Killed, Scheduler
from devhost.simulation.swarm import Swarm
from shared.domain.faults import (
    ClusterApiUnavailable,
    Conflict,
    DatabaseUnavailable,
    LockStoreUnavailable,
    OutcomeUnknown,
)

TABLES, DATABASE = "tables", "database"
DATABASE_POINTS = frozenset({"begin", "locked", "commit", "committed", "ask"})


@dataclass(slots=True)
class Trouble:
    """The faults of one run. `active` is false before the trouble begins and after everything is healed."""

    swarm: Swarm
    scheduler: Scheduler
    history: History
    random: Random
    active: bool = False
    tables_down: bool = False
    cuts: set[tuple[str, str]] = field(default_factory=set)  # host, store it does not reach
    blind: set[str] = field(default_factory=set)  # actors whose newest reading of the lock failed

    def table_point(self, point: str) -> None:
        """Let a table access or a call of Azure pass, wait, or fail."""
        self._take_time()
        if point.startswith("clusters"):
            return self._azure(point)
        after = point.endswith(".after")
        if self.tables_down or self._is_cut(TABLES):
            if after:
                raise OutcomeUnknown(f"{point}: the connection was lost")
            raise LockStoreUnavailable(f"{point}: Table Storage did not answer")
        if not self._may_fail():
            return None
        if not after:
            self._maybe(self.swarm.table_throttled, "Table Storage throttles", LockStoreUnavailable, point)
        if after:
            self._maybe(self.swarm.table_answer_lost, "lost answer of a table write", OutcomeUnknown, point)
            self._maybe(self.swarm.table_conflict, "412 on an own write that was repeated", Conflict, point)
        elif point.endswith(".before"):
            self._maybe(self.swarm.table_lost, "lost request of a table write", OutcomeUnknown, point)
        else:
            self._maybe(self.swarm.table_lost, "table read unanswered", LockStoreUnavailable, point)
        return None

    def database_point(self, point: str) -> None:
        """Let a database access pass, wait, or fail."""
        self._take_time()
        if point in ("begin", "ask") and self._is_cut(DATABASE):
            raise DatabaseUnavailable("PostgreSQL did not answer this host")
        if not self._may_fail():
            return
        if point == "commit" and self.random.random() < self.swarm.slow_transactions:
            self.count("slow transaction")
            self.scheduler.sleep(self.random.uniform(0.5, 5.0))
        if point == "committed":
            self._maybe(self.swarm.database_answer_lost, "lost answer of a commit", OutcomeUnknown, point)
        elif point == "commit":
            self._maybe(self.swarm.database_lost, "lost commit", OutcomeUnknown, point)
        elif point != "ask":
            self._maybe(self.swarm.database_lost, "lost connection to PostgreSQL", DatabaseUnavailable, point)

    def lands_late(self) -> float | None:
        """Return after how many seconds a table write lands whose caller has long given up; None for all others."""
        if self._may_fail() and self.random.random() < self.swarm.table_late:
            self.count("table write that lands late")
            return self.random.choice((self.random.uniform(0, 3), self.random.uniform(3, 120)))
        return None

    def count(self, kind: str, detail: str = "") -> None:
        """Count a fault that is being injected, and leave a note in the trace."""
        self.history.faults[kind] += 1
        current = self.scheduler.current
        who = current.name if current else "world"
        self.history.add(Note(at_s=self.scheduler.now_s, who=who, text=f"FAULT {kind} {detail}".rstrip()))

    def _azure(self, point: str) -> None:
        if self._may_fail():
            if point.endswith(".after"):
                self._maybe(self.swarm.arm_lost, "lost answer of Azure", ClusterApiUnavailable, point)
            else:
                kind = "Azure throttles" if self.random.random() < 0.5 else "Azure does not answer"
                self._maybe(self.swarm.arm_lost, kind, ClusterApiUnavailable, point)

    def _maybe(self, rate: float, kind: str, failure: type[Exception], point: str) -> None:
        if rate and self.random.random() < rate:
            self.count(kind, point)
            raise failure(f"{kind} at {point}")

    def _may_fail(self) -> bool:
        current = self.scheduler.current
        return self.active and current is not None and bool(current.host)

    def _is_cut(self, store: str) -> bool:
        current = self.scheduler.current
        return bool(self.cuts) and current is not None and (current.host, store) in self.cuts

    def _take_time(self) -> None:
        """Pass the turn on, now and then: an access takes time, its host is frozen, or its process dies."""
        actor = self.scheduler.current
        if actor is None:
            return
        if actor.dead:
            raise Killed(actor.name)
        if actor.mortal and self.active and self.random.random() < self.swarm.driver_deaths / 10:
            self.count("process died inside a step")
            raise Killed(actor.name)
        drawn = self.random.random()
        if drawn >= self.swarm.switch_rate:
            if self.active and self.swarm.host_pauses and drawn > 1 - self.swarm.host_pauses:
                self.count("host frozen")
                self.scheduler.sleep(self.random.uniform(3, 25))
            return
        self.scheduler.sleep(self._lasts_s())

    def _lasts_s(self) -> float:
        """Return how long an access takes that takes time: mostly no longer than the others need to get in between."""
        kind = self.random.random()
        if kind < 0.25:
            return 0.0
        return self.random.uniform(0.0, 0.2) if kind < 0.85 else self.random.uniform(0.2, 4.0)
