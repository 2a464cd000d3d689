"""PostgreSQL for a run: the emulator's rows under the run's scheduler, telling of everything that commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from devhost.emulators.memory_database import DatabaseImage, MemoryDatabase, Rows
from devhost.simulation.commits import told
from devhost.simulation.history import DatabaseFailedOver, Event, FenceRaised, LeaseGranted, TaskTakenBack, Wrote
from devhost.simulation.scheduler import Actor
from devhost.simulation.trouble import Trouble
from shared.domain.faults import DatabaseUnavailable
from shared.domain.policy import Policy
from shared.domain.tasks import TaskStatus


@dataclass(slots=True)
class _Hold:
    """One transaction's hold on the fence row of an environment."""

    since_s: float
    taken: bool = False  # the server has ended the transaction and given the row to the next one


@dataclass(slots=True)
class _Row:
    """The fence row of one environment as a lock: who has it, who waits."""

    hold: _Hold | None = None
    waiting: list[Actor] = field(default_factory=list)


class SimulatedDatabase(MemoryDatabase):
    """`MemoryDatabase` whose transactions wait by the scheduler, and die with the server or of old age."""

    def __init__(self, *, policy: Policy, clock: Callable[[], datetime], trouble: Trouble) -> None:
        super().__init__(policy=policy, clock=clock)
        self.fault = trouble.database_point
        self.before_raise: tuple[float, DatabaseImage] | None = None  # when the fence was last raised, and all before
        self._trouble = trouble
        self._scheduler = trouble.scheduler
        self._life_s = policy.guarded_transaction_s
        self._locked_rows: dict[str, _Row] = {}

    def require_up(self) -> None:
        """Raise DatabaseUnavailable while the server is down or out of the host's reach."""
        self._trouble.database_point("ask")
        super().require_up()

    def crash(self) -> None:
        """Go down; open transactions are lost."""
        self.down = True
        self._started += 1
        self._locked_rows.clear()

    def fail_over(self, image: DatabaseImage, timeline: str) -> None:
        """Go on, up, with an older state on a new timeline."""
        self.restore(image, timeline=timeline)
        self._locked_rows.clear()
        self.down = False
        rows = image.rows.values()
        ended = (TaskStatus.SUCCEEDED, TaskStatus.FAILED)
        self._trouble.history.add(
            DatabaseFailedOver(
                at_s=self._scheduler.now_s, timeline=timeline,
                tasks=frozenset(task for one in rows for task in one.tasks),
                claims=frozenset(claim for one in rows for claim in one.claims),
                outcomes=frozenset((t.id, t.attempt) for one in rows for t in one.tasks.values() if t.status in ended),
            )
        )  # fmt: skip

    @contextmanager
    def transaction(self, environment: str) -> Iterator[Rows]:
        """Give the environment's rows, locked, to change; see `MemoryDatabase.transaction`."""
        self.require_up()
        self.fault("begin")
        hold = self._take(environment)
        try:
            started, found = self._started, self._image.rows.get(environment, Rows())
            rows = found.copy()
            self.fault("locked")
            yield rows
            self.require_up()
            self.fault("commit")
            if started != self._started or hold.taken or self._scheduler.now_s - hold.since_s > self._life_s:
                self._trouble.history.reached["transaction ended by the server"] += 1
                raise DatabaseUnavailable("the connection was lost")
            if rows == found:
                return
            if found.fence is not None and rows.fence is not None and rows.fence.token > found.fence.token:
                self.before_raise = self._scheduler.now_s, self.snapshot()
            self._install(environment, rows, started)
            self._tell(found, rows)
            self.fault("committed")
        finally:
            self._release(environment, hold)

    def _tell(self, found: Rows, rows: Rows) -> None:
        actor, history = self._scheduler.current, self._trouble.history
        name = actor.name if actor is not None else ""
        at_s, server_now_s = self._scheduler.now_s, self.clock().timestamp()
        for event in told(found, rows, at_s=at_s, server_now_s=server_now_s, blind=name in self._trouble.blind):
            history.add(event)
            place = _place(event, name)
            if place:
                history.reached[place] += 1
        if actor is not None and actor.asks:
            history.add(Wrote(at_s=at_s, call=name, where="postgresql"))

    def _take(self, environment: str) -> _Hold:
        actor, gives_up_at_s = self._scheduler.current, self._scheduler.now_s + self._life_s
        while True:
            row = self._locked_rows.setdefault(environment, _Row())
            now_s = self._scheduler.now_s
            if row.hold is None or now_s - row.hold.since_s > self._life_s:
                if row.hold is not None:
                    row.hold.taken = True
                row.hold = _Hold(now_s)
                return row.hold
            if now_s >= gives_up_at_s or actor is None:
                raise DatabaseUnavailable(f"the fence of {environment} stayed locked")
            self._trouble.history.reached["transaction waited for the fence row"] += 1
            row.waiting.append(actor)
            frees_itself_s = row.hold.since_s + self._life_s - now_s + 0.001
            self._scheduler.sleep(min(gives_up_at_s - now_s, frees_itself_s))

    def _release(self, environment: str, hold: _Hold) -> None:
        row = self._locked_rows.get(environment)
        if row is None or row.hold is not hold:
            return
        row.hold = None
        waiting, row.waiting = row.waiting, []
        for actor in waiting:
            if not actor.ended and not actor.dead:
                self._scheduler.wake(actor)


def _place(event: Event, actor: str) -> str:
    """Return the place worth reaching that a commit has reached, if any."""
    match event:
        case FenceRaised() if actor.startswith("gw-"):
            return "fence raised by a gateway's request"
        case LeaseGranted(blind=True):
            return "lease without the authority"
        case TaskTakenBack(status=status):
            return f"task taken back: {status}"
    return ""
