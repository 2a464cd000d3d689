"""Waits for a second administrator, before anything of the operation is carried out."""

from datetime import timedelta
from typing import Final

from shared.domain.answers import approval_ends_at
from shared.domain.events import EventType
from shared.domain.operations import OperationRequest
from shared.domain.refusals import RefusalCode
from shared.flows.commands import StepResult
from shared.ports import Ports
from shared.steps.answer_operation import note_approval
from shared.steps.context import StepContext
from shared.steps.timeline import tell

GRACE_RETRIES: Final = 2
"""An approval that was decided in time may still be on its way to the store: so many `retry_s` it is waited for."""


def await_approval(context: StepContext) -> StepResult:
    """Done when the lock says that the operation was approved; it ends as failed when nobody did in time."""
    running, policy = context.lock.value.operation or context.request, context.ports.policy
    if running.approval is not None:
        note_approval(context.ports, context.lock.value)
        return context.done(f"approved by {running.approval.by}")
    ends_at = approval_ends_at(running, policy)
    if context.now >= ends_at + timedelta(seconds=GRACE_RETRIES * policy.retry_s):
        return context.failed(RefusalCode.APPROVAL_EXPIRED, f"it could be approved until {ends_at.isoformat()}")
    if "since" not in context.args:
        _tell_waiting(context.ports, running, ends_at.isoformat())
    detail = f"another administrator than {running.requested_by} may approve until {ends_at.isoformat()}"
    return context.waiting(detail, retry_after_s=policy.gateway_poll_s)


def _tell_waiting(ports: Ports, running: OperationRequest, ends_at: str) -> None:
    tell(
        ports, running.environment, event_id=f"{running.id}/waiting", type=EventType.OPERATION_WAITING_APPROVAL,
        subject=running.id,
        data={
            "operation": running.kind.value, "requested_by": running.requested_by, "reason": running.reason,
            "ends_at": ends_at,
        },
    )  # fmt: skip
