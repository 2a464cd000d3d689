"""What the control plane's role may do in PostgreSQL, and what nobody but the migrating role may.

That all of the work store works with so little is shown by the contract tests themselves: they run as this role.
"""

from __future__ import annotations

import re

import psycopg
import pytest

from devhost.backends.postgres import Postgres
from release.migrations import MigrationFailed, apply_grants, expand, is_current
from shared.adapters.named_sql import QUERIES, load
from shared.adapters.postgres_migrate import migrate
from tests.backends_roles import APP, Deployed, run_file, seen_by_all
from tests.contract.work.backends import POLICY, PRO, PostgresBackend, config, granted, queue, working

# The reviewed list: table, verb, and the columns where the verb is not for all of them.
REVIEWED = {
    ("environment_fence", "SELECT"): None,
    ("environment_fence", "INSERT"): None,
    ("environment_fence", "UPDATE"): {
        "fencing_token", "holder", "lease_until", "not_before", "validated_timeline", "raised_at",
    },
    ("gateway_status", "SELECT"): None,
    ("gateway_status", "INSERT"): None,
    ("gateway_status", "UPDATE"): {
        "environment", "role", "tenant_id", "object_id", "region", "version", "registered_at", "activation_status",
    },
    ("rotation_configs", "SELECT"): None,
    ("rotation_configs", "INSERT"): None,
    ("rotation_configs", "UPDATE"): {"environment", "name", "on_lost_owner", "max_attempts", "payload"},
    ("tasks", "SELECT"): None,
    ("tasks", "INSERT"): {"id", "environment", "config_id", "request_key", "payload"},
    ("tasks", "UPDATE"): {
        "status", "attempt", "fencing_token", "gateway_id", "result", "claimed_at", "progressed_at", "completed_at",
    },
    ("task_claims", "SELECT"): None,
    ("task_claims", "INSERT"): None,
    ("task_resolutions", "SELECT"): None,
    ("task_resolutions", "INSERT"): None,
    ("task_requests", "SELECT"): None,
    ("task_requests", "INSERT"): None,
    ("schema_migrations", "SELECT"): None,
}  # fmt: skip

REFUSED = [
    "delete from environment_fence",
    "truncate environment_fence",
    "update environment_fence set environment = 'NPR'",
    "alter table environment_fence disable trigger all",
    "drop trigger fence_never_falls on environment_fence",
    "drop table environment_fence",
    "set session_replication_role = replica",
    "delete from tasks",
    "update tasks set payload = '{}'",
    "update tasks set created_at = now()",
    "insert into tasks (id, environment, config_id, request_key, payload, status) values ('x', 'PRO', 'c', 'k', '{}',"
    " 'running')",
    "update task_claims set gateway_id = 'other'",
    "delete from task_claims",
    "update task_resolutions set resolved_by = 'other'",
    "update task_requests set digest = ''",
    "delete from gateway_status",
    "delete from rotation_configs",
    "insert into schema_migrations (version, phase, name, checksum) values (9, 'pre', 'x', 'x')",
    "update schema_migrations set checksum = ''",
    "create table mine (x integer)",
    "create temporary table mine (x integer)",
    "create function f() returns integer language sql as 'select 1'",
    "create or replace function status_after_loss(attempt integer, on_lost_owner text, max_attempts integer)"
    " returns text language sql immutable as $$ select 'pending' $$",
    "create schema mine",
    "create role mine",
    "set role gateway_dr_owner",
    "copy tasks to program 'cat'",
    "select pg_read_file('postgresql.conf')",
]


def in_use(deployed: Deployed) -> None:
    """Let the control plane's role have a lease and a task."""
    with PostgresBackend(deployed.app_url, POLICY) as backend:
        working(backend.store, granted())
        queue(backend.store, config(), "t1")


def content(deployed: Deployed) -> list[object]:
    tables = sorted({table for table, _ in REVIEWED})
    with psycopg.connect(deployed.admin_url) as connection:
        return [connection.execute(f"select * from {table} order by 1".encode()).fetchall() for table in tables]


