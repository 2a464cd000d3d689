"""Problem documents: every refusal and every fault as RFC 9457 describes it, with the members operators need.

What a caller did wrong is told in full. What broke behind us is told by its name only: the text of such a fault may
carry host names or statements, so it stays in the log, where the request id finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.domain.faults import CallerFault, MalformedRequest, NotAuthenticated
from shared.domain.operations import Operation
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.domain.tasks import TaskRefusal
from shared.web.problem_rows import INTERNAL, METHOD_NOT_ALLOWED, TASK_REFUSALS, Row, fault_row, refusal_row

ERRORS_PAGE: Final = "/docs/errors"
RETRY_AFTER_S: Final = 5
"""Long enough for a store to come back from a short restart, short enough for somebody who waits."""

_BY_CODE: Final = {code.code: code for code in RefusalCode}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An answer that says no: status, extra headers, and the document (`application/problem+json`)."""

    status: int
    body: Mapping[str, JsonValue]
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_for(
    failure: Refused | TaskRefusal | BaseException, *, instance: str, request_id: str, environment: str | None = None
) -> Problem:
    """Return the problem document of a refusal or a fault; anything unforeseen is a 500 that tells nothing.

    Args:
        instance: Path of the request.
        environment: The environment it was about, where one is known.
    """
    if isinstance(failure, Refused):
        row, special = refusal_row(failure.code), _refusal_members(failure)
    elif isinstance(failure, TaskRefusal):
        row, special = TASK_REFUSALS[failure], {"reason": failure.value}
    else:
        row, special = fault_row(failure), _fault_members(failure)
    common: dict[str, JsonValue] = {"instance": instance, "request_id": request_id}
    if environment is not None and row is not INTERNAL:
        common["environment"] = environment
    return _problem(row, {**special, **common}, headers=_headers(failure, row))


def failed_operation(operation: Operation, *, instance: str, request_id: str) -> Problem:
    """Return the answer to a caller who waited for an operation that failed: its error, and which operation it was."""
    error = operation.error
    code = _BY_CODE.get(str(error.get("code", "")), RefusalCode.STEP_FAULT)
    evidence = error.get("evidence")
    refused = Refused(
        code=code, detail=str(error.get("detail", "")), evidence=evidence if isinstance(evidence, dict) else {}
    )
    members: dict[str, JsonValue] = {
        **_refusal_members(refused),
        "instance": instance,
        "request_id": request_id,
        "environment": operation.request.environment,
        "operation_id": operation.request.id,
    }
    return _problem(refusal_row(code), members)


def method_not_allowed(allowed: tuple[str, ...], *, instance: str, request_id: str) -> Problem:
    """Return the answer to a method that the path does not have."""
    methods = ", ".join(sorted(allowed))
    members: dict[str, JsonValue] = {
        "detail": f"this path takes {methods}",
        "instance": instance,
        "request_id": request_id,
    }
    return _problem(METHOD_NOT_ALLOWED, members, headers={"Allow": methods})


def _problem(row: Row, members: Mapping[str, JsonValue], headers: Mapping[str, str] | None = None) -> Problem:
    body: dict[str, JsonValue] = {
        "type": f"{ERRORS_PAGE}#{row.code}",
        "title": row.title,
        "status": row.status,
        "code": row.code,
        "message": row.title,
        "hint": row.hint,
    }
    if row.runbook:
        body["runbook"] = row.runbook
    return Problem(
        status=row.status, body={**body, **members}, headers={"x-ms-error-code": row.code, **(headers or {})}
    )


def _refusal_members(refusal: Refused) -> dict[str, JsonValue]:
    members: dict[str, JsonValue] = {"detail": refusal.detail} if refusal.detail else {}
    if refusal.evidence:
        members["evidence"] = dict(refusal.evidence)
    return members


def _fault_members(failure: BaseException) -> dict[str, JsonValue]:
    if not isinstance(failure, CallerFault) or isinstance(failure, NotAuthenticated):
        return {}
    text = str(failure)
    members: dict[str, JsonValue] = {"message": text, "detail": text} if text else {}
    if isinstance(failure, MalformedRequest):
        members["errors"] = [{"pointer": pointer, "message": message} for pointer, message in failure.problems]
    return members


def _headers(failure: object, row: Row) -> dict[str, str]:
    if isinstance(failure, NotAuthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_S)} if row.status == 503 else {}
