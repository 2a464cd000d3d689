"""What may be answered to a running operation: every row of the decision tables, and what the answer writes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.answers import (
    Repeated,
    approval_ends_at,
    decide_approval,
    decide_cancel,
    decide_retry,
    decide_skip,
    skip_of,
)
from shared.domain.faults import InvariantViolation
from shared.domain.locks import EnvironmentLock, answered, transferred
from shared.domain.operations import (
    STEPS_OF,
    Answer,
    Operation,
    OperationKind,
    OperationRequest,
    OperationStatus,
    Skip,
    Step,
    StepStatus,
    begin,
    finished,
)
from shared.domain.policy import Policy
from shared.domain.refusals import RefusalCode, Refused
from tests.unit.builders import DR, SECOND, T0, TOKEN, above, failed_over_lock, lock, request

ANSWER = Answer(by="second", at=T0, reason="a false alarm")
KINDS = (OperationKind.FAILOVER, OperationKind.FAILBACK)


def running(kind: OperationKind = OperationKind.FAILOVER) -> tuple[EnvironmentLock, Operation]:
    asked = request(kind)
    return lock(operation=asked), begin(asked)


def ended(operation: Operation, status: OperationStatus, **error: object) -> Operation:
    return finished(operation, status=status, result={}, error=error, now=T0)  # type: ignore[arg-type]


def code_of(decision: object) -> RefusalCode:
    assert isinstance(decision, Refused), decision
    assert decision.evidence["operation_id"]
    return decision.code


@pytest.mark.parametrize("kind", KINDS)
def test_an_operation_that_has_not_moved_the_lock_is_cancelled_and_nothing_else_of_the_lock_changes(
    kind: OperationKind,
) -> None:
    held, operation = running(kind)

    decided = decide_cancel(held, operation, ANSWER, write_id="w")

    assert decided == replace(held, operation=replace(operation.request, cancellation=ANSWER), written_by="w")


@pytest.mark.parametrize("kind", KINDS)
def test_an_operation_that_has_moved_the_lock_is_not_cancelled(kind: OperationKind) -> None:
    held, operation = running(kind)
    moved = replace(held, granted_by=operation.request.id)

    code = code_of(decide_cancel(moved, operation, ANSWER, write_id="w"))

    assert code is RefusalCode.PAST_POINT_OF_NO_RETURN


def test_a_stop_of_the_cluster_is_not_cancelled_since_azure_calls_nothing_back() -> None:
    held, operation = running(OperationKind.STOP_DR_CLUSTER)
    assert code_of(decide_cancel(held, operation, ANSWER, write_id="w")) is RefusalCode.PAST_POINT_OF_NO_RETURN


def test_cancelling_again_changes_nothing_and_keeps_the_first_answer() -> None:
    held, operation = running()
    once = decide_cancel(held, operation, ANSWER, write_id="w")
    assert isinstance(once, EnvironmentLock)
    assert decide_cancel(once, operation, replace(ANSWER, by="third"), write_id="w2") == Repeated()


OVER = [
    (OperationStatus.CANCELLED, {"code": "OperationCancelled"}, None),
    (OperationStatus.SUCCEEDED, {}, RefusalCode.PAST_POINT_OF_NO_RETURN),
    (OperationStatus.FAILED, {"code": "HolderNotConfirmed", "lock_moved": True}, RefusalCode.PAST_POINT_OF_NO_RETURN),
    (OperationStatus.FAILED, {"code": "StepTimeout", "lock_moved": False}, RefusalCode.OPERATION_ENDED),
]


@pytest.mark.parametrize(("status", "error", "code"), OVER)
@pytest.mark.parametrize("other", [None, request(OperationKind.FAILOVER, id="op-newer")])
def test_an_operation_that_is_over_says_how_it_ended(
    status: OperationStatus, error: dict[str, object], code: RefusalCode | None, other: None
) -> None:
    _, operation = running()

    decided = decide_cancel(lock(operation=other), ended(operation, status, **error), ANSWER, write_id="w")

    assert decided == Repeated() if code is None else code_of(decided) is code


def test_a_stop_that_is_over_has_moved_nothing() -> None:
    _, operation = running(OperationKind.STOP_DR_CLUSTER)
    over = ended(operation, OperationStatus.SUCCEEDED)
    assert code_of(decide_cancel(lock(), over, ANSWER, write_id="w")) is RefusalCode.OPERATION_ENDED


def test_an_operation_that_left_the_lock_cancelled_is_cancelled_though_its_record_is_open() -> None:
    _, operation = running()
    copied = replace(operation, request=replace(operation.request, cancellation=ANSWER))
    assert decide_cancel(lock(), copied, ANSWER, write_id="w") == Repeated()
    assert code_of(decide_cancel(lock(), operation, ANSWER, write_id="w")) is RefusalCode.OPERATION_ENDED


def test_a_lock_that_is_missing_names_no_operation() -> None:
    _, operation = running()
    assert code_of(decide_cancel(None, operation, ANSWER, write_id="w")) is RefusalCode.OPERATION_ENDED


def test_a_cancelled_operation_cannot_move_the_lock() -> None:
    cancelled = lock(operation=request(cancellation=ANSWER))
    with pytest.raises(InvariantViolation, match="cancelled"):
        transferred(cancelled, to=DR, token=above(TOKEN), now=T0, operation_id="op-failover", write_id="w")


@pytest.mark.parametrize("other", [None, request(OperationKind.FAILBACK)])
def test_only_the_running_operation_is_answered(other: None) -> None:
    with pytest.raises(InvariantViolation):
        answered(failed_over_lock(operation=other), request(), write_id="w")


POLICY = Policy(approval_timeout_s=900)
APPROVER = "object-2"


def waiting(kind: OperationKind = OperationKind.FAILOVER, **changes: Any) -> OperationRequest:
    return request(kind, **{"requester_id": "object-1", "needs_approval": True, **changes})


def approved(held: EnvironmentLock, asked: OperationRequest, *, answer: Answer = ANSWER, by: str = APPROVER) -> object:
    return decide_approval(held, begin(asked), answer, approver_id=by, policy=POLICY, write_id="w")


@pytest.mark.parametrize("kind", KINDS)
def test_another_administrator_approves_and_nothing_else_of_the_lock_changes(kind: OperationKind) -> None:
    asked = waiting(kind)
    held = lock(operation=asked)
    assert approved(held, asked) == replace(held, operation=replace(asked, approval=ANSWER), written_by="w")


LATE = T0 + 900 * SECOND
REFUSED: list[tuple[str, OperationRequest, Answer, str, RefusalCode]] = [
    ("by who asked", waiting(), ANSWER, "object-1", RefusalCode.SELF_APPROVAL),
    ("by the name of who asked", waiting(), replace(ANSWER, by="operator"), "object-3", RefusalCode.SELF_APPROVAL),
    ("a second time", waiting(approval=ANSWER), ANSWER, APPROVER, RefusalCode.ALREADY_APPROVED),
    ("a second time by somebody else", waiting(approval=ANSWER), ANSWER, "object-3", RefusalCode.ALREADY_APPROVED),
    ("just too late", waiting(), replace(ANSWER, at=LATE), APPROVER, RefusalCode.APPROVAL_EXPIRED),
    ("after it was cancelled", waiting(cancellation=ANSWER), ANSWER, APPROVER, RefusalCode.OPERATION_CANCELLED),
    ("though none is needed", waiting(needs_approval=False), ANSWER, APPROVER, RefusalCode.APPROVAL_NOT_NEEDED),
]


@pytest.mark.parametrize(
    ("asked", "answer", "by", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_an_approval_is_refused(asked: OperationRequest, answer: Answer, by: str, code: RefusalCode) -> None:
    assert code_of(approved(lock(operation=asked), asked, answer=answer, by=by)) is code


def test_an_approval_counts_until_the_last_moment() -> None:
    asked = waiting()
    assert approval_ends_at(asked, POLICY) == LATE
    last = replace(ANSWER, at=LATE - timedelta(microseconds=1))
    assert isinstance(approved(lock(operation=asked), asked, answer=last), EnvironmentLock)


@pytest.mark.parametrize("other", [None, waiting(id="op-newer")])
def test_an_approval_of_one_operation_does_not_count_for_another(other: OperationRequest | None) -> None:
    assert code_of(approved(lock(operation=other), waiting())) is RefusalCode.OPERATION_ENDED


def test_a_lock_that_is_missing_can_approve_nothing() -> None:
    decided = decide_approval(None, begin(waiting()), ANSWER, approver_id=APPROVER, policy=POLICY, write_id="w")
    assert code_of(decided) is RefusalCode.OPERATION_ENDED


def test_what_the_control_plane_begins_by_itself_may_be_approved_by_anybody() -> None:
    asked = waiting(requester_id="", requested_by="auto-failover")
    assert isinstance(approved(lock(operation=asked), asked), EnvironmentLock)


LOOKS_AFTER = (Step.VERIFY_DR_ACTIVE, Step.VERIFY_OPERATIONS, Step.VERIFY_PRIMARY_ACTIVE, Step.SCHEDULE_DR_STOP)


def skipping(kind: OperationKind, step: Step, *, moved: bool = True, **record: Any) -> object:
    held, operation = running(kind)
    steps = tuple(replace(one, **record) if one.step is step else one for one in operation.steps)
    if moved:
        held = replace(held, granted_by=operation.request.id)
    return decide_skip(held, replace(operation, steps=steps), step, ANSWER, write_id="w")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", list(Step))
def test_only_what_looks_or_plans_after_the_move_is_skipped(kind: OperationKind, step: Step) -> None:
    decided = skipping(kind, step)
    if step in LOOKS_AFTER and step in STEPS_OF[kind]:
        assert isinstance(decided, EnvironmentLock)
        assert decided.operation is not None
        assert decided.operation.skips == (Skip(step=step, answer=ANSWER),)
    else:
        assert code_of(decided) is RefusalCode.STEP_NOT_SKIPPABLE


def test_nothing_is_skipped_before_the_move() -> None:
    decided = skipping(OperationKind.FAILOVER, Step.VERIFY_OPERATIONS, moved=False)
    assert code_of(decided) is RefusalCode.STEP_NOT_SKIPPABLE


def test_a_step_that_has_ended_is_not_skipped() -> None:
    decided = skipping(OperationKind.FAILOVER, Step.VERIFY_OPERATIONS, status=StepStatus.SUCCEEDED, ended_at=T0)
    assert code_of(decided) is RefusalCode.STEP_NOT_SKIPPABLE


def test_skipping_again_changes_nothing_and_a_second_step_keeps_the_first() -> None:
    once = skipping(OperationKind.FAILOVER, Step.VERIFY_OPERATIONS)
    assert isinstance(once, EnvironmentLock)
    _, operation = running()
    assert decide_skip(once, operation, Step.VERIFY_OPERATIONS, ANSWER, write_id="w") == Repeated()
    both = decide_skip(once, operation, Step.VERIFY_DR_ACTIVE, ANSWER, write_id="w")
    assert isinstance(both, EnvironmentLock)
    assert both.operation is not None
    assert [skip.step for skip in both.operation.skips] == [Step.VERIFY_OPERATIONS, Step.VERIFY_DR_ACTIVE]


def test_what_is_over_is_not_skipped() -> None:
    _, operation = running()
    decided = decide_skip(lock(), operation, Step.VERIFY_OPERATIONS, ANSWER, write_id="w")
    assert code_of(decided) is RefusalCode.OPERATION_ENDED


def test_the_skip_of_a_step_that_may_not_be_skipped_does_not_count() -> None:
    forged = request(
        skips=(Skip(step=Step.LOOK_AGAIN, answer=ANSWER), Skip(step=Step.VERIFY_OPERATIONS, answer=ANSWER))
    )
    assert skip_of(forged, Step.LOOK_AGAIN) is None
    assert skip_of(forged, Step.VERIFY_OPERATIONS) == ANSWER
    assert skip_of(forged, Step.VERIFY_DR_ACTIVE) is None


@pytest.mark.parametrize("kind", list(OperationKind))
@pytest.mark.parametrize("status", list(OperationStatus))
def test_only_a_failed_failover_or_failback_is_retried(kind: OperationKind, status: OperationStatus) -> None:
    operation = replace(begin(request(kind)), status=status)
    allowed = status is OperationStatus.FAILED and kind in KINDS
    decided = decide_retry(operation, ())
    assert decided is None if allowed else code_of(decided) is RefusalCode.OPERATION_NOT_FAILED


def test_a_retry_leaves_out_only_what_may_be_skipped() -> None:
    failed = replace(begin(request()), status=OperationStatus.FAILED)
    assert decide_retry(failed, (Step.VERIFY_OPERATIONS, Step.VERIFY_DR_ACTIVE)) is None
    for step in (Step.LOOK_AGAIN, Step.ACTIVATE_DR, Step.START_DR_CLUSTER, Step.SCHEDULE_DR_STOP):
        assert code_of(decide_retry(failed, (Step.VERIFY_OPERATIONS, step))) is RefusalCode.STEP_NOT_SKIPPABLE, step


@pytest.mark.parametrize("decide", ["cancel", "approve", "skip"])
def test_a_drill_that_runs_is_aborted_and_not_answered(decide: str) -> None:
    _, drill = running(OperationKind.DRILL)
    held = lock(operation=request(OperationKind.FAILOVER))
    decided: object
    if decide == "cancel":
        decided = decide_cancel(held, drill, ANSWER, write_id="w")
    elif decide == "approve":
        decided = decide_approval(held, drill, ANSWER, approver_id=APPROVER, policy=POLICY, write_id="w")
    else:
        decided = decide_skip(held, drill, Step.RUN_CANARY, ANSWER, write_id="w")
    assert code_of(decided) is RefusalCode.ABORT_INSTEAD
