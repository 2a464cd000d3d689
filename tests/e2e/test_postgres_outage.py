"""PostgreSQL dies during failovers: the lock moves all the same, and nobody works until the mirror has been raised.

A lab of its own, faster than the shared one: its database server is ended as `kill -9` does and started again. In NPR
that happens while the failover runs; in PRO together with the primary, which leaves a task behind in the middle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import psycopg
import pytest

from devhost.backends.postgres import Postgres
from tests.e2e.environment import WITHIN_S, LabEnvironment
from tests.e2e.running_lab import ROOT, expect, running_lab, shown
from tests.e2e.stores import open_stores
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(240)

SPEED = "20"  # faster, and an answer that waits for the dead database is no longer the newest one
ACTIVATED = "DR gateway activated for environment {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What the former holder of an environment was about when it died: its token, and the task it had claimed."""

    gateway: str
    token: str
    task: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What happened, by environment; database rows as they were in the end."""

    left: dict[str, Left]
    answers: dict[str, dict[str, Any]]  # of activate-dr, to callers who waited
    operations: dict[str, dict[str, Any]]
    away: list[httpx2.Response]  # claims and completions under the former tokens, the database being down
    back: list[httpx2.Response]  # the same from the moment it was started again until the new holders had claimed
    locks: dict[str, dict[str, Any]]
    fences: dict[str, dict[str, Any]]
    claims: dict[str, list[dict[str, Any]]]  # every claim ever made, oldest first
    tasks: dict[str, dict[str, Any]]  # by id


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    """The whole story."""
    server = Postgres(tmp_path_factory.mktemp("outage") / "postgres")
    try:
        env = {"DATABASE_URL": server.start()}
        with running_lab(ROOT / ".lab" / "e2e-outage", "--speed", SPEED, env=env) as lab, open_stores(lab) as stores:
            npr, pro = (LabEnvironment(name=name, lab=lab, stores=stores) for name in ("NPR", "PRO"))
            yield story(npr, pro, server)
    finally:
        server.stop()


def story(npr: LabEnvironment, pro: LabEnvironment, server: Postgres) -> Outage:
    """Let it happen. `stores.database` is lost on the way and not used again."""
    left = {"NPR": Left(gateway=npr.primary, token=str(npr.stores.lock("NPR")["token"]), task=None)}
    npr.with_failed_primary()
    begun = expect(npr.activate_dr("?wait=0"), 202)
    left["PRO"] = in_the_middle_of_a_task(pro)
    assert npr.lab.get(f"admin/operations/{begun['id']}")["point_of_no_return_passed"] is False
    server.kill()

    ended = {"NPR": npr.ended(begun["id"])}
    answers = {"NPR": expect(npr.activate_dr(), 200)}
    pro.with_failed_primary()
    answer = pro.activate_dr("?wait=60")
    answers["PRO"] = expect(answer, 200)
    ended["PRO"] = pro.ended(answer.headers["operation-id"])
    away = [refused for one in (npr, pro) for refused in try_to_write(one, left[one.name])]

    back: list[httpx2.Response] = []
    url = server.start()
    with psycopg.connect(npr.lab.facts["database_url"], autocommit=True) as database:
        assert url.rpartition("/")[0] == npr.lab.facts["database_url"].rpartition("/")[0]
        for one in (npr, pro):
            back += until_the_new_holder_claims(one, left[one.name], database)
        return Outage(
            left=left,
            answers=answers,
            operations=ended,
            away=away,
            back=back,
            locks={one.name: one.stores.lock(one.name) for one in (npr, pro)},
            fences={one.name: rows(database, "environment_fence", one.name)[0] for one in (npr, pro)},
            claims={one.name: rows(database, "task_claims", one.name) for one in (npr, pro)},
            tasks={row["id"]: row for one in (npr, pro) for row in rows(database, "tasks", one.name)},
        )


def in_the_middle_of_a_task(pro: LabEnvironment) -> Left:
    """Kill the primary and claim one more task in its name, under the lease that its last heartbeat brought."""
    token = str(pro.stores.lock("PRO")["token"])
    pro.kill(pro.primary)
    assert pro.beat_once(pro.primary, token=token)["lease_seconds"] is not None
    expect(pro.lab.post(f"rotation/configs/{pro.config}/execute"), 200)
    claim = {"environment": "PRO", "fencing_token": token, "limit": 1}
    (task,) = expect(pro.lab.as_gateway(pro.primary, "tasks/claim", claim), 200)["tasks"]
    return Left(gateway=pro.primary, token=token, task=task)


def try_to_write(environment: LabEnvironment, left: Left) -> list[httpx2.Response]:
    """Claim as the former holder under its token, and complete what it had claimed."""
    body = {"environment": environment.name, "fencing_token": left.token}
    answers = [environment.lab.as_gateway(left.gateway, "tasks/claim", {**body, "limit": 1})]
    if left.task is not None:
        done = {**body, "attempt": left.task["attempt"], "status": "succeeded", "result": {"too": "late"}}
        answers.append(environment.lab.as_gateway(left.gateway, f"tasks/{left.task['id']}/complete", done))
    return answers


def until_the_new_holder_claims(
    environment: LabEnvironment, left: Left, database: "psycopg.Connection[tuple[Any, ...]]"
) -> list[httpx2.Response]:
    """Write as the former holder again and again until the new one has done the task that was left, or any."""
    answers: list[httpx2.Response] = []
    token = environment.stores.lock(environment.name)["token"]
    query = "select id from tasks where fencing_token = %s and status = 'succeeded' and (id = %s or %s::text is null)"
    wanted = left.task["id"] if left.task else None

    def claimed() -> bool:
        answers.extend(try_to_write(environment, left))
        return database.execute(query, [token, wanted, wanted]).fetchone() is not None

    eventually(claimed, bool, what=f"{environment.dr} to work under {token}", within_s=WITHIN_S)
    return answers


def rows(database: "psycopg.Connection[tuple[Any, ...]]", table: str, environment: str) -> list[dict[str, Any]]:
    order = {"task_claims": "claimed_at", "tasks": "created_at"}.get(table, "environment")
    found = database.execute(f"select * from {table} where environment = %s order by {order}", [environment])
    names = [column.name for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize("name", ["NPR", "PRO"])
def test_the_failover_completes_with_its_mirror_pending(outage: Outage, name: str) -> None:
    operation, lock = outage.operations[name], outage.locks[name]

    assert operation["status"] == "succeeded", operation
    assert operation["result"]["mirror"] == "pending", operation
    assert operation["result"]["holder"] == lock["holder"] == f"gw-{name.lower()}-dr", operation
    documented = {"message": ACTIVATED.format(name), "fencing_token": str(lock["token"])}
    assert outage.answers[name] == documented, outage.answers
    statuses = {step["id"]: step["status"] for step in operation["steps"]}
    assert statuses.pop("verify_operations") == "skipped", operation
    assert set(statuses.values()) == {"succeeded"}, operation


def test_nobody_writes_while_the_database_is_away(outage: Outage) -> None:
    assert len(outage.away) == 3
    for answer in outage.away:
        assert answer.status_code == 503, shown(answer)
        assert int(answer.headers["retry-after"]) > 0, shown(answer)


def test_no_write_under_a_former_token_succeeds_once_the_database_is_back(outage: Outage) -> None:
    assert outage.back
    for answer in outage.back:
        assert answer.status_code in (409, 503), shown(answer)
    reasons = {answer.json()["reason"] for answer in outage.back if answer.status_code == 409}
    assert reasons, [shown(answer) for answer in outage.back]
    assert reasons <= {"not_holder", "stale_token", "superseded_attempt"}, reasons


@pytest.mark.parametrize("name", ["NPR", "PRO"])
def test_the_mirror_is_raised_before_the_first_claim_under_the_new_token(outage: Outage, name: str) -> None:
    lock, fence, claims = outage.locks[name], outage.fences[name], outage.claims[name]

    assert (fence["fencing_token"], fence["holder"]) == (lock["token"], lock["holder"]), fence
    under_new = [claim for claim in claims if claim["fencing_token"] == lock["token"]]
    assert under_new, claims
    assert fence["raised_at"] < under_new[0]["claimed_at"], (fence, under_new[0])
    late = [one for one in claims if one["fencing_token"] != lock["token"] and one["claimed_at"] >= fence["raised_at"]]
    assert not late, late
    assert {claim["gateway_id"] for claim in under_new} == {lock["holder"]}, under_new


def test_the_task_that_the_dead_primary_had_claimed_is_done_by_the_new_holder(outage: Outage) -> None:
    left = outage.left["PRO"].task
    assert left is not None
    done = outage.tasks[left["id"]]

    assert (done["status"], done["attempt"], done["gateway_id"]) == ("succeeded", left["attempt"] + 1, "gw-pro-dr"), (
        done
    )
    assert done["fencing_token"] == outage.locks["PRO"]["token"], done
    assert done["result"] != {"too": "late"}, done
