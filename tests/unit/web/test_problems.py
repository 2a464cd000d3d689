"""Every refusal and every fault has one row, and the caller is told neither less nor more than it says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from shared.domain import faults
from shared.domain.operations import OperationKind, OperationRequest, OperationStatus, begin, finished
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import TaskRefusal
from shared.web.problem_rows import FAULTS, TASK_REFUSALS, fault_row, refusal_row
from shared.web.problems import Problem, failed_operation, method_not_allowed, problem_for
from shared.web.token_text import TokenRefused
from tests.unit.web.tokens import NOW

PATH = "/api/v1/admin/failover/PRO/activate-dr"


def told(failure: BaseException | Refused | TaskRefusal, environment: str | None = None) -> Problem:
    return problem_for(failure, instance=PATH, request_id="req-1", environment=environment)


def every_class(kind: type[faults.ControlPlaneFault]) -> Iterator[type[faults.ControlPlaneFault]]:
    for below in kind.__subclasses__():
        if below.__module__ == faults.__name__:
            yield below
            yield from every_class(below)


ABSTRACT = {faults.CallerFault, faults.Unavailable}
CLASSES = [kind for kind in every_class(faults.ControlPlaneFault) if kind not in ABSTRACT]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_of_fault_has_a_row_with_its_code(kind: type[faults.ControlPlaneFault]) -> None:
    assert kind in FAULTS
    expected = "InternalError" if kind is faults.InvariantViolation else kind.code
    assert FAULTS[kind].code == expected


def test_every_refusal_has_a_row() -> None:
    assert set(TASK_REFUSALS) == set(TaskRefusal)
    for code in RefusalCode:
        row = refusal_row(code)
        assert (row.code, row.title, row.hint, row.runbook) == (code.code, code.message, code.hint, code.runbook)


def test_one_code_never_means_two_things() -> None:
    rows = [*FAULTS.values(), *TASK_REFUSALS.values(), *(refusal_row(code) for code in RefusalCode)]
    assert len({(row.code, row.title, row.status) for row in rows}) == len({row.code for row in rows})
    assert all(row.title and row.hint for row in rows)


STATUSES = {
    faults.MalformedRequest: 400,
    faults.NotAuthenticated: 401,
    faults.NotAuthorized: 403,
    faults.IdempotencyKeyReused: 422,
    faults.PreconditionMissing: 428,
    faults.PreconditionFailed: 412,
    faults.UnknownEnvironment: 404,
    faults.UnknownGateway: 404,
    faults.UnknownOperation: 404,
    faults.UnknownConfig: 404,
    faults.UnknownTask: 404,
    faults.UnknownChannel: 404,
    faults.Conflict: 409,
    faults.LockStoreUnavailable: 503,
    faults.DatabaseUnavailable: 503,
    faults.ClusterApiUnavailable: 503,
    faults.SigningKeysUnavailable: 503,
    faults.OutcomeUnknown: 503,
    faults.InvariantViolation: 500,
}


def test_statuses_are_these() -> None:
    assert {kind: row.status for kind, row in FAULTS.items()} == STATUSES
    assert {row.status for row in TASK_REFUSALS.values()} == {409}
    assert {code for code in RefusalCode if refusal_row(code).status != 409} == {RefusalCode.STEP_FAULT}


def test_a_refusal_is_told_with_the_runbooks_words_and_its_evidence() -> None:
    refused = Refused(code=RefusalCode.PRIMARY_NOT_FAILED, detail="last heartbeat 9 s ago", evidence={"age": 9})
    problem = told(refused, "PRO")
    assert problem.status == 409
    assert dict(problem.body) == {
        "type": "/docs/errors#PrimaryNotFailed",
        "title": "Primary is not in failed state",
        "status": 409,
        "code": "PrimaryNotFailed",
        "message": "Primary is not in failed state",
        "detail": "last heartbeat 9 s ago",
        "hint": RefusalCode.PRIMARY_NOT_FAILED.hint,
        "runbook": "3",
        "evidence": {"age": 9},
        "instance": PATH,
        "request_id": "req-1",
        "environment": "PRO",
    }
    assert problem.headers == {"x-ms-error-code": "PrimaryNotFailed"}


@pytest.mark.parametrize("refusal", TaskRefusal)
def test_a_refused_gateway_gets_the_reason(refusal: TaskRefusal) -> None:
    problem = told(refusal)
    assert (problem.status, problem.body["reason"]) == (409, refusal.value)


def test_who_is_not_authenticated_is_told_nothing_but_that() -> None:
    problems = [told(TokenRefused("signature")), told(TokenRefused("expired")), told(faults.NotAuthenticated("x"))]
    assert problems[0] == problems[1] == problems[2]
    assert problems[0].status == 401
    assert problems[0].headers["WWW-Authenticate"] == "Bearer"
    assert "signature" not in json.dumps(dict(problems[0].body))


def test_a_malformed_request_is_told_every_fault() -> None:
    fault = faults.MalformedRequest("Request is not valid", (("/a", "Field required"), ("/b", "Too long")))
    problem = told(fault)
    assert problem.body["errors"] == [
        {"pointer": "/a", "message": "Field required"},
        {"pointer": "/b", "message": "Too long"},
    ]


def test_a_callers_fault_is_told_in_its_own_words() -> None:
    problem = told(faults.UnknownEnvironment("Environment QA does not exist; known: NPR, PRO"))
    assert problem.body["title"] == "Environment does not exist"
    assert problem.body["message"] == "Environment QA does not exist; known: NPR, PRO"


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if issubclass(kind, faults.Unavailable)])
def test_an_outage_says_when_to_ask_again_and_hides_its_text(kind: type[faults.Unavailable]) -> None:
    problem = told(kind("host=db.internal user=mvdr password=secret"), "PRO")
    assert (problem.status, problem.headers["Retry-After"]) == (503, "5")
    assert "internal" not in json.dumps(dict(problem.body))


@pytest.mark.parametrize("failure", [faults.InvariantViolation("token 1"), KeyError("secret"), RecursionError()])
def test_our_own_fault_is_told_by_the_request_id_only(failure: BaseException) -> None:
    problem = told(failure, "PRO")
    assert problem.status == 500
    assert set(problem.body) == {"type", "title", "status", "code", "message", "hint", "instance", "request_id"}
    assert "secret" not in json.dumps(dict(problem.body))


def test_a_new_kind_of_fault_is_told_as_its_nearest_ancestor() -> None:
    class Slow(faults.DatabaseUnavailable):
        """A fault nobody has listed."""

    assert fault_row(Slow()) is FAULTS[faults.DatabaseUnavailable]


def test_a_wrong_method_is_told_the_right_ones() -> None:
    problem = method_not_allowed(("PUT", "GET"), instance=PATH, request_id="req-1")
    assert (problem.status, problem.headers["Allow"]) == (405, "GET, PUT")
    assert problem.body["code"] == "MethodNotAllowed"


def failed(error: Refused | None) -> Problem:
    request = OperationRequest(
        id="PRO-1", kind=OperationKind.FAILOVER, environment="PRO", requested_by="jana", requested_at=NOW
    )
    ended = finished(
        begin(request), status=OperationStatus.FAILED, result={}, error=error.to_json() if error else {}, now=NOW
    )
    return failed_operation(ended, instance=PATH, request_id="req-1")


def test_a_failed_operation_is_told_with_its_error_and_its_id() -> None:
    problem = failed(
        Refused(code=RefusalCode.CLUSTER_START_FAILED, detail="no capacity", evidence={"power": "Stopped"})
    )
    assert (problem.status, problem.body["code"]) == (409, "ClusterStartFailed")
    assert (problem.body["detail"], problem.body["evidence"]) == ("no capacity", {"power": "Stopped"})
    assert (problem.body["operation_id"], problem.body["environment"]) == ("PRO-1", "PRO")


@pytest.mark.parametrize("error", [None, Refused(code=RefusalCode.STEP_FAULT, detail="KeyError")])
def test_an_operation_that_ended_with_our_own_fault_is_an_error_of_ours(error: Refused | None) -> None:
    problem = failed(error)
    assert (problem.status, problem.body["code"], problem.body["operation_id"]) == (500, "StepFault", "PRO-1")
