"""Where the time of an operation went: detect, decide and execute, and within the last each step.

Instants are cut to whole milliseconds first, as people see them, and every length is a difference of two such numbers.
So the phases add up to the wall time exactly, and so do the steps to the phase (ADR 0025).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from shared.domain.operations import Operation, OperationKind, OperationStatus, StepRecord
from shared.domain.refusals import JsonValue

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The phases of an operation in milliseconds. What cannot be known is None, and so is every sum it belongs to.

    Detect runs from the last heartbeat of the failed holder to the failed mark, decide from there to the request or,
    where a second person had to approve it, to the approval, execute to the end of the operation. A procedure that was
    not begun by a failure has execute only.
    """

    detect_ms: int | None
    decide_ms: int | None
    execute_ms: int | None
    total_ms: int | None
    recovered: bool  # whether the environment was recovered: a failover that succeeded

    def met(self, target_s: float | None) -> bool | None:
        """Whether the recovery took no longer than the target; None when it is not known, or when there was none."""
        if target_s is None or self.total_ms is None or not self.recovered:
            return None
        return self.total_ms <= target_s * 1000

    def to_json(self, *, target_s: float | None) -> dict[str, JsonValue]:
        """Return the phases in seconds, with the target they are measured against."""
        return {
            "total_seconds": seconds(self.total_ms),
            "detect_seconds": seconds(self.detect_ms),
            "decide_seconds": seconds(self.decide_ms),
            "execute_seconds": seconds(self.execute_ms),
            "target_seconds": target_s,
            "target_met": self.met(target_s),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """One step. `duration_ms` is from its first start to its end; `share_ms` is its part of the execute phase.

    The two differ for a step that had to be run again after a later one had begun: from then on the time is the later
    one's. Both are None while the end of the step is not recorded.
    """

    record: StepRecord
    duration_ms: int | None
    share_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """The execute phase by steps; `between_ms` is what belongs to none: waiting for the engine, and the ending.

    The shares and `between_ms` add up to the phase. A step whose end was never recorded has no share: its time is
    part of `between_ms`. None while the operation runs.
    """

    steps: tuple[StepTime, ...]
    between_ms: int | None


def recovery_of(operation: Operation) -> Recovery:
    """Return the phases of an operation.

    Instances have clocks of their own: an instant that lies after the one that follows it counts as that one, so no
    phase is negative.
    """
    decided_ms = _decided_ms(operation)
    execute_ms = max(_ms(operation.ended_at) - decided_ms, 0) if operation.ended_at else None
    if operation.request.kind is not OperationKind.FAILOVER:
        return Recovery(detect_ms=None, decide_ms=None, execute_ms=execute_ms, total_ms=execute_ms, recovered=False)
    detected_ms = min(_ms(operation.failed_at), decided_ms) if operation.failed_at else None
    began_ms = _ms(operation.outage_started_at) if operation.outage_started_at else None
    detect_ms = max(detected_ms - began_ms, 0) if detected_ms is not None and began_ms is not None else None
    decide_ms = decided_ms - detected_ms if detected_ms is not None else None
    parts = (detect_ms, decide_ms, execute_ms)
    total_ms = None if None in parts else sum(part for part in parts if part is not None)
    recovered = operation.status is OperationStatus.SUCCEEDED
    return Recovery(
        detect_ms=detect_ms, decide_ms=decide_ms, execute_ms=execute_ms, total_ms=total_ms, recovered=recovered
    )


def execution_of(operation: Operation) -> Execution:
    """Return the execute phase by steps, in the operation's order."""
    begin_ms = _decided_ms(operation)
    end_ms = max(_ms(operation.ended_at), begin_ms) if operation.ended_at else None
    begun = sorted((record for record in operation.steps if record.started_at), key=_started_ms)
    next_ms = {record.step: _started_ms(after) for record, after in pairwise(begun)}
    timed = tuple(_timed(record, begin_ms, (next_ms.get(record.step), end_ms)) for record in operation.steps)
    if end_ms is None:
        return Execution(steps=timed, between_ms=None)
    shares_ms = sum(step.share_ms for step in timed if step.share_ms is not None)
    return Execution(steps=timed, between_ms=end_ms - begin_ms - shares_ms)


def target_of(operation: Operation, *, otherwise_s: float) -> float | None:
    """Return the target of a failover; None for what is no recovery.

    The target kept when the operation ended comes first: a later change of the setting rewrites no history.
    """
    if operation.request.kind is not OperationKind.FAILOVER:
        return None
    kept = operation.result.get("recovery_time")
    target_s = kept.get("target_seconds") if isinstance(kept, dict) else None
    return float(target_s) if isinstance(target_s, int | float) else otherwise_s


def seconds(ms: int | None) -> float | None:
    """Return milliseconds as seconds, for people."""
    return None if ms is None else ms / 1000


def _timed(record: StepRecord, begin_ms: int, limits_ms: tuple[int | None, int | None]) -> StepTime:
    """Time one step; its share ends with it, and at the limits: where the next step begins, and the operation ends."""
    if record.started_at is None or record.ended_at is None:
        return StepTime(record=record, duration_ms=None, share_ms=None)
    started_ms, ended_ms = _ms(record.started_at), _ms(record.ended_at)
    share_ends_ms = min([ended_ms, *(limit for limit in limits_ms if limit is not None)])
    return StepTime(
        record=record,
        duration_ms=max(ended_ms - started_ms, 0),
        share_ms=max(share_ends_ms - max(started_ms, begin_ms), 0),
    )


def _decided_ms(operation: Operation) -> int:
    request = operation.request
    return _ms(request.approval.at if request.approval else request.requested_at)


def _started_ms(record: StepRecord) -> int:
    return _ms(record.started_at) if record.started_at else 0


def _ms(at: datetime) -> int:
    return (at - _START) // timedelta(milliseconds=1)
