"""A database server in memory: transactions on a copy, one lock per environment, and every way to break it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.faults import DatabaseUnavailable
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway
from shared.domain.guard import Mirror
from shared.domain.policy import Policy
from shared.domain.tasks import Resolution, RotationConfig, Task

FIRST_TIMELINE = "00000001"


def no_fault(_: str) -> None:
    """Let every point pass."""


@dataclass(frozen=True, slots=True)
class QueuedRequest:
    """What an idempotency key first came with, and the task that came of it."""

    config_id: str
    digest: str
    task_id: str


@dataclass(slots=True)
class Rows:
    """What one environment has. A transaction changes its own copy; the records in it never change."""

    fence: Mirror | None = None
    gateways: dict[str, Gateway] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    claims: dict[tuple[str, int], FencingToken] = field(default_factory=dict)  # by task and attempt
    requests: dict[str, QueuedRequest] = field(default_factory=dict)  # by request key
    resolutions: dict[str, Resolution] = field(default_factory=dict)  # the newest, by task

    def copy(self) -> Rows:
        """Return rows that can be changed without changing these."""
        return Rows(
            fence=self.fence,
            gateways=dict(self.gateways),
            tasks=dict(self.tasks),
            claims=dict(self.claims),
            requests=dict(self.requests),
            resolutions=dict(self.resolutions),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseImage:
    """Everything committed at one moment."""

    rows: dict[str, Rows]
    configs: dict[str, RotationConfig]


class MemoryDatabase:
    """The server. Set `down`, `timeline` and `fault` at any time; each takes effect at once.

    `fault(point)` is called at `begin`, `locked` (the fence row is locked), `commit` (nothing is committed yet) and
    `committed` (the answer is about to be sent); it raises to break the transaction there. DatabaseUnavailable
    stands for a lost connection, OutcomeUnknown for a lost answer to COMMIT.
    """

    def __init__(self, *, policy: Policy, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.timeline = FIRST_TIMELINE
        self.down = False
        self.fault: Callable[[str], None] = no_fault
        self._longest_s = policy.guarded_transaction_s
        self._image = DatabaseImage(rows={}, configs={})
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()  # of the three above and of `_started`
        self._started = 0

    def snapshot(self) -> DatabaseImage:
        """Return everything committed so far."""
        with self._guard:
            return _copied(self._image)

    def restore(self, image: DatabaseImage, *, timeline: str) -> None:
        """Fail over to a server that has only `image`; open transactions are lost with the old one."""
        with self._guard:
            self._image = _copied(image)
            self._started += 1
            self.timeline = timeline

    @contextmanager
    def transaction(self, environment: str) -> Iterator[Rows]:
        """Give the environment's rows, locked, to change; they are committed when the block ends without an error.

        Raises DatabaseUnavailable when the server is away, the lock was waited for too long, or the transaction
        lasted too long.
        """
        self.require_up()
        self.fault("begin")
        with self._guard:
            lock = self._locks.setdefault(environment, threading.Lock())
        if not lock.acquire(timeout=self._longest_s):
            raise DatabaseUnavailable(f"the fence of {environment} stayed locked")
        try:
            with self._guard:
                started, found = self._started, self._image.rows.get(environment, Rows())
            rows = found.copy()
            began_at = self.clock()
            self.fault("locked")
            yield rows
            self.require_up()
            if rows == found:
                return  # nothing to commit, hence no answer that could be lost
            self.fault("commit")
            if (self.clock() - began_at).total_seconds() > self._longest_s:
                raise DatabaseUnavailable("the transaction lasted too long")
            self._install(environment, rows, started)
            self.fault("committed")
        finally:
            lock.release()

    def read(self, environment: str) -> Rows:
        """Return the committed rows of an environment; waits for nobody. Not to be changed."""
        self.require_up()
        with self._guard:
            return self._image.rows.get(environment, Rows())

    def environments(self) -> list[str]:
        """Return the environments that have rows."""
        self.require_up()
        with self._guard:
            return sorted(self._image.rows)

    def put_config(self, config: RotationConfig) -> None:
        """Keep a rotation config."""
        self.require_up()
        with self._guard:
            self._image = replace(self._image, configs={**self._image.configs, config.id: config})

    def config(self, config_id: str) -> RotationConfig | None:
        """Return a rotation config, or None."""
        self.require_up()
        with self._guard:
            return self._image.configs.get(config_id)

    def require_up(self) -> None:
        """Raise DatabaseUnavailable while the server is down."""
        if self.down:
            raise DatabaseUnavailable("PostgreSQL did not answer")

    def _install(self, environment: str, rows: Rows, started: int) -> None:
        with self._guard:
            if started != self._started:
                raise DatabaseUnavailable("the connection was lost")
            self._image = replace(self._image, rows={**self._image.rows, environment: rows})


def _copied(image: DatabaseImage) -> DatabaseImage:
    return DatabaseImage(rows={name: rows.copy() for name, rows in image.rows.items()}, configs=dict(image.configs))
