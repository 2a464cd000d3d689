"""Bring the mirror up to the authority: the only code that raises the fence in PostgreSQL."""

from dataclasses import replace
from typing import Final

from shared.adapters.named_sql import load
from shared.adapters.postgres import Connection, Database
from shared.adapters.postgres_gateways import copy_statuses
from shared.adapters.postgres_rows import read_mirror, read_moment
from shared.domain.faults import InvariantViolation
from shared.domain.guard import (
    Mirror,
    Present,
    Sync,
    SyncOutcome,
    decide_sync,
    not_before_at_raise,
    not_before_on_new_timeline,
)
from shared.domain.locks import EnvironmentLock
from shared.domain.policy import Policy
from shared.domain.tasks import TaskStatus
from shared.ports import ReadAuthority

_FENCE: Final = load("fence")
_TASKS: Final = load("tasks")


class MirrorSync:
    """Brings mirrors up to date, one transaction each."""

    def __init__(self, database: Database, *, policy: Policy) -> None:
        self._database = database
        self._policy = policy

    def run(self, environment: str, read_authority: ReadAuthority) -> Sync:
        """Return what became of the environment's mirror. Raises DatabaseUnavailable, OutcomeUnknown."""
        return self._database.run(lambda connection: self._sync(connection, environment, read_authority))

    def _sync(self, connection: Connection, environment: str, read_authority: ReadAuthority) -> Sync:
        mirror = _locked_mirror(connection, environment)
        authority = read_authority()  # after the lock, so that two syncs end in the order in which they read
        outcome = decide_sync(mirror, authority)
        match authority:
            case Present(lock) if outcome is SyncOutcome.RAISED:
                return self._raise(connection, mirror, lock)
            case Present(lock) if outcome is SyncOutcome.CURRENT and mirror is not None:
                return self._confirm(connection, mirror, lock)
            case _:
                connection.rollback()
                return Sync(outcome=outcome, mirror=mirror)

    def _raise(self, connection: Connection, mirror: Mirror | None, lock: EnvironmentLock) -> Sync:
        """Raise the fence to the lock's token, and take from older tokens what they still run."""
        moment = read_moment(connection)
        not_before = not_before_at_raise(mirror, lock, timeline=moment.timeline, now=moment.now, policy=self._policy)
        raised = Mirror(
            environment=lock.environment,
            token=lock.token,
            holder=lock.holder,
            lease_until=None,
            not_before=not_before,
            validated_timeline=moment.timeline,
        )
        statement = _FENCE["insert_fence"] if mirror is None else _FENCE["raise_fence"]
        if connection.execute(statement, _parameters(raised)).rowcount != 1:
            raise InvariantViolation(f"the fence of {lock.environment} changed under its lock")
        copy_statuses(connection, lock)
        left = connection.execute(_TASKS["hand_back_lost_tasks"], _parameters(raised)).fetchall()
        statuses = [TaskStatus(row["status"]) for row in left]
        return Sync(
            outcome=SyncOutcome.RAISED,
            mirror=raised,
            requeued=statuses.count(TaskStatus.PENDING),
            in_doubt=statuses.count(TaskStatus.IN_DOUBT),
            failed=statuses.count(TaskStatus.FAILED),
        )

    def _confirm(self, connection: Connection, mirror: Mirror, lock: EnvironmentLock) -> Sync:
        """Keep token and holder; validate a new timeline, and copy the statuses, which change without a new token."""
        moment = read_moment(connection)
        confirmed = mirror
        if mirror.validated_timeline != moment.timeline:
            unseen = not_before_on_new_timeline(mirror, now=moment.now, policy=self._policy)
            confirmed = replace(mirror, validated_timeline=moment.timeline, not_before=unseen)
            connection.execute(_FENCE["validate_timeline"], _parameters(confirmed))
        copy_statuses(connection, lock)
        return Sync(outcome=SyncOutcome.CURRENT, mirror=confirmed)


def _locked_mirror(connection: Connection, environment: str) -> Mirror | None:
    """Return the mirror, locked for a raise; where there is none, nobody else can insert it meanwhile."""
    mirror = read_mirror(connection, _FENCE["lock_fence_for_raise"], environment)
    if mirror is None:
        connection.execute(_FENCE["lock_missing_fence"], {"environment": environment})
        # Whoever had that lock before us may have inserted the row.
        mirror = read_mirror(connection, _FENCE["lock_fence_for_raise"], environment)
    return mirror


def _parameters(mirror: Mirror) -> dict[str, object]:
    return {
        "environment": mirror.environment,
        "token": mirror.token,
        "holder": mirror.holder,
        "not_before": mirror.not_before,
        "timeline": mirror.validated_timeline,
    }
