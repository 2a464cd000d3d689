"""Connections to PostgreSQL with bounded waits, and transactions whose outcome is named.

A transaction either committed, or did not (DatabaseUnavailable), or nobody can tell (OutcomeUnknown).
"""

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
import stamina
from psycopg import errors
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from shared.adapters.named_sql import load
from shared.adapters.postgres_schema import AppliedMigration, schema_fault, shipped_migrations
from shared.domain.faults import (
    ControlPlaneFault,
    DatabaseUnavailable,
    InvariantViolation,
    MalformedRequest,
    OutcomeUnknown,
)
from shared.domain.policy import Policy
from shared.domain.preflight import Replication

Row: TypeAlias = dict[str, Any]  # a result row by column name
Connection: TypeAlias = psycopg.Connection[Row]
T = TypeVar("T")

CONNECT_TIMEOUT_S: Final = 2  # the least libpq honours
POOL_SLICE_S: Final = 0.5  # how long a caller waits at a time before it asks whether PostgreSQL is there at all
LOCK_SHARE: Final = 0.8  # of the limit: a wait for a lock ends before its statement is broken off, and says so
ATTEMPTS: Final = 5  # of a transaction that PostgreSQL gave up in favour of another

_SQL: Final = load("connection")
_GIVEN_UP: Final = (errors.SerializationFailure, errors.DeadlockDetected)


class Database:
    """A lazily opened pool of connections to one database. Close it at the end."""

    def __init__(self, url: str, *, policy: Policy, pool_size: int, password: Callable[[], str] | None = None) -> None:
        """Prepare, connect to nothing. `policy.guarded_transaction_s` bounds every wait inside a session.

        `password` is asked for each new connection; without it the URL's own counts.
        """
        self._longest_s = policy.guarded_transaction_s
        self._migrations = shipped_migrations()
        self._schema_is_known = False
        self._is_refused = False  # the newest attempt to connect failed
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            kwargs=lambda: _connection_options(self._longest_s, password),
            min_size=0,
            max_size=pool_size,
            open=False,
            configure=self._on_connected,
            check=self._check,
            reconnect_timeout=0,
            reconnect_failed=self._on_refused,
            name="control-plane",
        )

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, committed in one READ COMMITTED transaction.

        A transaction lost to a deadlock or a serialization failure (40P01, 40001) is run again, so `work` must have
        no other effects. The schema is checked before the first transaction.

        Raises:
            DatabaseUnavailable: Nothing was committed.
            OutcomeUnknown: The answer to COMMIT was lost; repeat the call, it is idempotent.
        """
        if not self._schema_is_known:
            self.require_schema()
        return self._run(work)

    def require_schema(self) -> None:
        """Raise DatabaseUnavailable unless the database has the schema this release was written for."""
        fault = schema_fault(self._run(_applied_migrations), self._migrations)
        self._schema_is_known = fault is None
        if fault is not None:
            raise DatabaseUnavailable(fault)

    def ping(self) -> None:
        """Raise DatabaseUnavailable unless PostgreSQL answers, can be written and has the right schema."""
        if not self._run(_is_writable):
            raise DatabaseUnavailable("PostgreSQL answers but is read-only: a standby, or a failover is under way")
        self.require_schema()

    def replication(self) -> Replication:
        """Return how the servers stand to each other. Raises DatabaseUnavailable."""
        row = self._run(lambda connection: connection.execute(_SQL["replication"]).fetchone())
        if row is None:
            raise DatabaseUnavailable("PostgreSQL said nothing about its replicas")
        lag_s = None if row["lag_s"] is None else float(row["lag_s"])
        return Replication(is_standby=row["is_standby"], replicas=row["replicas"], lag_s=lag_s)

    def close(self) -> None:
        """Close all connections; the database cannot be used afterwards."""
        self._pool.close()

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            self._pool.open()
            for attempt in stamina.retry_context(
                on=_GIVEN_UP, attempts=ATTEMPTS, timeout=None, wait_initial=0.01, wait_max=0.2, wait_jitter=0.05
            ):
                with attempt:
                    return self._once(work)
        except psycopg.Error as fault:
            raise _as_fault(fault) from fault
        raise InvariantViolation("a retried transaction neither ended nor failed")

    def _once(self, work: Callable[[Connection], T]) -> T:
        connection = self._borrow()
        try:
            with connection:
                answer = work(connection)
                _commit(connection)
                return answer
        finally:
            self._pool.putconn(connection)

    def _borrow(self) -> Connection:
        """Return a live connection; wait for one no longer than the transactions ahead may take."""
        for _ in range(math.ceil(self._longest_s / POOL_SLICE_S)):
            try:
                return self._pool.getconn(POOL_SLICE_S)
            except PoolTimeout:
                if self._is_refused:
                    break
        raise DatabaseUnavailable("PostgreSQL did not answer" if self._is_refused else "all connections are in use")

    def _on_connected(self, connection: Connection) -> None:
        limits = {
            "longest_ms": str(round(self._longest_s * 1000)),
            "lock_ms": str(round(self._longest_s * 1000 * LOCK_SHARE)),
        }
        connection.execute(_SQL["limit_session"], limits)
        connection.commit()
        self._is_refused = False

    def _on_refused(self, _: ConnectionPool[Connection]) -> None:
        self._is_refused = True

    def _check(self, connection: Connection) -> None:
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            self._pool.drain()  # its neighbours date from before the same outage
            raise


def _connection_options(longest_s: float, password: Callable[[], str] | None) -> dict[str, Any]:
    secret = {"password": password()} if password is not None else {}
    return {
        **secret,
        "row_factory": dict_row,
        "application_name": "mazevault-gateway-dr",
        "connect_timeout": CONNECT_TIMEOUT_S,
        # A server-side time-out cannot end a call whose network swallows packets; these do.
        "tcp_user_timeout": round(max(longest_s, CONNECT_TIMEOUT_S) * 1000),
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
    }


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except psycopg.Error as fault:
        # An error that leaves the connection alive is PostgreSQL's own no; without an answer nobody can tell.
        if connection.closed:
            raise OutcomeUnknown("the answer to COMMIT was lost") from fault
        raise


def _as_fault(fault: psycopg.Error) -> ControlPlaneFault:
    """Return the fault of the control plane that tells a caller what to do about an error of PostgreSQL."""
    text = str(fault).strip() or type(fault).__name__
    if isinstance(fault, psycopg.DataError):
        return MalformedRequest(f"PostgreSQL cannot store a value of the request: {text}")
    if isinstance(fault, psycopg.IntegrityError | errors.RaiseException):
        return InvariantViolation(text)
    # The rest is a database that is away, read-only, overloaded, or not the one this release expects.
    return DatabaseUnavailable(text)


def _is_writable(connection: Connection) -> bool:
    row = connection.execute(_SQL["is_writable"]).fetchone()
    return row is not None and bool(row["writable"])


def _applied_migrations(connection: Connection) -> list[AppliedMigration]:
    try:
        rows = connection.execute(_SQL["applied_migrations"]).fetchall()
    except errors.UndefinedTable:
        connection.rollback()
        return []
    return [AppliedMigration.of(row) for row in rows]
