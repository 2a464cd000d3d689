"""What callers send, parsed once and strictly: a body of unknown members, loose types or doubtful JSON is refused.

Every fault of a body is reported at once, with its place as a JSON pointer. No body at all means all defaults: the
runbook's `curl -X POST` sends none.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import PydanticCustomError

from shared.domain.environments import Role
from shared.domain.faults import MalformedRequest
from shared.domain.fencing import LARGEST_TOKEN, FencingToken
from shared.domain.tasks import OnLostOwner, Resolution, TaskCursor, TaskStatus
from shared.web.strict_json import NotStrictJson, parse_strict

LARGEST_BODY_BYTES: Final = 64 * 1024
MOST_FAULTS: Final = 50
DEFAULT_WAIT_S: Final = 25.0
LONGEST_WAIT_S: Final = 100.0
"""Below the 230 s after which Azure's load balancer gives up on a request."""
DEFAULT_LIMIT: Final = 100
LARGEST_LIMIT: Final = 500

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_IDEMPOTENCY_KEY: Final = re.compile(r"(?P<quote>\"?)(?P<key>[!#-\[\]-~]{1,128})(?P=quote)")

_CURSOR: Final = re.compile(rf"(?P<us>[0-9]{{1,16}})\.(?P<id>{_ID.pattern})")
_UNIX_START: Final = datetime(1970, 1, 1, tzinfo=UTC)

MODEL = TypeVar("MODEL", bound="Body")


def _token(value: object) -> object:
    """Turn the decimal text into the number; JSON numbers are refused, as many readers round them."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19 and value[0] != "0":
        number = int(value)
        if number <= LARGEST_TOKEN:
            return FencingToken(number)
    raise PydanticCustomError("fencing_token", "Must be a decimal text from 1 to {largest}", {"largest": LARGEST_TOKEN})


def _ended(status: TaskStatus) -> TaskStatus:
    if status not in (TaskStatus.SUCCEEDED, TaskStatus.FAILED):
        raise PydanticCustomError("status", "Must be succeeded or failed")
    return status


Token = Annotated[FencingToken, BeforeValidator(_token)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=32)]
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=128)]
Reason = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]
Checks = Annotated[dict[Name, Line], Field(max_length=32)]
Attempt = Annotated[int, Field(ge=1, le=1_000_000)]


class Body(BaseModel):
    """A request body: strict types, no unknown member, and never changed once parsed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class FailoverBody(Body):
    """activate-dr and failback: why, for the audit; everything is optional. Force is for a failover only."""

    reason: Reason = ""
    ticket: Line = ""
    force: bool = False
    confirm: Line = ""  # the environment's name, typed once more


class DeactivateBody(Body):
    """deactivate: the holder is taken out with `force` and a reason only."""

    force: bool = False
    reason: Reason = ""


class ConfigBody(Body):
    """A rotation config."""

    environment: EnvironmentName
    name: Annotated[Line, Field(min_length=1)]
    on_lost_owner: OnLostOwner = OnLostOwner.REQUEUE
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    payload: dict[str, JsonValue] = Field(default_factory=dict)


class ExecuteBody(Body):
    """execute: why, for the log."""

    reason: Reason = ""


class ResolveBody(Body):
    """resolve: what becomes of a task in doubt, and why."""

    decision: Resolution
    reason: Annotated[Reason, Field(min_length=1)]


class RestoreBody(Body):
    """authority/restore: why, and who is to hold the environment; by default whoever held it last."""

    reason: Annotated[Reason, Field(min_length=1)]
    holder: Name | None = None


class RegisterBody(Body):
    """A gateway registers."""

    environment: EnvironmentName
    role: Role
    boot_id: Name
    region: Line = ""
    version: Line = ""


class HeartbeatBody(Body):
    """A gateway beats. `role` is what it says of itself, right or wrong: a wrong one shows, and is not lost as 400."""

    environment: EnvironmentName
    role: Name
    boot_id: Name
    sequence: Annotated[int, Field(ge=0, le=LARGEST_TOKEN)]
    fencing_token: Token | None = None
    version: Line = ""
    checks: Checks = Field(default_factory=dict)


class ClaimBody(Body):
    """The holder claims up to `limit` tasks."""

    environment: EnvironmentName
    fencing_token: Token
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class ProgressBody(Body):
    """The holder reports progress."""

    environment: EnvironmentName
    fencing_token: Token
    attempt: Attempt
    detail: dict[str, JsonValue] = Field(default_factory=dict)


class CompleteBody(Body):
    """The holder ends a task."""

    environment: EnvironmentName
    fencing_token: Token
    attempt: Attempt
    status: Annotated[TaskStatus, AfterValidator(_ended)]
    result: dict[str, JsonValue] = Field(default_factory=dict)


