"""The fence: guarded transactions and leases over the `environment_fence` row."""

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from shared.adapters.named_sql import load
from shared.adapters.postgres import Connection, Database
from shared.adapters.postgres_rows import of_caller, read_mirror, read_moment
from shared.adapters.postgres_sync import MirrorSync
from shared.domain.faults import DatabaseUnavailable
from shared.domain.guard import (
    Caller,
    Denied,
    Granted,
    GuardDecision,
    GuardSnapshot,
    Mirror,
    Purpose,
    SyncFirst,
    decide_guard,
)
from shared.domain.policy import Policy
from shared.domain.tasks import TaskRefusal
from shared.ports import LeaseGranted, ReadAuthority, WorkRefused

T = TypeVar("T")
Write: TypeAlias = Callable[[Connection, GuardSnapshot], T]
"""What a guarded transaction does once the guard has said yes to the snapshot."""

GUARD_ATTEMPTS: Final = 3  # each but the first follows a sync; the authority cannot change that often in earnest

_SQL: Final = load("fence")
_LOCKS: Final = {
    Purpose.BEAT: _SQL["lock_fence_for_lease"],
    Purpose.CLAIM: _SQL["lock_fence_for_work"],
    Purpose.REPORT: _SQL["lock_fence_for_work"],
}
"""How each purpose locks the fence row. All of them keep a raise waiting; only the lease writes to the row."""


class PostgresFence:
    """Guarded transactions, leases and the mirror."""

    def __init__(self, database: Database, sync: MirrorSync, *, policy: Policy) -> None:
        self._database = database
        self._sync = sync
        self._lease_s = policy.lease_s

    def mirror(self, environment: str) -> Mirror | None:
        """Return the environment's fence row, or None."""
        return self._database.run(lambda connection: read_mirror(connection, _SQL["read_fence"], environment))

    def extend_lease(self, caller: Caller, read_authority: ReadAuthority) -> LeaseGranted | WorkRefused:
        """Grant or extend the holder's lease, before anybody is told about it."""

        def write(connection: Connection, _: GuardSnapshot) -> LeaseGranted | WorkRefused:
            extended = connection.execute(_SQL["extend_lease"], {**of_caller(caller), "lease_s": self._lease_s})
            # The row is locked and was judged; only a clock set back can have taken `not_before` out of reach again.
            return LeaseGranted(self._lease_s) if extended.rowcount == 1 else WorkRefused(TaskRefusal.NOT_BEFORE)

        return self.guarded(caller, Purpose.BEAT, read_authority, write)

    def guarded(
        self, caller: Caller, purpose: Purpose, read_authority: ReadAuthority, write: Write[T]
    ) -> T | WorkRefused:
        """Return what `write` returns, run in a transaction in which the guard said yes; else the refusal.

        A mirror that lags is brought up to date in a transaction of its own, then everything starts over.

        Raises:
            DatabaseUnavailable: PostgreSQL did not answer, or the mirror lagged time and again.
        """
        for _ in range(GUARD_ATTEMPTS):
            outcome = self._database.run(
                lambda connection: _guarded_once(connection, caller, purpose, read_authority, write)
            )
            if outcome is not SyncFirst.SYNC_FIRST:
                return outcome
            self._sync.run(caller.environment, read_authority)
        raise DatabaseUnavailable(f"the mirror of {caller.environment} still lagged after {GUARD_ATTEMPTS} attempts")


def _guarded_once(
    connection: Connection,
    caller: Caller,
    purpose: Purpose,
    read_authority: ReadAuthority,
    write: Write[T],
) -> T | WorkRefused | SyncFirst:
    mirror = read_mirror(connection, _LOCKS[purpose], caller.environment)
    authority = read_authority()  # after the lock: read before it, an old token comes back in (ADR 0003)
    moment = read_moment(connection)  # after both waits: a lease may have run out during them
    snapshot = GuardSnapshot(
        caller=caller, purpose=purpose, mirror=mirror, authority=authority, timeline=moment.timeline, now=moment.now
    )
    decision: GuardDecision = decide_guard(snapshot)
    match decision:
        case Granted():
            return write(connection, snapshot)
        case Denied(reason):
            connection.rollback()
            return WorkRefused(reason)
        case SyncFirst():
            connection.rollback()
            return decision
