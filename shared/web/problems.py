"""Faults and refusals as RFC 9457 problem documents: the one table from what went wrong to status, title and hint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain import faults
from shared.domain.operations import Operation
from shared.domain.refusals import JsonValue, Refused
from shared.domain.tasks import TaskRefusal

RETRY_AFTER_S: Final = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error answer: status, headers and the document."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class FaultRow:
    """How one class of faults is answered."""

    status: int
    title: str
    hint: str
    tells: bool = True  # whether the fault's own text is for the caller


FAULTS: Final[Mapping[type[faults.ControlPlaneFault], FaultRow]] = {
    faults.MalformedRequest: FaultRow(400, "Request is not valid", "Every fault is listed in `errors`."),
    faults.NotAuthenticated: FaultRow(401, "A valid bearer token is required", "Sign in again.", tells=False),
    faults.NotAuthorized: FaultRow(403, "The caller may not do this", "Ask for the role that is named."),
    faults.UnknownEnvironment: FaultRow(404, "Environment does not exist", "Check the spelling; case counts."),
    faults.UnknownGateway: FaultRow(404, "Gateway does not exist", "GET /api/v1/admin/gateways lists them."),
    faults.UnknownOperation: FaultRow(404, "Operation does not exist", "GET /api/v1/admin/operations lists them."),
    faults.UnknownConfig: FaultRow(404, "Rotation config does not exist", "PUT it first."),
    faults.UnknownTask: FaultRow(404, "Task does not exist", "GET the gateway's tasks."),
    faults.CallerFault: FaultRow(400, "Request is not valid", "See the detail."),
    faults.LockStoreUnavailable: FaultRow(
        503, "Table Storage does not answer", "Nothing was decided. Repeat; the present holder works on meanwhile."
    ),
    faults.DatabaseUnavailable: FaultRow(503, "PostgreSQL does not answer", "Nothing was decided. Repeat."),
    faults.ClusterApiUnavailable: FaultRow(503, "Azure Resource Manager does not answer", "Repeat."),
    faults.SigningKeysUnavailable: FaultRow(503, "The token issuer's keys could not be read", "Repeat."),
    faults.OutcomeUnknown: FaultRow(
        503, "A write was not answered", "It may have landed. Look before repeating; repeating is safe."
    ),
    faults.Unavailable: FaultRow(503, "A store does not answer", "Nothing was decided. Repeat."),
    faults.Conflict: FaultRow(409, "State changed since it was read", "Read again and decide anew."),
    faults.InvariantViolation: FaultRow(500, "Unexpected error", "Quote the request id.", tells=False),
    faults.ControlPlaneFault: FaultRow(500, "Unexpected error", "Quote the request id.", tells=False),
}

TASK_REFUSALS: Final[Mapping[TaskRefusal, tuple[str, str]]] = {
    TaskRefusal.NOT_HOLDER: ("NotHolder", "Another gateway, or nobody, holds the environment: stop working."),
    TaskRefusal.STALE_TOKEN: ("StaleFencingToken", "A newer token was granted: stop, and beat to learn where you are."),
    TaskRefusal.HOLDER_FAILED: ("HolderFailed", "Marked failed: beat on time until the control plane trusts it again."),
    TaskRefusal.NOT_BEFORE: ("NotBefore", "The former holder's lease may still run: beat on and try again."),
    TaskRefusal.LEASE_EXPIRED: ("LeaseExpired", "Beat first; work needs a lease."),
    TaskRefusal.DRAINING: ("Draining", "A failback is about to move the lock: finish what runs, claim nothing."),
    TaskRefusal.SUPERSEDED_ATTEMPT: ("SupersededAttempt", "The task was handed on: drop this attempt."),
    TaskRefusal.ALREADY_DONE: ("AlreadyDone", "The task has ended with another result: drop this one."),
    TaskRefusal.AUTHORITY_UNREACHABLE: (
        "AuthorityUnavailable",
        "Table Storage is away and this database is new to us.",
    ),
    TaskRefusal.AUTHORITY_REGRESSED: ("AuthorityRegressed", "The lock lost writes: an operator has to restore it."),
}


def problem_for(
    failure: Refused | TaskRefusal | BaseException, *, instance: str, request_id: str, environment: str | None = None
) -> Problem:
    """Return the problem document of a refusal or a fault; anything unforeseen is a 500 that tells nothing."""
    base: dict[str, JsonValue] = {"instance": instance, "request_id": request_id}
    if environment is not None:
        base["environment"] = environment
    match failure:
        case Refused(code=code, detail=detail, evidence=evidence):
            shown: dict[str, JsonValue] = {"detail": detail, "evidence": dict(evidence)}
            return _problem(409, code.code, code.message, code.hint, {**base, **shown, "runbook": code.runbook})
        case TaskRefusal():
            name, hint = TASK_REFUSALS[failure]
            return _problem(409, name, f"Refused: {failure.value}", hint, {**base, "reason": failure.value})
        case _:
            return _fault(failure, base)


def method_not_allowed(allowed: tuple[str, ...], *, instance: str, request_id: str) -> Problem:
    """Return the answer to a method that the path does not have."""
    methods = ", ".join(allowed)
    members: dict[str, JsonValue] = {"instance": instance, "request_id": request_id}
    return _problem(
        405, "MethodNotAllowed", "Method not allowed", f"This path answers {methods}.", members, {"Allow": methods}
    )


def failed_operation(operation: Operation, *, instance: str, request_id: str) -> Problem:
    """Return the answer to a caller who waited for an operation that failed: its error, and where to read on."""
    error = operation.error
    members: dict[str, JsonValue] = {
        "instance": instance,
        "request_id": request_id,
        "environment": operation.request.environment,
        "operation": operation.request.id,
        **{name: error[name] for name in ("detail", "runbook", "evidence") if name in error},
    }
    code, message = str(error.get("code", "StepFault")), str(error.get("message", "The operation failed"))
    return _problem(409, code, message, str(error.get("hint", "")), members)


def _fault(failure: object, base: dict[str, JsonValue]) -> Problem:
    kinds = type(failure).__mro__
    row = next((FAULTS[kind] for kind in kinds if kind in FAULTS), FAULTS[faults.ControlPlaneFault])
    code = failure.code if isinstance(failure, faults.ControlPlaneFault) else faults.ControlPlaneFault.code
    members = {**base, "detail": str(failure)} if row.tells and str(failure) else base
    headers: dict[str, str] = {}
    if row.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if row.status == 503:
        headers["Retry-After"] = RETRY_AFTER_S
    if isinstance(failure, faults.MalformedRequest):
        members = {
            **members,
            "errors": [{"pointer": pointer, "message": message} for pointer, message in failure.problems],
        }
    return _problem(row.status, code, row.title, row.hint, members, headers)


def _problem(
    status: int, code: str, message: str, hint: str, members: Mapping[str, JsonValue],
    headers: Mapping[str, str] | None = None,
) -> Problem:  # fmt: skip
    body: dict[str, JsonValue] = {
        "type": f"/docs/errors#{code}", "title": message, "status": status, "code": code, "message": message,
        "hint": hint, **members,
    }  # fmt: skip
    return Problem(status=status, headers={"x-ms-error-code": code, **(headers or {})}, body=body)