def parse_body(model: type[MODEL], raw: bytes, *, content_type: str | None) -> MODEL:
    """Return the body; an absent or blank one is `{}`.

    Raises:
        MalformedRequest: Too large, not declared as JSON, not strict JSON (see `strict_json`), or not this model;
            `problems` names every wrong member.
    """
    if len(raw) > LARGEST_BODY_BYTES:
        raise MalformedRequest(f"The body is larger than {LARGEST_BODY_BYTES} bytes")
    if not raw.strip():
        raw = b"{}"
    elif not _is_json(content_type):
        raise MalformedRequest(
            f"Content-Type is {(content_type or 'missing')[:64]}; send application/json "
            "(curl -d sends a form unless told otherwise: add -H 'Content-Type: application/json')"
        )
    try:
        parse_strict(raw)
    except NotStrictJson as fault:
        raise MalformedRequest(f"The body is not acceptable JSON: {fault}", (("", str(fault)),)) from None
    try:
        return model.model_validate_json(raw)
    except ValidationError as fault:
        raise MalformedRequest("Request is not valid", _problems(fault)) from None


def parse_wait(query: Mapping[str, str], *, otherwise_s: float = DEFAULT_WAIT_S) -> float:
    """Return how many seconds the caller waits for what it asks about to happen. Raises MalformedRequest."""
    text = query.get("wait", "")
    if not text:
        return otherwise_s
    whole, _, fraction = text.partition(".")
    digits = text.isascii() and whole.isdigit() and (fraction.isdigit() or "." not in text) and len(text) <= 8
    if not digits or float(text) > LONGEST_WAIT_S:
        raise query_fault("wait", f"Must be a number of seconds from 0 to {LONGEST_WAIT_S:g}")
    return float(text)


def parse_limit(query: Mapping[str, str]) -> int:
    """Return how many entries the caller wants at most. Raises MalformedRequest."""
    text = query.get("limit", "")
    if not text:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LARGEST_LIMIT):
        raise query_fault("limit", f"Must be a whole number from 1 to {LARGEST_LIMIT}")
    return int(text)


def parse_after(query: Mapping[str, str]) -> TaskCursor | None:
    """Return where the page begins: a `next_after` of the page before, or None. Raises MalformedRequest."""
    text = query.get("after", "")
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise query_fault("after", "Must be the next_after of the page before")
    return TaskCursor(created_at=_UNIX_START + timedelta(microseconds=int(found["us"])), id=found["id"])


def cursor_text(cursor: TaskCursor) -> str:
    """Return the cursor as callers carry it: microseconds since 1970, a dot, and the task's id."""
    return f"{(cursor.created_at - _UNIX_START) // timedelta(microseconds=1)}.{cursor.id}"


def digest_of(body: Body) -> str:
    """Return what tells two bodies apart, whichever way they were written."""
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()


def parse_task_status(query: Mapping[str, str]) -> TaskStatus | None:
    """Return the status to filter tasks by, or None for all. Raises MalformedRequest."""
    text = query.get("status", "")
    if not text:
        return None
    status = next((status for status in TaskStatus if status.value == text), None)
    if status is None:
        raise query_fault("status", "Must be one of " + ", ".join(status.value for status in TaskStatus))
    return status


def parse_id(name: str, text: str) -> str:
    """Return an id of the path, such as `parse_id("gateway_id", ...)`; nothing else reaches a store as a key.

    Raises:
        MalformedRequest: It has letters that no id has, or is too long.
    """
    if not _ID.fullmatch(text):
        raise MalformedRequest(f"{name} in the path is not an id", ((name, "Must be letters, digits, dot, dash, _"),))
    return text


def parse_idempotency_key(header: str | None) -> str:
    """Return the value of the Idempotency-Key header, without the quotes it may have; empty when there is none.

    Raises:
        MalformedRequest: Not 1 to 128 printable ASCII letters.
    """
    if header is None:
        return ""
    found = _IDEMPOTENCY_KEY.fullmatch(header)
    if found is None:
        raise MalformedRequest(
            "Idempotency-Key is not valid", (("Idempotency-Key", "Must be 1 to 128 printable ASCII letters"),)
        )
    return found["key"]


def query_fault(name: str, message: str) -> MalformedRequest:
    """Return the fault of one value of the query."""
    return MalformedRequest(f"Query parameter {name} is not valid", ((f"?{name}", message),))


def _is_json(content_type: str | None) -> bool:
    media, *parameters = [part.strip().lower() for part in (content_type or "").split(";")]
    return media == "application/json" and all(one in ("charset=utf-8", 'charset="utf-8"') for one in parameters)


def _problems(fault: ValidationError) -> tuple[tuple[str, str], ...]:
    errors = fault.errors(include_url=False, include_input=False, include_context=False)
    found = [(_pointer(error["loc"]), error["msg"]) for error in errors[:MOST_FAULTS]]
    left = len(errors) - len(found)
    return (*found, ("", f"and {left} more")) if left else tuple(found)


def _pointer(location: tuple[int | str, ...]) -> str:
    """Return the place as a JSON pointer (RFC 6901)."""
    named = (str(part)[:64] for part in location if part != "[key]")  # pydantic's mark for the name of a member
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in named)
