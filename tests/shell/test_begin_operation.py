"""The long form over HTTP: always 202 with the operation, one operation per key, a dry run that begins nothing."""

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.web.routes import ADMIN, AGENT, OPERATE, READ
from tests.shell.calling import ORIGIN, Answer, Shell, opened
from tests.unit.steps.acting import everything

BODY = {"type": "failover", "reason": "region is gone", "ticket": "INC-1"}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    return opened(World().with_failed_primary(), monkeypatch).signed_in("first", ADMIN)


def begin(shell: Shell, body: object = BODY, *, key: str = "", **path: str) -> Answer:
    headers = {"idempotency-key": key} if key else {}
    return shell.post("begin_operation", body, headers=headers, **{"environment": "PRO", **path})


def test_an_operation_is_begun_and_answered_at_once(shell: Shell) -> None:
    answer = begin(shell)
    assert (answer.status, answer.body["status"]) == (202, "running")
    assert answer.headers["Operation-Location"] == f"{ORIGIN}/api/v1/admin/operations/{answer.body['id']}"
    assert answer.headers["Retry-After"] == "2"
    assert (answer.body["reason"], answer.body["created_by"]) == ("region is gone (INC-1)", "name of first (first)")
    assert [request.id for request in shell.started] == [answer.body["id"]]
    assert shell.started[0].requester_id == "first"


def test_the_same_key_answers_with_the_same_operation_also_after_its_end(shell: Shell) -> None:
    first = begin(shell, key="key-1")
    run_operation(shell.world.ports, shell.started[0], sleep=shell.world.pass_time)
    before = everything(shell.world)

    again = begin(shell, key='"key-1"')

    assert (again.status, again.body["id"], again.body["status"]) == (202, first.body["id"], "succeeded")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(shell.started) == 1
    assert everything(shell.world) == before


@pytest.mark.parametrize("changed", [{"reason": "another"}, {"type": "failback"}])
def test_the_same_key_with_another_body_is_refused(shell: Shell, changed: dict[str, str]) -> None:
    begin(shell, key="key-1")
    before = everything(shell.world)
    answer = begin(shell, {**BODY, **changed}, key="key-1")
    assert (answer.status, answer.code) == (422, "IdempotencyKeyReused")
    assert everything(shell.world) == before


def test_a_second_caller_joins_the_operation_that_runs(shell: Shell) -> None:
    first = begin(shell)
    joined = begin(shell.signed_in("second", ADMIN))
    assert (joined.status, joined.body["id"]) == (202, first.body["id"])


@pytest.mark.parametrize(("kind", "code"), [("failover", "DrAlreadyActive"), ("failback", "PrimaryNotRecovered")])
def test_what_cannot_be_begun_is_a_conflict(shell: Shell, kind: str, code: str) -> None:
    begin(shell)
    run_operation(shell.world.ports, shell.started[0], sleep=shell.world.pass_time)
    answer = begin(shell, {"type": kind})
    assert (answer.status, answer.code) == (409, code)


@pytest.mark.parametrize("key", ["", "key-1"])
def test_a_dry_run_answers_the_plan_and_begins_nothing(shell: Shell, key: str) -> None:
    before = everything(shell.world)
    answer = begin(shell, query_dry_run="true", key=key)
    assert (answer.status, answer.body["outcome"], answer.body["refusal"]) == (200, "allowed", None)
    assert answer.body["steps"][1] == {
        "id": "start_dr_cluster", "runbook": "1.2", "would": "start the cluster and wait up to 900 s",
        "point_of_no_return": False,
    }  # fmt: skip
    assert answer.body["evidence"]["primary"]["activation_status"] == "failed"
    assert everything(shell.world) == before
    assert shell.started == []


def test_a_dry_run_of_what_would_be_refused_says_why(shell: Shell) -> None:
    shell.world.primary.boot()
    shell.world.primary.beat()
    before = everything(shell.world)
    answer = begin(shell, query_dry_run="true")
    assert (answer.status, answer.body["outcome"]) == (200, "refused")
    assert answer.body["refusal"]["code"] == "PrimaryNotFailed"
    assert everything(shell.world) == before


@pytest.mark.parametrize("body", [{}, {"type": "stop_dr_cluster"}, {"type": "drill"}, {**BODY, "forced": True}])
def test_a_body_that_is_not_understood_begins_nothing(shell: Shell, body: dict[str, object]) -> None:
    before = everything(shell.world)
    answer = begin(shell, body)
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert everything(shell.world) == before


@pytest.mark.parametrize("word", ["yes", "1", "True", ""])
def test_a_dry_run_that_is_not_understood_begins_nothing(shell: Shell, word: str) -> None:
    before = everything(shell.world)
    assert begin(shell, query_dry_run=word).status == 400
    assert everything(shell.world) == before


@pytest.mark.parametrize("role", [READ, OPERATE, AGENT])
def test_only_an_administrator_begins_operations(shell: Shell, role: str) -> None:
    before = everything(shell.world)
    assert begin(shell.signed_in("first", role)).status == 403
    assert everything(shell.world) == before
