"""Drills and canaries as callers send and get them."""

from datetime import datetime

from pydantic import Field, JsonValue

from shared.domain.canaries import CanaryReport
from shared.domain.drills import DrillSlot, is_overdue
from shared.domain.policy import Policy
from shared.web.requests import Body, EnvironmentName, Reason
from shared.web.responses import Document, timestamp


class DrillBody(Body):
    """drills, and a drill's abort: why, for the audit."""

    reason: Reason = ""


class CanaryBody(Body):
    """How a gateway's canary ended."""

    environment: EnvironmentName
    succeeded: bool
    result: dict[str, JsonValue] = Field(default_factory=dict)

    def report(self, drill_id: str) -> CanaryReport:
        """Return the report the body carries."""
        return CanaryReport(drill_id=drill_id, succeeded=self.succeeded, result=self.result)


def drills_document(environment: str, slot: DrillSlot | None, *, now: datetime, policy: Policy) -> Document:
    """Return the drill that runs, the newest that succeeded, and whether the next one is overdue."""
    running = slot.operation if slot else None
    return {
        "environment": environment,
        "running": {"operation_id": running.id, "phase": slot.phase.value} if slot and running else None,
        "last_operation_id": slot.last_operation_id if slot else None,
        "last_succeeded_at": timestamp(slot.last_succeeded_at) if slot else None,
        "last_stopped_at": timestamp(slot.last_stopped_at) if slot else None,
        "overdue": is_overdue(slot, now=now, policy=policy),
        "max_age_seconds": policy.drill_max_age_s,
    }
