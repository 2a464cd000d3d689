"""The one table from what went wrong to what the caller is told: status, code, title, hint and runbook section.

Codes are a contract; titles may improve, except those the runbook quotes, which `RefusalCode` holds word for word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain import faults
from shared.domain.refusals import RefusalCode
from shared.domain.tasks import TaskRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a caller is told about one kind of problem."""

    status: int
    code: str
    title: str
    hint: str
    runbook: str = ""


INTERNAL: Final = Row(
    status=500, code="InternalError", title="Unexpected error", hint="Quote the request id; the log has the rest."
)

METHOD_NOT_ALLOWED: Final = Row(
    status=405, code="MethodNotAllowed", title="Method not allowed", hint="The Allow header names the right ones."
)

_ASK_AGAIN = "Nothing was decided. Ask again after Retry-After seconds."


def _missing(fault: type[faults.CallerFault], what: str, hint: str) -> Row:
    return Row(status=404, code=fault.code, title=f"{what} does not exist", hint=hint)


def _down(fault: type[faults.Unavailable], title: str, hint: str = _ASK_AGAIN) -> Row:
    return Row(status=503, code=fault.code, title=title, hint=hint)


FAULTS: Final[Mapping[type[faults.ControlPlaneFault], Row]] = {
    faults.MalformedRequest: Row(
        status=400,
        code=faults.MalformedRequest.code,
        title="Request is not valid",
        hint="The errors name every member that is wrong.",
    ),
    faults.NotAuthenticated: Row(
        status=401,
        code=faults.NotAuthenticated.code,
        title="A valid bearer token is required",
        hint="Get a new token for this API; the log has the reason under the request id.",
    ),
    faults.NotAuthorized: Row(
        status=403,
        code=faults.NotAuthorized.code,
        title="The caller may not do this",
        hint="App roles are assigned in Entra ID; a token carries them from its next issue on.",
    ),
    faults.IdempotencyKeyReused: Row(
        status=422,
        code=faults.IdempotencyKeyReused.code,
        title="Idempotency-Key was used for another request",
        hint="One key belongs to one request within an environment; make a new key for a new request.",
    ),
    faults.PreconditionMissing: Row(
        status=428,
        code=faults.PreconditionMissing.code,
        title="If-Match is required",
        hint="Read the resource, change it, and send its ETag in If-Match.",
    ),
    faults.PreconditionFailed: Row(
        status=412,
        code=faults.PreconditionFailed.code,
        title="The resource has changed since it was read",
        hint="Read it again and decide anew; nothing was changed.",
    ),
    faults.UnknownEnvironment: _missing(
        faults.UnknownEnvironment, "Environment", "Environments are declared in the settings; names are case-sensitive."
    ),
    faults.UnknownGateway: _missing(
        faults.UnknownGateway, "Gateway", "GET /api/v1/admin/gateways lists the registered gateways."
    ),
    faults.UnknownOperation: _missing(
        faults.UnknownOperation, "Operation", "GET /api/v1/admin/operations lists the newest operations."
    ),
    faults.UnknownConfig: _missing(
        faults.UnknownConfig, "Rotation config", "PUT /api/v1/rotation/configs/{id} creates one."
    ),
    faults.UnknownTask: _missing(
        faults.UnknownTask, "Task", "GET /api/v1/admin/tasks lists the tasks of every environment."
    ),
    faults.UnknownChannel: _missing(
        faults.UnknownChannel, "Notification channel", "GET /api/v1/admin/notifications lists the channels."
    ),
    faults.LockStoreUnavailable: _down(faults.LockStoreUnavailable, "Table Storage did not answer"),
    faults.DatabaseUnavailable: _down(faults.DatabaseUnavailable, "PostgreSQL did not answer"),
    faults.ClusterApiUnavailable: _down(
        faults.ClusterApiUnavailable,
        "Azure Resource Manager did not answer",
        "Nothing was decided. Ask again after Retry-After seconds; check the Azure status page if it lasts.",
    ),
    faults.SigningKeysUnavailable: _down(faults.SigningKeysUnavailable, "The token issuer's keys could not be read"),
    faults.OutcomeUnknown: _down(
        faults.OutcomeUnknown,
        "A write was sent and its answer was lost",
        "It may have landed. Look at the environment before anything else; asking again is safe.",
    ),
    faults.Conflict: Row(
        status=409,
        code=faults.Conflict.code,
        title="State changed since it was read",
        hint="Read it again and decide anew.",
    ),
    faults.InvariantViolation: INTERNAL,
}
"""By the class that is raised; a subclass is told as its nearest listed ancestor."""


def _work(refusal: TaskRefusal, title: str, hint: str) -> Row:
    # The other words for it would not say which of several tokens is stale.
    stale = refusal is TaskRefusal.STALE_TOKEN
    code = "StaleFencingToken" if stale else "".join(word.capitalize() for word in refusal.value.split("_"))
    return Row(status=409, code=code, title=title, hint=hint, runbook="3")


TASK_REFUSALS: Final[Mapping[TaskRefusal, Row]] = {
    row[0]: _work(*row)
    for row in (
        (TaskRefusal.NOT_HOLDER, "This gateway does not hold the environment", "Stop working; keep beating."),
        (
            TaskRefusal.STALE_TOKEN,
            "Fencing token is older than the current one",
            "Stop working; the next heartbeat tells the token, if this gateway holds the environment.",
        ),
        (
            TaskRefusal.HOLDER_FAILED,
            "This gateway is marked failed",
            "Stop working; keep beating. Enough heartbeats on time make the holder active again, under a new token.",
        ),
        (
            TaskRefusal.NOT_BEFORE,
            "The former holder's lease may still run",
            "Keep beating; the first lease comes when the former one is surely over.",
        ),
        (TaskRefusal.LEASE_EXPIRED, "This gateway has no lease", "Beat first; the answer carries the lease."),
        (TaskRefusal.DRAINING, "A failback is about to move the environment", "Finish what is running; claim nothing."),
        (
            TaskRefusal.SUPERSEDED_ATTEMPT,
            "The task was handed on since this attempt claimed it",
            "Drop the work; another attempt owns the task.",
        ),
        (TaskRefusal.ALREADY_DONE, "The task ended with another result", "Drop the work; the first result stands."),
        (
            TaskRefusal.AUTHORITY_UNREACHABLE,
            "The environment lock cannot be read, and this database has not been checked against it",
            "Keep beating; work goes on when Table Storage answers.",
        ),
        (
            TaskRefusal.AUTHORITY_REGRESSED,
            RefusalCode.AUTHORITY_REGRESSED.message,
            RefusalCode.AUTHORITY_REGRESSED.hint,
        ),
    )
}

_NOT_CONFLICTS: Final[Mapping[RefusalCode, int]] = {RefusalCode.STEP_FAULT: 500}


def refusal_row(code: RefusalCode) -> Row:
    """Return the row of a refusal: 409, but for a step that ended with a fault of ours."""
    return Row(
        status=_NOT_CONFLICTS.get(code, 409), code=code.code, title=code.message, hint=code.hint, runbook=code.runbook
    )


def fault_row(failure: BaseException) -> Row:
    """Return the row of the nearest listed class of a fault; anything that is not listed is our own fault."""
    return next((FAULTS[kind] for kind in type(failure).__mro__ if kind in FAULTS), INTERNAL)
