"""What callers send about operations: begin one, and answer one that runs."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from shared.domain.operations import OperationKind, Step
from shared.web.requests import Body, FailoverBody, Reason, query_fault


def _begun_by_people(kind: OperationKind) -> OperationKind:
    if kind not in (OperationKind.FAILOVER, OperationKind.FAILBACK):
        raise PydanticCustomError("type", "Must be failover or failback")
    return kind


def _step(value: object) -> object:
    step = next((step for step in Step if step.id == value), None)
    if step is None:
        raise PydanticCustomError("step", "Must be the id of a step, as the operation shows it")
    return step


StepId = Annotated[Step, BeforeValidator(_step), PlainSerializer(lambda step: step.id)]


class OperationBody(FailoverBody):
    """operations: which procedure, and why."""

    type: Annotated[OperationKind, AfterValidator(_begun_by_people)]


class ApproveBody(Body):
    """approve: what convinced the second person; optional."""

    reason: Reason = ""


class CancelBody(Body):
    """cancel: why."""

    reason: Annotated[Reason, Field(min_length=1)]


class SkipBody(Body):
    """skip: which step, and why."""

    step: StepId
    reason: Annotated[Reason, Field(min_length=1)]


class RetryBody(Body):
    """retry: why, and which steps to leave out."""

    reason: Annotated[Reason, Field(min_length=1)]
    skip: Annotated[list[StepId], Field(max_length=len(Step))] = Field(default_factory=list)


def parse_dry_run(query: Mapping[str, str]) -> bool:
    """Return whether only the plan is wanted. Raises MalformedRequest: a word that is not understood begins nothing."""
    text = query.get("dry_run", "false")
    if text not in ("true", "false"):
        raise query_fault("dry_run", "Must be true or false")
    return text == "true"
