"""The phases of an operation add up to its wall time to the millisecond, and what is not known is not made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.operations import STEPS_OF, Operation, OperationKind, OperationStatus, StepRecord, StepStatus, begin
from shared.domain.recovery import Recovery, execution_of, recovery_of, target_of
from tests.unit.builders import PROPERTY, SECOND, T0, request

STEPS = STEPS_OF[OperationKind.FAILOVER]
US = timedelta(microseconds=1)


def ended(**changes: Any) -> Operation:
    """Return a failover: silent from T0 - 400 s, failed at T0 - 40 s, asked for at T0, over at T0 + 300 s."""
    operation = replace(
        begin(request()),
        status=OperationStatus.SUCCEEDED,
        ended_at=T0 + 300 * SECOND,
        outage_started_at=T0 - 400 * SECOND,
        failed_at=T0 - 40 * SECOND,
    )
    return replace(operation, **changes)


def ran(place: int, start: datetime, end: datetime | None) -> StepRecord:
    return StepRecord(step=STEPS[place], status=StepStatus.SUCCEEDED, attempts=1, started_at=start, ended_at=end)


def in_ms(at: datetime) -> int:
    return (at - T0) // timedelta(milliseconds=1)


def test_a_recovery_is_detect_decide_and_execute() -> None:
    assert recovery_of(ended()) == Recovery(
        detect_ms=360_000, decide_ms=40_000, execute_ms=300_000, total_ms=700_000, recovered=True
    )


def test_the_target_is_met_up_to_the_last_millisecond() -> None:
    recovery = recovery_of(ended())
    assert (recovery.met(700.0), recovery.met(699.999), recovery.met(1800.0)) == (True, False, True)
    assert replace(recovery, total_ms=None).met(1800.0) is None
    assert recovery.to_json(target_s=1800.0) == {
        "total_seconds": 700.0,
        "detect_seconds": 360.0,
        "decide_seconds": 40.0,
        "execute_seconds": 300.0,
        "target_seconds": 1800.0,
        "target_met": True,
    }


def test_what_is_not_known_is_none_and_so_is_the_sum() -> None:
    unheard = recovery_of(ended(outage_started_at=None))
    assert (unheard.detect_ms, unheard.decide_ms, unheard.total_ms) == (None, 40_000, None)
    unmarked = recovery_of(ended(outage_started_at=None, failed_at=None))
    assert (unmarked.detect_ms, unmarked.decide_ms, unmarked.execute_ms) == (None, None, 300_000)
    running = recovery_of(ended(ended_at=None))
    assert (running.detect_ms, running.execute_ms, running.total_ms) == (360_000, None, None)


def test_a_procedure_that_no_failure_began_has_execute_only() -> None:
    failback = replace(begin(request(OperationKind.FAILBACK)), ended_at=T0 + 7 * SECOND)
    recovery = recovery_of(failback)
    assert (recovery.detect_ms, recovery.decide_ms, recovery.execute_ms, recovery.total_ms) == (
        None,
        None,
        7_000,
        7_000,
    )
    assert (target_of(failback, otherwise_s=1800.0), recovery.met(1800.0)) == (None, None)


def test_a_failover_that_failed_has_met_no_target_however_quick_it_was() -> None:
    failed = ended(status=OperationStatus.FAILED)
    assert (recovery_of(failed).total_ms, recovery_of(failed).met(1800.0)) == (700_000, None)


def test_the_target_kept_at_the_end_counts_not_the_one_set_since() -> None:
    kept = ended(result={"recovery_time": {"target_seconds": 600.0}})
    assert (target_of(kept, otherwise_s=1800.0), target_of(ended(), otherwise_s=1800.0)) == (600.0, 1800.0)


INSTANTS = st.integers(-10_000_000, 10_000_000).map(lambda us: T0 + us * US)


@PROPERTY
@given(outage=INSTANTS, failed=INSTANTS, asked=INSTANTS, over=INSTANTS)
def test_no_phase_is_negative_and_the_phases_add_up_whatever_the_clocks_said(
    outage: datetime, failed: datetime, asked: datetime, over: datetime
) -> None:
    operation = ended(request=request(requested_at=asked), outage_started_at=outage, failed_at=failed, ended_at=over)
    recovery = recovery_of(operation)
    parts = (recovery.detect_ms, recovery.decide_ms, recovery.execute_ms)
    assert all(part is not None and part >= 0 for part in parts)
    assert recovery.total_ms == sum(part for part in parts if part is not None)
    if outage <= failed <= asked <= over:
        assert recovery.total_ms == in_ms(over) - in_ms(outage)


@PROPERTY
@given(times=st.lists(st.tuples(INSTANTS, INSTANTS | st.none()) | st.none(), min_size=7, max_size=7), over=INSTANTS)
def test_the_steps_and_what_lies_between_them_add_up_to_the_execute_phase(
    times: list[tuple[datetime, datetime | None] | None], over: datetime
) -> None:
    steps = tuple(ran(place, *time) if time else StepRecord(step=STEPS[place]) for place, time in enumerate(times))
    operation = ended(steps=steps, ended_at=over)
    execution, recovery = execution_of(operation), recovery_of(operation)
    shares = [step.share_ms for step in execution.steps if step.share_ms is not None]
    assert all(share >= 0 for share in shares)
    assert execution.between_ms is not None
    assert execution.between_ms >= 0
    assert sum(shares) + execution.between_ms == recovery.execute_ms


def test_a_step_that_ran_once_has_its_duration_as_its_share() -> None:
    steps = (
        ran(0, T0 + SECOND, T0 + 3 * SECOND),
        ran(1, T0 + 3 * SECOND, T0 + 200 * SECOND),
        *begin(request()).steps[2:],
    )
    execution = execution_of(ended(steps=steps))
    assert [(step.duration_ms, step.share_ms) for step in execution.steps[:3]] == [
        (2_000, 2_000), (197_000, 197_000), (None, None),
    ]  # fmt: skip
    assert execution.between_ms == 101_000


def test_a_step_that_ran_again_after_a_later_one_had_begun_has_its_share_until_then() -> None:
    steps = (ran(3, T0, T0 + 10 * SECOND), ran(4, T0 + 4 * SECOND, T0 + 12 * SECOND))
    look, move = execution_of(ended(steps=steps)).steps
    assert (look.duration_ms, look.share_ms) == (10_000, 4_000)
    assert (move.duration_ms, move.share_ms) == (8_000, 8_000)


def test_the_time_of_a_step_without_a_recorded_end_belongs_to_none() -> None:
    steps = (ran(0, T0, None), ran(1, T0 + 5 * SECOND, T0 + 6 * SECOND))
    execution = execution_of(ended(steps=steps, ended_at=T0 + 10 * SECOND))
    assert (execution.steps[0].duration_ms, execution.between_ms) == (None, 9_000)


def test_while_the_operation_runs_nobody_knows_what_lies_between() -> None:
    running = ended(steps=(ran(0, T0, T0 + SECOND),), ended_at=None)
    execution = execution_of(running)
    assert (execution.steps[0].share_ms, execution.between_ms) == (1_000, None)
