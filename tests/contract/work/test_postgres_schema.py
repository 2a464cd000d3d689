"""The schema defends itself, is brought up to date by a command only, and a wrong one is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import psycopg
import pytest

from shared.adapters.named_sql import QUERIES, UnreadableStatements, load, parse
from shared.adapters.postgres_migrate import main, migrate
from shared.adapters.postgres_schema import (
    AppliedMigration,
    Migration,
    Phase,
    UnreadableMigrations,
    schema_fault,
    shipped_migrations,
)
from shared.domain.environments import Role
from shared.domain.faults import DatabaseUnavailable
from shared.domain.guard import SyncOutcome
from shared.domain.tasks import OnLostOwner, status_after_loss
from tests.contract.work.backends import DR, POLICY, PRIMARY, PRO, T0, PostgresBackend, gateway, granted, working

APPLIED = ["0001_pre_fence_and_tasks applied\n", "0002_pre_resolutions_and_requests applied\n"]


def statuses(backend: PostgresBackend) -> dict[str, str]:
    return dict(backend.sql("select gateway_id, activation_status from gateway_status"))


@pytest.mark.parametrize(
    "statement",
    [
        "update environment_fence set fencing_token = 99",
        "update environment_fence set holder = 'gw-pro-dr'",
        "update environment_fence set holder = null",
        "update environment_fence set lease_until = null",
        "update environment_fence set lease_until = lease_until - interval '1 second'",
        "update environment_fence set environment = 'NPR'",
        "delete from environment_fence",
        "truncate environment_fence",
    ],
)
def test_the_fence_refuses_to_fall_whoever_asks(database_url: str, statement: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        working(backend.store, granted())
        before = backend.store.mirror(PRO)
        with pytest.raises(psycopg.errors.RaiseException):
            backend.sql(statement)
        assert backend.store.mirror(PRO) == before


@pytest.mark.parametrize("not_before", ["null", "not_before - interval '1 second'"])
def test_the_wait_for_a_former_lease_cannot_be_cut_short(database_url: str, not_before: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        authority = granted()
        working(backend.store, authority)
        authority.grant(DR, 200)
        backend.store.sync_mirror(PRO, authority)
        with pytest.raises(psycopg.errors.RaiseException):
            backend.sql(f"update environment_fence set not_before = {not_before}")


def test_status_copies_follow_the_lock_and_one_gateway_is_active(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        authority = granted()
        backend.store.copy_gateway(gateway(PRIMARY, Role.PRIMARY))
        backend.store.sync_mirror(PRO, authority)
        backend.store.copy_gateway(gateway(DR, Role.DR_STANDBY))
        assert statuses(backend) == {PRIMARY: "active", DR: "standby"}
        authority.mark_holder_failed()
        assert backend.store.sync_mirror(PRO, authority).outcome is SyncOutcome.CURRENT
        assert statuses(backend) == {PRIMARY: "failed", DR: "standby"}
        backend.store.copy_gateway(gateway(PRIMARY, Role.PRIMARY))
        assert statuses(backend) == {PRIMARY: "failed", DR: "standby"}
        for token, holder in ((200, DR), (300, PRIMARY), (400, DR)):
            authority.grant(holder, token)
            backend.store.sync_mirror(PRO, authority)
            assert {name for name, status in statuses(backend).items() if status == "active"} == {holder}
        with pytest.raises(psycopg.errors.UniqueViolation):
            backend.sql("update gateway_status set activation_status = 'active'")


def test_a_gateway_copied_after_the_raise_gets_the_status_the_mirror_says(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        backend.store.sync_mirror(PRO, granted())
        backend.store.copy_gateway(gateway(PRIMARY, Role.PRIMARY))
        assert statuses(backend) == {PRIMARY: "active"}


def test_sql_and_domain_agree_where_a_lost_task_goes(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        for attempt, kind, most in product(range(1, 5), OnLostOwner, range(1, 5)):
            ((status,),) = backend.sql("select status_after_loss(%s, %s, %s)", attempt, kind.value, most)
            assert status == status_after_loss(attempt=attempt, on_lost_owner=kind, max_attempts=most).value


def test_the_claim_is_served_by_its_own_index_among_many_finished_tasks(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend, psycopg.connect(database_url) as connection:
        connection.execute("insert into rotation_configs values ('c', 'PRO', 'n', 'requeue', 3, '{}')")
        connection.execute(
            "insert into tasks (id, environment, config_id, request_key, payload, status, attempt, fencing_token,"
            " gateway_id, claimed_at, progressed_at, completed_at) select n::text, 'PRO', 'c', n::text, '{}',"
            " 'succeeded', 1, 1, 'g', now(), now(), now() from generate_series(1, 5000) as n"
        )
        connection.execute("analyze tasks")
        connection.commit()
        assert backend.store.pending_tasks(PRO) == 0
        parameters = {"environment": PRO, "limit": 5, "token": 1, "gateway_id": "g"}
        rows = connection.execute("explain " + load("tasks")["claim_tasks"], parameters).fetchall()
        plan = "\n".join(row[0] for row in rows)
        assert "Index Scan using tasks_to_claim" in plan, plan
        assert "Seq Scan on tasks" not in plan, plan


def test_an_unmigrated_database_is_refused_until_it_is_migrated(bare_database_url: str) -> None:
    with PostgresBackend(bare_database_url, POLICY) as backend:
        for call in (backend.store.ping, backend.store.expire_tasks):
            with pytest.raises(DatabaseUnavailable, match=r"lacks 0001_pre_fence_and_tasks.*postgres_migrate"):
                call()
        migrate(bare_database_url, say=len)
        backend.store.ping()
        assert backend.store.expire_tasks() == []


def test_a_database_that_a_later_release_has_contracted_is_refused(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        backend.sql("insert into schema_migrations values (9000, 'pre', 'adds', '')")
        backend.store.ping()
        backend.sql("insert into schema_migrations values (9001, 'post', 'takes_away', '')")
        with pytest.raises(DatabaseUnavailable, match="later release: 9001_post_takes_away"):
            backend.store.ping()


def test_a_missing_post_migration_is_no_fault_and_a_changed_one_is() -> None:
    pre = Migration(version=1, phase=Phase.PRE, name="adds", text="a")
    post = Migration(version=2, phase=Phase.POST, name="takes", text="b")
    row = {"version": 1, "phase": "pre", "name": "adds", "checksum": pre.checksum, "applied_at": T0}
    assert schema_fault([AppliedMigration.of(row)], [pre, post]) is None
    changed = schema_fault([AppliedMigration.of({**row, "checksum": "x"})], [pre, post])
    assert changed == "the database was made with another text of 0001_pre_adds"


def test_migrating_twice_at_once_applies_everything_once(bare_database_url: str) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        for run in [pool.submit(migrate, bare_database_url, say=said.append) for _ in range(4)]:
            run.result(20)
    assert sorted(said) == [*APPLIED, *["up to date\n"] * 3]


def test_the_command_says_what_is_missing_and_what_it_did(
    bare_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"MVDR_DATABASE_URL": bare_database_url}
    assert main(["status"], environ=environ) == 1
    assert capsys.readouterr().out == "".join(APPLIED).replace("applied", "missing")
    assert main([], environ=environ) == 0
    assert capsys.readouterr().out == "".join(APPLIED)
    assert main(["up", "--url", bare_database_url], environ={}) == 0
    assert capsys.readouterr().out == "up to date\n"
    assert main(["status"], environ=environ) == 0
    assert capsys.readouterr().out.startswith("0001_pre_fence_and_tasks applied 20")


def test_the_command_refuses_a_database_made_with_another_text(
    bare_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate(bare_database_url, say=len)
    with psycopg.connect(bare_database_url) as connection:
        connection.execute("update schema_migrations set checksum = 'x'")
    assert main(["up", "--url", bare_database_url], environ={}) == 2
    assert "0001_pre_fence_and_tasks has changed since it was applied" in capsys.readouterr().err


def test_migration_files_are_one_numbered_sequence(tmp_path: Path) -> None:
    assert [migration.version for migration in shipped_migrations()] == [1, 2]
    (tmp_path / "0001_pre_a.sql").write_text("select 1", encoding="utf-8")
    (tmp_path / "0003_post_b.sql").write_text("select 1", encoding="utf-8")
    with pytest.raises(UnreadableMigrations, match="0003_post_b"):
        shipped_migrations(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "-- name: a\nselect 1",
        "-- name: a\n-- purpose\n",
        "-- name: A\n-- purpose\nselect 1",
        "-- name: a\n-- purpose\nselect 1\n-- name: a\n-- purpose\nselect 2",
    ],
)
def test_a_statement_without_name_purpose_or_sql_is_refused(text: str) -> None:
    with pytest.raises(UnreadableStatements):
        parse(text, source="x")


def test_every_statement_file_is_readable() -> None:
    assert parse("-- name: a\n-- Why.\nselect 1\n\n", source="x") == {"a": "select 1"}
    for path in QUERIES.glob("*.sql"):
        assert load(path.stem)