@pytest.mark.parametrize("statement", REFUSED)
def test_what_the_control_plane_never_does_is_refused(deployed_database: Deployed, statement: str) -> None:
    in_use(deployed_database)
    before = content(deployed_database)
    with (
        psycopg.connect(deployed_database.app_url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())
    assert content(deployed_database) == before


def test_the_trigger_still_refuses_what_the_grants_cannot(deployed_database: Deployed) -> None:
    in_use(deployed_database)
    with (
        psycopg.connect(deployed_database.app_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="must not fall"),
    ):
        connection.execute("update environment_fence set fencing_token = fencing_token - 1")


def test_the_grants_are_the_reviewed_ones(deployed_database: Deployed) -> None:
    """After a wanted change of a statement: change `infra/sql/grants.sql`, then the list above."""
    with psycopg.connect(deployed_database.admin_url) as connection:
        whole = connection.execute(
            "select table_name, privilege_type from information_schema.table_privileges"
            " where grantee = 'gateway_dr_app'"
        ).fetchall()
        parts = connection.execute(
            "select table_name, privilege_type, column_name from information_schema.column_privileges"
            " where grantee = 'gateway_dr_app'"
        ).fetchall()
    found: dict[tuple[str, str], set[str] | None] = dict.fromkeys(whole)
    for table, verb, column in parts:
        if (columns := found.setdefault((table, verb), set())) is not None:
            columns.add(column)
    assert found == REVIEWED


def test_the_role_is_nobody_in_particular_and_owns_nothing(deployed_database: Deployed) -> None:
    with psycopg.connect(deployed_database.admin_url) as connection:
        rights = connection.execute(
            "select rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles"
            " where rolname in (%s, 'gateway_dr_app', 'gateway_dr_owner', 'id-migrator')",
            [APP],
        ).fetchall()
        owned = connection.execute(
            "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
            " and pg_get_userbyid(relowner) <> 'gateway_dr_owner'"
        ).fetchone()
        open_to_all = connection.execute(
            "select grantee, table_name from information_schema.table_privileges"
            " where grantee = 'PUBLIC' and table_schema = 'public'"
        ).fetchall()
    assert {name: any(powers) for name, *powers in rights} == dict.fromkeys(
        (APP, "gateway_dr_app", "gateway_dr_owner", "id-migrator"), False
    )
    assert owned == (0,)
    assert open_to_all == []


def test_nobody_else_may_call_the_functions_of_the_schema(deployed_database: Deployed) -> None:
    with psycopg.connect(deployed_database.admin_url) as connection:
        callable_by = connection.execute(
            "select proname, has_function_privilege('public', oid, 'execute'),"
            " has_function_privilege('gateway_dr_app', oid, 'execute')"
            " from pg_proc where pronamespace = 'public'::regnamespace order by proname"
        ).fetchall()
    assert callable_by == [
        ("refuse_to_commit_late", False, False),
        ("refuse_to_lower_the_fence", False, False),
        ("status_after_loss", False, True),
    ]


def test_every_verb_of_every_statement_is_granted_and_no_verb_is_granted_for_nothing() -> None:
    """Reads the statements, so that a grant outlives no statement that needed it."""
    statements = [s for path in QUERIES.glob("*.sql") if path.stem != "migrations" for s in load(path.stem).values()]
    written: set[tuple[str, str]] = set()
    for statement in statements:
        inserted = {(table, "INSERT") for table in re.findall(r"insert into (\w+)", statement)}
        replaced = {(table, "UPDATE") for table, _ in inserted if "do update" in statement}
        updated = {(table, "UPDATE") for table in re.findall(r"update (?!of |skip |set )(\w+)\s", statement)}
        written |= (
            inserted | replaced | updated | {(table, "DELETE") for table in re.findall("delete from (\\w+)", statement)}
        )
    assert {key for key in REVIEWED if key[1] != "SELECT"} == written


def test_the_migrating_role_brings_an_empty_database_up_and_the_work_begins(
    deployed_server: Postgres, bare_database_url: str
) -> None:
    assert deployed_server.port
    run_file(bare_database_url, "database.sql")
    deployed, said = seen_by_all(bare_database_url), list[str]()
    assert is_current(deployed.migrator_url, say=said.append) is False
    expand(deployed.migrator_url, say=said.append)
    expand(deployed.migrator_url, say=said.append)
    assert said[-2:] == ["up to date", "grants of gateway_dr_app renewed"]
    assert is_current(deployed.migrator_url, say=said.append) is True
    in_use(deployed)
    with PostgresBackend(deployed.app_url, POLICY) as backend:
        assert backend.store.pending_tasks(PRO) == 1


def test_the_control_planes_role_can_neither_migrate_nor_grant(deployed_database: Deployed) -> None:
    with psycopg.connect(deployed_database.migrator_url) as connection:
        connection.execute("delete from schema_migrations where version > 1")
    with pytest.raises(MigrationFailed, match="permission denied"):
        expand(deployed_database.app_url, say=len)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrate(deployed_database.app_url, say=len)
    with pytest.raises(MigrationFailed):
        apply_grants(deployed_database.app_url)
