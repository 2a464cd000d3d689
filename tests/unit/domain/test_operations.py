"""Operations and their steps as people see them."""

from itertools import pairwise

import pytest

from shared.domain.operations import (
    POINTS_OF_NO_RETURN,
    STEPS_OF,
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepRecord,
    StepStatus,
    begin,
    finished,
    step_ended,
    step_started,
)
from tests.unit.builders import SECOND, T0, request

FIRST = Step.VERIFY_PRIMARY_DOWN


def record_of(operation: Operation, step: Step) -> StepRecord:
    return next(record for record in operation.steps if record.step is step)


@pytest.mark.parametrize("kind", list(OperationKind))
def test_an_operation_begins_running_with_every_step_of_its_kind_pending(kind: OperationKind) -> None:
    operation = begin(request(kind))

    assert operation.status is OperationStatus.RUNNING
    assert operation.updated_at == T0
    assert operation.steps == tuple(StepRecord(step=step) for step in STEPS_OF[kind])
    assert {record.status for record in operation.steps} == {StepStatus.PENDING}


def test_an_operation_that_needs_an_approval_waits_for_it_until_it_has_it() -> None:
    operation = begin(request(needs_approval=True))
    assert (operation.status, operation.is_over) == (OperationStatus.WAITING_APPROVAL, False)
    assert operation.steps[0].step is Step.AWAIT_APPROVAL

    waiting = step_ended(operation, Step.AWAIT_APPROVAL, status=StepStatus.RUNNING, detail="", now=T0)
    expired = step_ended(operation, Step.AWAIT_APPROVAL, status=StepStatus.FAILED, detail="", now=T0)
    approved = step_ended(operation, Step.AWAIT_APPROVAL, status=StepStatus.SUCCEEDED, detail="", now=T0)
    assert waiting.status is expired.status is OperationStatus.WAITING_APPROVAL
    assert approved.status is OperationStatus.RUNNING
    assert finished(waiting, status=OperationStatus.CANCELLED, result={}, error={}, now=T0).is_over


def test_a_failover_carries_out_the_runbooks_section_1_in_its_order() -> None:
    sections = [step.runbook for step in STEPS_OF[OperationKind.FAILOVER]]

    assert sections == ["1.1", "1.2", "1.3", "1.4", "1.4", "1.5", "1.6"]


def test_a_failback_carries_out_the_runbooks_section_2_in_its_order() -> None:
    sections = [step.runbook for step in STEPS_OF[OperationKind.FAILBACK]]

    assert sections == ["2.1", "2.2", "2.2", "2.2", "2.3", "2.4"]


def test_a_look_comes_directly_before_each_point_of_no_return() -> None:
    looks = {Step.ACTIVATE_DR: Step.LOOK_AGAIN, Step.REACTIVATE_PRIMARY: Step.LOOK_AGAIN_BEFORE_FAILBACK}

    assert set(POINTS_OF_NO_RETURN) == set(looks)
    for steps in STEPS_OF.values():
        for before, step in pairwise(steps):
            assert step not in looks or before is looks[step]


def test_the_end_of_an_operation_is_no_step_that_people_see() -> None:
    assert all(Step.FINISH_OPERATION not in steps for steps in STEPS_OF.values())
    assert {step for steps in STEPS_OF.values() for step in steps} == set(Step) - {
        Step.AWAIT_APPROVAL,
        Step.FINISH_OPERATION,
    }


def test_every_step_has_an_id_of_its_own() -> None:
    assert len({step.id for step in Step}) == len(Step) == 19


def test_a_started_step_is_running_and_the_others_are_untouched() -> None:
    before = begin(request())

    after = step_started(before, FIRST, now=T0 + 5 * SECOND)

    assert record_of(after, FIRST) == StepRecord(
        step=FIRST, status=StepStatus.RUNNING, attempts=1, started_at=T0 + 5 * SECOND
    )
    assert after.steps[1:] == before.steps[1:]
    assert after.updated_at == T0 + 5 * SECOND


def test_a_repeated_step_counts_its_attempts_and_keeps_the_time_of_the_first() -> None:
    once = step_started(begin(request()), FIRST, now=T0 + 5 * SECOND)
    ended = step_ended(once, FIRST, status=StepStatus.FAILED, detail="no", now=T0 + 6 * SECOND)

    again = record_of(step_started(ended, FIRST, now=T0 + 9 * SECOND), FIRST)

    assert (again.status, again.attempts) == (StepStatus.RUNNING, 2)
    assert (again.started_at, again.ended_at) == (T0 + 5 * SECOND, None)


@pytest.mark.parametrize("status", [StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED])
def test_a_step_that_ended_has_an_end_and_says_why(status: StepStatus) -> None:
    started = step_started(begin(request()), FIRST, now=T0)

    after = step_ended(started, FIRST, status=status, detail="because", now=T0 + 7 * SECOND)

    record = record_of(after, FIRST)
    assert (record.status, record.detail, record.ended_at) == (status, "because", T0 + 7 * SECOND)
    assert after.steps[1:] == started.steps[1:]
    assert after.updated_at == T0 + 7 * SECOND


def test_a_step_that_still_waits_has_no_end() -> None:
    started = step_started(begin(request()), FIRST, now=T0)

    after = step_ended(started, FIRST, status=StepStatus.RUNNING, detail="not yet", now=T0 + 7 * SECOND)

    record = record_of(after, FIRST)
    assert (record.status, record.detail, record.ended_at) == (StepStatus.RUNNING, "not yet", None)


def test_an_operation_ends_with_its_result_or_its_error() -> None:
    ended = finished(
        begin(request()),
        status=OperationStatus.SUCCEEDED,
        result={"message": "done"},
        error={},
        now=T0 + 60 * SECOND,
    )

    assert (ended.status, ended.result, ended.error) == (OperationStatus.SUCCEEDED, {"message": "done"}, {})
    assert (ended.ended_at, ended.updated_at) == (T0 + 60 * SECOND, T0 + 60 * SECOND)


@pytest.mark.parametrize("status", [OperationStatus.SUCCEEDED, OperationStatus.FAILED])
def test_an_operation_ends_once(status: OperationStatus) -> None:
    ended = finished(begin(request()), status=status, result={"a": 1}, error={}, now=T0)

    again = finished(ended, status=OperationStatus.FAILED, result={}, error={"code": "StepFault"}, now=T0 + SECOND)

    assert again == ended
