"""What can go wrong, sorted by whose fault it is; an expected "no" is a `Refused` value instead.

ControlPlaneFault
├── CallerFault          the caller broke the contract; repeating it unchanged cannot help
│   ├── MalformedRequest, NotAuthenticated, NotAuthorized
│   ├── IdempotencyKeyReused, PreconditionMissing, PreconditionFailed
│   └── UnknownEnvironment, UnknownGateway, UnknownOperation, UnknownConfig, UnknownTask,
│       UnknownChannel
├── Unavailable          the world broke; safe to try again
│   └── LockStoreUnavailable, DatabaseUnavailable, ClusterApiUnavailable, SigningKeysUnavailable
├── Conflict             a conditional write met another version
├── OutcomeUnknown       a write may or may not have landed; read back before anything else
└── InvariantViolation   we broke; stop, keep the evidence
"""

from typing import ClassVar


class ControlPlaneFault(Exception):
    """Base of every fault the control plane raises on purpose."""

    code: ClassVar[str] = "InternalError"


class CallerFault(ControlPlaneFault):
    """The caller broke the contract."""


class MalformedRequest(CallerFault):
    """Request is not valid; `problems` lists every fault at once as (pointer, message)."""

    code = "InvalidRequest"

    def __init__(self, message: str, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class NotAuthenticated(CallerFault):
    """A valid bearer token is required."""

    code = "Unauthenticated"


class NotAuthorized(CallerFault):
    """The caller may not do this."""

    code = "Forbidden"


class IdempotencyKeyReused(CallerFault):
    """The idempotency key came with another request before."""

    code = "IdempotencyKeyReused"


class PreconditionMissing(CallerFault):
    """The change must name the version it is a change of."""

    code = "IfMatchRequired"


class PreconditionFailed(CallerFault):
    """What the caller read has changed since."""

    code = "VersionMismatch"


class UnknownEnvironment(CallerFault):
    """The environment does not exist."""

    code = "EnvironmentNotFound"


class UnknownGateway(CallerFault):
    """The gateway does not exist."""

    code = "GatewayNotFound"


class UnknownOperation(CallerFault):
    """The operation does not exist."""

    code = "OperationNotFound"


class UnknownConfig(CallerFault):
    """The rotation config does not exist."""

    code = "ConfigNotFound"


class UnknownTask(CallerFault):
    """The task does not exist."""

    code = "TaskNotFound"


class UnknownChannel(CallerFault):
    """The notification channel does not exist; the text names those that do."""

    code = "ChannelNotFound"


class Unavailable(ControlPlaneFault):
    """Something the control plane depends on did not answer."""

    code = "NotReady"


class LockStoreUnavailable(Unavailable):
    """Table Storage did not answer."""

    code = "AuthorityUnavailable"


class DatabaseUnavailable(Unavailable):
    """PostgreSQL did not answer."""

    code = "DatabaseUnavailable"


class ClusterApiUnavailable(Unavailable):
    """Azure Resource Manager did not answer."""

    code = "AzureUnavailable"


class SigningKeysUnavailable(Unavailable):
    """The token issuer's keys could not be read."""

    code = "SigningKeysUnavailable"


class Conflict(ControlPlaneFault):
    """A conditional write met another version, or the row exists already."""

    code = "StateChanged"


class OutcomeUnknown(Unavailable):
    """A write was sent and its answer was lost: it may have landed."""

    code = "OutcomeUnknown"


class InvariantViolation(ControlPlaneFault):
    """Something that must always hold does not."""

    code = "InvariantViolation"
