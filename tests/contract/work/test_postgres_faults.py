"""What callers are told when PostgreSQL is slow, stopped, read-only, or loses a connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from devhost.backends.postgres import Postgres
from shared.adapters.postgres import Connection, Database
from shared.domain.faults import DatabaseUnavailable, InvariantViolation, MalformedRequest, OutcomeUnknown
from shared.domain.policy import Policy
from shared.domain.tasks import TaskRefusal, TaskStatus
from shared.ports import LeaseGranted, Reported, TaskReport, WorkRefused
from tests.contract.work.backends import (
    POLICY,
    PRO,
    Authority,
    PostgresBackend,
    caller,
    claimed,
    config,
    granted,
    queue,
    working,
)

QUICK = Policy(guarded_transaction_s=0.5)


@contextmanager
def database(url: str, policy: Policy = QUICK) -> Iterator[Database]:
    opened = Database(url, policy=policy, pool_size=4)
    try:
        yield opened
    finally:
        opened.close()


def wait_until_writable(backend: PostgresBackend) -> None:
    """Return once the server has left recovery, in which it answers reads already."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return backend.store.ping()
        except DatabaseUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def sleeping(connection: Connection) -> None:
    connection.execute("select pg_sleep(5)")


def test_a_statement_that_takes_too_long_is_broken_off(database_url: str) -> None:
    with database(database_url) as opened:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="statement timeout"):
            opened.run(sleeping)
        assert time.monotonic() - began < 2
        opened.ping()


def test_a_caller_stuck_in_its_transaction_loses_the_fence(database_url: str) -> None:
    with PostgresBackend(database_url, QUICK) as backend:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1")
        stuck = Authority(lock=authority.lock, before_read=lambda: time.sleep(1))
        with pytest.raises(DatabaseUnavailable):
            backend.store.claim(who, stuck, limit=1)
        assert backend.store.running_tasks(PRO) == 0
        assert len(claimed(backend.store.claim(who, authority, limit=1))) == 1


def test_a_caller_stuck_in_its_heartbeat_gets_no_lease(database_url: str) -> None:
    with PostgresBackend(database_url, QUICK) as backend:
        authority = granted()
        backend.store.sync_mirror(PRO, authority)
        stuck = Authority(lock=authority.lock, before_read=lambda: time.sleep(1))
        with pytest.raises(DatabaseUnavailable):
            backend.store.extend_lease(caller(), stuck)
        mirror = backend.store.mirror(PRO)
        assert mirror is not None
        assert mirror.lease_until is None


def test_a_transaction_older_than_the_limit_does_not_commit(database_url: str) -> None:
    with PostgresBackend(database_url, QUICK) as backend, psycopg.connect(database_url) as other:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1")
        other.execute("select 1 from environment_fence for update")
        # Each wait is below its own limit; together they are above the limit of the whole.
        slow = Authority(lock=authority.lock, before_read=lambda: time.sleep(0.35))
        with ThreadPoolExecutor(1) as pool:
            claim = pool.submit(backend.store.claim, who, slow, limit=1)
            time.sleep(0.3)
            other.rollback()
            with pytest.raises(DatabaseUnavailable, match="must not commit"):
                claim.result(5)
        assert backend.store.running_tasks(PRO) == 0


def test_a_locked_fence_is_waited_for_only_so_long(database_url: str) -> None:
    with PostgresBackend(database_url, QUICK) as backend, psycopg.connect(database_url) as other:
        authority = granted()
        working(backend.store, authority)
        other.execute("select 1 from environment_fence for share")
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            backend.store.sync_mirror(PRO, authority)


def test_a_lost_connection_before_the_commit_means_nothing_happened(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1")

        def cut() -> None:
            backend.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'maze%'")

        with pytest.raises(DatabaseUnavailable):
            backend.store.claim(who, Authority(lock=authority.lock, before_read=cut), limit=1)
        assert backend.store.running_tasks(PRO) == 0


def test_a_lost_answer_to_commit_is_an_unknown_outcome(database_url: str) -> None:
    with database(database_url) as opened, psycopg.connect(database_url, autocommit=True) as other:

        def write_and_lose(connection: Connection) -> None:
            connection.execute("select 1")
            other.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
            time.sleep(0.1)

        with pytest.raises(OutcomeUnknown):
            opened.run(write_and_lose)
        opened.ping()


def test_a_transaction_given_up_in_a_deadlock_is_run_again(database_url: str) -> None:
    with database(database_url, Policy(guarded_transaction_s=5)) as opened, psycopg.connect(database_url) as admin:
        admin.execute("create table numbered (id int primary key)")
        admin.execute("insert into numbered values (1), (2)")
        admin.execute("alter database " + admin.info.dbname + " set deadlock_timeout = '100ms'")
        admin.commit()
        both = threading.Barrier(2)
        first_try = threading.local()

        def lock_both(order: tuple[int, int]) -> int:
            def work(connection: Connection) -> int:
                connection.execute("select 1 from numbered where id = %s for update", [order[0]])
                if not getattr(first_try, "over", False):
                    first_try.over = True
                    both.wait(5)
                connection.execute("select 1 from numbered where id = %s for update", [order[1]])
                return order[0]

            return opened.run(work)

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(lock_both, [(1, 2), (2, 1)])) == [1, 2]


