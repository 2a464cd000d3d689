"""The release before this one works on this release's schema, beside this release, as a rolling update needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from shared.adapters.postgres_schema import AppliedMigration, Phase, schema_fault, shipped_migrations
from shared.domain.tasks import Resolution, TaskStatus, TaskVerdict
from shared.ports import TaskResolved
from tests.contract.work.backends import POLICY, PostgresBackend, caller, claimed, config, granted, working
from tests.contract.work.previous_release import (
    ENVIRONMENT,
    HOLDER,
    OTHER,
    PreviousRelease,
    known_versions,
    statements_of,
)

TAKES_AWAY = re.compile(r"\b(drop|rename|alter\s+column|set\s+not\s+null|truncate|delete\s+from|update|revoke)\b")


@pytest.fixture(params=known_versions())
def previous(request: pytest.FixtureRequest, database_url: str) -> Iterator[PreviousRelease]:
    """A session of each release that is kept, on the newest schema."""
    release = PreviousRelease(database_url, request.param)
    yield release
    release.close()


def gateway_row(gateway_id: str, role: str, status: str) -> dict[str, object]:
    return {
        "gateway_id": gateway_id, "environment": ENVIRONMENT, "role": role, "tenant_id": "t", "object_id": "o",
        "region": "westeurope", "version": "1", "registered_at": datetime(2026, 1, 1, tzinfo=UTC),
        "status_if_new": status,
    }  # fmt: skip


def test_every_statement_of_the_previous_release_does_on_this_schema_what_it_did(previous: PreviousRelease) -> None:
    run = previous.run
    assert run("connection.is_writable") == [{"writable": True}]
    assert next(row["version"] for row in run("connection.applied_migrations")) == 1
    previous.put_config("again")
    previous.put_config("hold", on_lost_owner="hold")
    assert run("configs.read_config", config_id="hold")[0]["on_lost_owner"] == "hold"
    assert [len(previous.add_task(*one, key="k")) for one in (("t1", "again"), ("t2", "again"), ("t3", "hold"))] == [
        1, 0, 1,
    ]  # fmt: skip
    assert run("tasks.read_requested_task", config_id="again", request_key="k")[0]["id"] == "t1"
    for gateway in ((HOLDER, "primary", "active"), (OTHER, "dr-standby", "standby")):
        run("gateways.copy_gateway", **gateway_row(*gateway))
    assert run("gateways.read_gateway", gateway_id=HOLDER)[0]["role"] == "primary"
    previous.found_fence(100)
    run("fence.validate_timeline", environment=ENVIRONMENT, token=100, timeline=previous.timeline, not_before=None)
    assert previous.claim(100) == []  # no lease yet
    previous.lease(100)
    tasks = previous.claim(100)
    assert [(task["id"], task["attempt"], task["status"]) for task in tasks] == [
        ("t1", 1, "running"), ("t3", 1, "running"),
    ]  # fmt: skip
    assert previous.report(tasks[0], "running") == [{"id": "t1"}]
    assert run("tasks.expire_tasks", task_timeout_s=30) == []
    assert run("tasks.count_tasks", environment=ENVIRONMENT, status="running") == [{"tasks": 2}]
    assert run("tasks.count_claimed_under", environment=ENVIRONMENT, token=100) == [{"tasks": 2}]
    left = previous.raise_fence(200, OTHER)
    assert sorted(row["status"] for row in left) == ["in_doubt", "pending"]
    assert {row["gateway_id"] for row in run("gateways.lock_statuses", environment=ENVIRONMENT)} == {HOLDER, OTHER}
    for gateway_id, status in ((HOLDER, "standby"), (OTHER, "active")):
        run("gateways.set_status", gateway_id=gateway_id, status=status)
    assert previous.report(tasks[0], "succeeded") == []  # the old token is refused
    previous.lease(200, OTHER)
    (again,) = previous.claim(200, OTHER)
    assert (again["id"], again["attempt"]) == ("t1", 2)
    assert previous.report(again, "succeeded") == [{"id": "t1"}]
    assert run("tasks.read_task", task_id="t1", environment=ENVIRONMENT)[0]["status"] == "succeeded"
    asked: dict[str, object] = {"environment": ENVIRONMENT, "status": None, "limit": 10}
    assert [row["id"] for row in run("tasks.list_tasks", gateway_id=HOLDER, **asked)] == ["t3"]
    assert [row["id"] for row in run("tasks.list_tasks_of_holder", gateway_id=OTHER, **asked)] == ["t1"]
    assert run("fence.read_fence", environment=ENVIRONMENT)[0]["fencing_token"] == 200
    # Migrating is the newest release's; all else was run above.
    assert {name for name in previous.statements if not name.startswith("migrations.")} == previous.ran


def test_the_fence_refuses_to_fall_for_the_previous_release_too(previous: PreviousRelease) -> None:
    previous.found_fence(100)
    assert previous.raise_fence(90, OTHER) == []
    assert previous.run("fence.read_fence", environment=ENVIRONMENT)[0]["fencing_token"] == 100
    with pytest.raises(psycopg.errors.UniqueViolation):
        previous.found_fence(90)


def test_both_releases_share_tasks_claims_and_keys(previous: PreviousRelease, database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        store, authority = backend.store, granted()
        store.put_config(config())
        previous.add_task("old", config().id, key="monday")
        assert store.add_task(config(), task_id="new", idempotency_key="monday").id == "old"
        assert previous.add_task("newer", config().id, key="monday") == []
        who = working(store, authority)
        (task,) = previous.claim(100)
        assert claimed(store.claim(who, authority, limit=1)) == []
        assert previous.report(task, "succeeded") == [{"id": "old"}]


def test_the_previous_release_claims_what_a_person_sent_back_with_this_one(
    previous: PreviousRelease, database_url: str
) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        previous.put_config("hold", on_lost_owner="hold")
        previous.add_task("t1", "hold", key="k")
        working(backend.store, granted())
        assert len(previous.claim(100)) == 1
        backend.pass_time(POLICY.task_timeout_s + 1)
        assert [row["status"] for row in previous.run("tasks.expire_tasks", task_timeout_s=30)] == ["in_doubt"]
        retry = TaskVerdict(resolution=Resolution.RETRY, by="operator", reason="nothing was written")
        answer = backend.store.resolve_task("t1", retry)
        assert isinstance(answer, TaskResolved)
        assert answer.after.status is TaskStatus.PENDING
        working(backend.store, granted())
        (again,) = previous.claim(caller().token)
        assert (again["id"], again["attempt"]) == ("t1", 2)


@pytest.mark.parametrize("version", known_versions())
def test_the_previous_release_starts_on_this_schema(version: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    applied = [
        AppliedMigration(version=m.version, phase=m.phase, name=m.name, checksum=m.checksum, applied_at=now)
        for m in shipped_migrations()
        if m.phase is Phase.PRE
    ]
    assert schema_fault(applied, [m for m in shipped_migrations() if m.version <= version]) is None


def test_a_pre_migration_only_adds() -> None:
    for migration in shipped_migrations()[1:]:
        code = "\n".join(line.partition("--")[0] for line in migration.text.lower().splitlines())
        assert migration.phase is Phase.POST or TAKES_AWAY.search(code) is None, migration.title
        added = re.findall(r"add\s+column[^,;]*not\s+null[^,;]*", code)
        assert all("default" in column for column in added), f"{migration.title}: the former release leaves it out"


def test_the_release_before_every_migration_is_kept() -> None:
    assert known_versions() == [migration.version - 1 for migration in shipped_migrations()[1:]]
    assert all(statements_of(version) for version in known_versions())
