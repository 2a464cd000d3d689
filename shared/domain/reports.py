"""The report of an operation: what was done, by whom and why, how long it took, and what it changed.

Made from the operation's record, its audit entries and the timeline. What these do not tell is None, with the reason;
it is never inferred from something else (ADR 0025).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.audit import AuditEntry
from shared.domain.events import Event, EventType
from shared.domain.operations import Operation, OperationKind
from shared.domain.recovery import Execution, Recovery, execution_of, recovery_of, target_of
from shared.domain.refusals import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who held the environment, under which token (decimal text)."""

    holder: str | None
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack:
    """What became of the former holder's unfinished tasks when the fence was raised."""

    requeued: int
    in_doubt: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was found about an operation. Both lists are oldest first and may be incomplete."""

    operation: Operation
    entries: Sequence[AuditEntry]  # of this operation
    events: Sequence[Event]  # from the beginning of the outage on, those after the operation included
    is_complete: bool  # False: the stores hold more than was looked through
    target_s: float
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An operation, explained. `unknown` names each member that is None although it should be known, and why."""

    operation: Operation
    as_of: datetime
    recovery: Recovery
    target_s: float | None  # None: no failure began the operation
    execution: Execution
    before: Held | None
    after: Held | None
    handed_back: HandedBack | None
    entries: tuple[AuditEntry, ...]
    events: tuple[Event, ...]
    unknown: Mapping[str, str]


def window_start(operation: Operation) -> datetime:
    """Return from when on events belong into the report: the beginning of the outage, else the request."""
    requested_at = operation.request.requested_at
    return min(operation.outage_started_at or requested_at, requested_at)


def report_of(evidence: Evidence) -> Report:
    """Return the report."""
    operation, recovery = evidence.operation, recovery_of(evidence.operation)
    unknown = _unknown_phases(operation)
    before, after = _held(evidence, unknown)
    return Report(
        operation=operation,
        as_of=evidence.now,
        recovery=recovery,
        target_s=target_of(operation, otherwise_s=evidence.target_s),
        execution=execution_of(operation),
        before=before,
        after=after,
        handed_back=_handed_back(evidence, before, after, unknown),
        entries=tuple(evidence.entries),
        events=_within(evidence, unknown),
        unknown=unknown,
    )


def _unknown_phases(operation: Operation) -> dict[str, str]:
    unknown: dict[str, str] = {}
    if operation.ended_at is None:
        unknown["/recovery_time/execute_seconds"] = "the operation has not ended"
    if operation.request.kind is not OperationKind.FAILOVER:
        for phase in ("detect", "decide"):
            unknown[f"/recovery_time/{phase}_seconds"] = "no failure began this operation"
        return unknown
    if operation.failed_at is None:
        for phase in ("detect", "decide"):
            unknown[f"/recovery_time/{phase}_seconds"] = "no holder was marked failed when the operation began"
    elif operation.outage_started_at is None:
        unknown["/recovery_time/detect_seconds"] = "the failed holder was never heard"
    if unknown:
        unknown["/recovery_time/total_seconds"] = "a phase is not known"
    return unknown


def _held(evidence: Evidence, unknown: dict[str, str]) -> tuple[Held | None, Held | None]:
    """Return who held the environment before the operation, and who after its newest change that was audited."""
    entries = evidence.entries
    before = _shown(entries[0].before) if entries and entries[0].action.endswith(".begun") else None
    changes = [entry for entry in entries if entry.action == "lock.moved" or not entry.action.endswith(".begun")]
    after = _shown(changes[-1].after) if changes else None
    if before is None:
        unknown["/lock/before"] = "no audit entry tells of the beginning"
    if after is None:
        ended = evidence.operation.ended_at is not None
        unknown["/lock/after"] = "no audit entry tells of the end" if ended else "the operation has not ended"
    return before, after


def _shown(lock: Mapping[str, JsonValue]) -> Held | None:
    holder, token = lock.get("holder"), lock.get("fencing_token")
    if not isinstance(token, str) or not (holder is None or isinstance(holder, str)):
        return None
    return Held(holder=holder, token=token)


def _handed_back(
    evidence: Evidence, before: Held | None, after: Held | None, unknown: dict[str, str]
) -> HandedBack | None:
    """Return the counts of the raise: from the step that did it, else from the event of whoever did it first."""
    if after is None:
        unknown["/tasks"] = "no audit entry tells that the lock has moved"
        return None
    if before is not None and before.token == after.token:
        unknown["/tasks"] = "the lock did not move"
        return None
    found = _counts(evidence.operation.result.get("handed_back"))
    if found is None:
        raised = (event for event in evidence.events if event.type is EventType.FENCE_RAISED)
        found = next((_counts(event.data) for event in raised if event.data.get("fencing_token") == after.token), None)
    if found is None:
        unknown["/tasks"] = "a gateway's own request raised the fence, or PostgreSQL has not been reached since"
    return found


def _counts(value: object) -> HandedBack | None:
    if not isinstance(value, Mapping):
        return None
    counts = [value.get(name) for name in ("requeued", "in_doubt", "failed")]
    requeued, in_doubt, failed = (count if isinstance(count, int) else None for count in counts)
    if requeued is None or in_doubt is None or failed is None:
        return None
    return HandedBack(requeued=requeued, in_doubt=in_doubt, failed=failed)


def _within(evidence: Evidence, unknown: dict[str, str]) -> tuple[Event, ...]:
    operation = evidence.operation
    start, end = window_start(operation), operation.ended_at or evidence.now
    if not evidence.is_complete:
        unknown["/events"] = "older events and audit entries than the report looks through are left out"
    return tuple(
        event for event in evidence.events if start <= event.at <= end or event.subject == operation.request.id
    )
