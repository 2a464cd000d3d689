"""Answers to a running operation over HTTP: who may give them, what they must say, what comes back."""

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.operations import Step
from shared.steps.run_step import run_step
from shared.web.routes import ADMIN, AGENT, OPERATE, READ
from tests.shell.calling import Shell, opened
from tests.unit.steps.acting import begun, everything
from tests.unit.steps.test_two_person import marked


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    return opened(World().with_failed_primary(), monkeypatch).signed_in("second", ADMIN)


def test_an_operation_is_cancelled_and_shows_who_did_and_why(shell: Shell) -> None:
    request = begun(shell.world)

    answer = shell.post("cancel_operation", {"reason": "a false alarm"}, operation_id=request.id)

    assert answer.status == 200
    assert "Idempotent-Replayed" not in answer.headers
    said = answer.body["cancellation"]
    assert (said["by"], said["reason"]) == ("name of second (second)", "a false alarm")
    run_operation(shell.world.ports, request, sleep=shell.world.pass_time)
    again = shell.post("cancel_operation", {"reason": "again"}, operation_id=request.id)
    assert (again.status, again.body["status"], again.headers["Idempotent-Replayed"]) == (200, "cancelled", "true")


def test_cancelling_what_has_moved_is_a_conflict(shell: Shell) -> None:
    request = begun(shell.world)
    run_operation(shell.world.ports, request, sleep=shell.world.pass_time)
    answer = shell.post("cancel_operation", {"reason": "too late"}, operation_id=request.id)
    assert (answer.status, answer.code) == (409, "PastPointOfNoReturn")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": 1}, {"reason": "x", "force": True}])
def test_a_cancellation_needs_a_reason_and_nothing_else(shell: Shell, body: dict[str, object]) -> None:
    request = begun(shell.world)
    before = everything(shell.world)
    answer = shell.post("cancel_operation", body, operation_id=request.id)
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert everything(shell.world) == before


@pytest.mark.parametrize("role", [READ, OPERATE, AGENT])
@pytest.mark.parametrize("function", ["cancel_operation", "approve_operation", "skip_step", "retry_operation"])
def test_only_an_administrator_answers(shell: Shell, function: str, role: str) -> None:
    request = begun(shell.world)
    before = everything(shell.world)
    answer = shell.signed_in("second", role).post(function, {"reason": "mine"}, operation_id=request.id)
    assert (answer.status, answer.code) == (403, "Forbidden")
    assert everything(shell.world) == before


def test_an_operation_that_nobody_knows_is_not_found(shell: Shell) -> None:
    answer = shell.post("cancel_operation", {"reason": "why"}, operation_id="PRO-00000099-a")
    assert (answer.status, answer.code) == (404, "OperationNotFound")


def test_the_runbooks_call_answers_at_once_that_it_waits_and_another_administrator_approves(shell: Shell) -> None:
    marked(shell.world)
    asked = shell.signed_in("first", ADMIN).post("activate_dr", environment="PRO")
    assert (asked.status, asked.body["status"]) == (202, "waiting_approval")
    assert asked.headers["Operation-Location"].endswith(asked.body["id"])
    assert [request.id for request in shell.started] == [asked.body["id"]]
    assert asked.body["steps"][0]["id"] == asked.body["current_step"] == "await_approval"

    before = everything(shell.world)
    own = shell.post("approve_operation", operation_id=asked.body["id"])
    assert (own.status, own.code) == (409, "SelfApproval")
    assert everything(shell.world) == before

    approved = shell.signed_in("second", ADMIN).post("approve_operation", operation_id=asked.body["id"])
    assert (approved.status, approved.body["approval"]["by"]) == (200, "name of second (second)")
    run_operation(shell.world.ports, shell.started[0], sleep=shell.world.pass_time)
    assert shell.world.lock.holder == shell.world.dr.id


def test_a_step_is_skipped_after_the_move_and_shown_with_who_and_why(shell: Shell) -> None:
    request = begun(shell.world)
    body = {"step": "verify_operations", "reason": "no work tonight"}
    early = shell.post("skip_step", body, operation_id=request.id)
    assert (early.status, early.code) == (409, "StepNotSkippable")
    judged = run_step(shell.world.ports, request, Step.LOOK_AGAIN, {})
    run_step(shell.world.ports, request, Step.ACTIVATE_DR, judged.data)

    answer = shell.post("skip_step", body, operation_id=request.id)

    assert answer.status == 200
    said = answer.body["skips"][0]
    assert (said["step"], said["by"], said["reason"]) == (
        "verify_operations", "name of second (second)", "no work tonight",
    )  # fmt: skip
    again = shell.post("skip_step", body, operation_id=request.id)
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("body", [{"step": "dance", "reason": "x"}, {"step": "verify_operations"}, {"reason": "x"}])
def test_a_skip_that_is_not_understood_changes_nothing(shell: Shell, body: dict[str, str]) -> None:
    request = begun(shell.world)
    before = everything(shell.world)
    assert shell.post("skip_step", body, operation_id=request.id).status == 400
    assert everything(shell.world) == before


def test_a_failed_operation_is_retried_once_per_key_and_linked(shell: Shell) -> None:
    world = shell.world
    world.dr_boots = False
    request = begun(world)
    run_operation(world.ports, request, sleep=world.pass_time)
    world.dr_boots = True
    body, key = {"reason": "the pod was fixed", "skip": ["verify_operations"]}, {"idempotency-key": "k1"}

    answer = shell.post("retry_operation", body, headers=key, operation_id=request.id)

    assert (answer.status, answer.body["retry_of"]) == (202, request.id)
    assert answer.headers["Operation-Location"].endswith(answer.body["id"])
    assert [started.id for started in shell.started] == [answer.body["id"]]
    run_operation(world.ports, shell.started[0], sleep=world.pass_time)
    again = shell.post("retry_operation", body, headers=key, operation_id=request.id)
    assert (again.status, again.body["id"], again.body["status"]) == (202, answer.body["id"], "succeeded")
    assert again.headers["Idempotent-Replayed"] == "true"
    other = shell.post("retry_operation", {"reason": "another"}, headers=key, operation_id=request.id)
    assert (other.status, other.code) == (422, "IdempotencyKeyReused")
    done = shell.post("retry_operation", {"reason": "once more"}, operation_id=request.id)
    assert (done.status, done.code) == (409, "DrAlreadyActive")


def test_what_has_not_failed_is_not_retried(shell: Shell) -> None:
    request = begun(shell.world)
    before = everything(shell.world)
    answer = shell.post("retry_operation", {"reason": "hurry"}, operation_id=request.id)
    assert (answer.status, answer.code) == (409, "OperationNotFailed")
    assert everything(shell.world) == before