def test_a_value_postgresql_cannot_keep_is_the_callers_fault(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1")
        claimed(backend.store.claim(who, authority, limit=1))
        odd = TaskReport(task_id="t1", attempt=1, status=TaskStatus.SUCCEEDED, result={"text": "a\0b"})
        with pytest.raises(MalformedRequest):
            backend.store.report(who, authority, odd)
        assert backend.store.running_tasks(PRO) == 1


def test_breaking_a_rule_of_the_schema_is_our_own_fault(database_url: str) -> None:
    with database(database_url) as opened:
        opened.ping()
        with pytest.raises(InvariantViolation):
            opened.run(
                lambda connection: connection.execute(
                    "insert into environment_fence (environment, fencing_token, validated_timeline) values ('X', 0, '')"
                )
            )


@pytest.mark.parametrize("way_down", [Postgres.stop, Postgres.kill])
def test_a_stopped_postgresql_is_reported_quickly_and_used_again_when_it_is_back(
    breakable_postgres: tuple[Postgres, Path], way_down: Callable[[Postgres], None]
) -> None:
    server, _ = breakable_postgres
    with PostgresBackend(server.dsn(), POLICY, pool_size=8) as backend:
        authority = granted()
        who = working(backend.store, authority)
        way_down(server)
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                backend.store.claim(who, authority, limit=1)
            assert time.monotonic() - began < 1.5
        server.start()
        began = time.monotonic()
        backend.store.ping()
        assert backend.store.claim(who, authority, limit=1) == []
        assert time.monotonic() - began < 1


def test_a_restart_between_two_calls_costs_the_second_no_more_than_a_moment(
    breakable_postgres: tuple[Postgres, Path],
) -> None:
    server, _ = breakable_postgres
    with PostgresBackend(server.dsn(), POLICY, pool_size=8) as backend:
        authority = granted()
        who = working(backend.store, authority)
        together = threading.Barrier(8)  # all connections of the pool are open, and go stale together
        meeting = Authority(lock=authority.lock, before_read=lambda: together.wait(5))
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda _: backend.store.claim(who, meeting, limit=1), range(8))) == [[]] * 8
        server.stop()
        server.start()
        began = time.monotonic()
        assert backend.store.claim(who, authority, limit=1) == []
        assert time.monotonic() - began < 0.5


def test_a_promoted_standby_waits_for_a_lease_it_may_have_lost(breakable_postgres: tuple[Postgres, Path]) -> None:
    server, data = breakable_postgres
    with PostgresBackend(server.dsn(), POLICY) as backend:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1")
        claimed(backend.store.claim(who, authority, limit=1))
        before = backend.store.mirror(PRO)
        server.stop()
        with (data / "postgresql.auto.conf").open("a", encoding="ascii") as settings:
            settings.write("restore_command = 'false'\n")
        # Without a primary it answers reads, and stays in recovery.
        (data / "standby.signal").touch()
        server.start()
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            backend.store.ping()
        with pytest.raises(DatabaseUnavailable):
            backend.store.extend_lease(who, authority)
        with pytest.raises(DatabaseUnavailable):
            backend.store.sync_mirror(PRO, authority)
        server.stop()
        # With the end of its log it promotes itself, as a replica does in a failover.
        (data / "standby.signal").unlink()
        (data / "recovery.signal").touch()
        server.start()
        wait_until_writable(backend)
        done = TaskReport(task_id="t1", attempt=1, status=TaskStatus.SUCCEEDED, result={})
        unreachable = Authority(is_reachable=False)
        refused = WorkRefused(TaskRefusal.AUTHORITY_UNREACHABLE)
        assert backend.store.report(who, unreachable, done) == refused
        assert backend.store.report(who, authority, done) == WorkRefused(TaskRefusal.NOT_BEFORE)
        after = backend.store.mirror(PRO)
        assert before is not None
        assert after is not None
        assert int(after.validated_timeline, 16) > int(before.validated_timeline, 16)
        backend.pass_time(POLICY.lease_s + POLICY.server_margin_s + 1)
        assert backend.store.extend_lease(who, unreachable) == LeaseGranted(POLICY.lease_s)
        assert backend.store.report(who, authority, done) is Reported.ACCEPTED
