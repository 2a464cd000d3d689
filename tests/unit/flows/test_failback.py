"""Failback and the later stop of the DR cluster, step by step (runbook section 2)."""

import pytest

from shared.domain.operations import STEPS_OF, OperationKind, Step
from shared.flows.commands import Call
from shared.flows.failback import failback, stop_dr_cluster
from tests.unit.flows.script import again, args_of, calls, done, once_more, played, sleeps, stopped, waiting

STEPS = STEPS_OF[OperationKind.FAILBACK]
FINISH = Step.FINISH_OPERATION


def test_a_failback_follows_the_runbook_from_2_1_to_2_4() -> None:
    steps = calls(played(failback()))

    assert steps == [*STEPS, FINISH]
    assert [step.runbook for step in steps] == ["2.1", "2.2", "2.2", "2.2", "2.3", "2.4", ""]


def test_the_dr_gateway_is_drained_before_the_second_look_and_the_look_comes_directly_before_the_move() -> None:
    steps = calls(played(failback()))

    assert steps.index(Step.DRAIN_DR_GATEWAY) < steps.index(Step.LOOK_AGAIN_BEFORE_FAILBACK)
    assert steps.index(Step.REACTIVATE_PRIMARY) == steps.index(Step.LOOK_AGAIN_BEFORE_FAILBACK) + 1


def test_the_dr_cluster_is_not_stopped_by_the_failback_itself() -> None:
    assert Step.STOP_DR_CLUSTER not in calls(played(failback()))


def test_a_failback_that_went_well_is_finished_with_what_the_move_answered() -> None:
    commands = played(failback(), {Step.REACTIVATE_PRIMARY: [done(fencing_token="9")]})

    assert args_of(commands, FINISH) == [{"result": {"fencing_token": "9"}}]


@pytest.mark.parametrize("step", STEPS)
def test_nothing_follows_a_step_that_stopped_but_the_end_of_the_operation_with_its_error(step: Step) -> None:
    commands = played(failback(), {step: [stopped("PrimaryNotRecovered", "26 s ago")]})

    assert calls(commands) == [*STEPS[: STEPS.index(step) + 1], FINISH]
    assert commands[-1] == Call(
        FINISH, {"error": {"code": "PrimaryNotRecovered", "message": "No"}, "detail": "26 s ago"}
    )


@pytest.mark.parametrize("step", [Step.VERIFY_PRIMARY_ACTIVE, Step.SCHEDULE_DR_STOP])
def test_what_fails_after_the_move_is_told_as_a_failure_and_undoes_nothing(step: Step) -> None:
    commands = played(failback(), {Step.REACTIVATE_PRIMARY: [done(fencing_token="9")], step: [stopped()]})

    assert calls(commands).count(Step.REACTIVATE_PRIMARY) == 1
    assert calls(commands)[-2:] == [step, FINISH]
    assert "result" not in args_of(commands, FINISH)[0]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_may_wait_and_goes_on_with_what_it_handed_on(step: Step) -> None:
    commands = played(failback(), {step: [waiting(1.0, since="12:00"), done()]})

    assert sleeps(commands) == [1.0]
    assert args_of(commands, step)[1:] == [{"since": "12:00"}]
    assert calls(commands)[-1] is FINISH


def test_a_lock_that_changed_since_the_second_look_is_looked_at_again_without_draining_anew() -> None:
    look, move = Step.LOOK_AGAIN_BEFORE_FAILBACK, Step.REACTIVATE_PRIMARY

    commands = played(failback(), {look: [done(etag="v7"), done(etag="v9")], move: [again(), done()]})

    assert calls(commands) == [*STEPS[:2], look, move, look, move, *STEPS[4:], FINISH]
    assert args_of(commands, move) == [{"etag": "v7"}, {"etag": "v9"}]


def test_stopping_the_dr_cluster_is_one_step_and_its_answer_is_the_result() -> None:
    commands = played(stop_dr_cluster(), {Step.STOP_DR_CLUSTER: [waiting(15.0, since="12:00"), done(power="Stopped")]})

    assert calls(commands) == [Step.STOP_DR_CLUSTER, Step.STOP_DR_CLUSTER, FINISH]
    assert sleeps(commands) == [15.0]
    assert args_of(commands, FINISH) == [{"result": {"power": "Stopped"}}]


def test_a_cluster_that_could_not_be_stopped_ends_the_operation_with_the_error() -> None:
    commands = played(stop_dr_cluster(), {Step.STOP_DR_CLUSTER: [stopped("ClusterInUse", "a failover runs")]})

    assert commands[1:] == [
        Call(FINISH, {"error": {"code": "ClusterInUse", "message": "No"}, "detail": "a failover runs"})
    ]


def test_the_same_answers_lead_to_the_same_commands() -> None:
    first, second = once_more(
        failback,
        {
            Step.DRAIN_DR_GATEWAY: [waiting(1.0, since="12:00"), done()],
            Step.LOOK_AGAIN_BEFORE_FAILBACK: [done(etag="v7"), done(etag="v8")],
            Step.REACTIVATE_PRIMARY: [again(), done(fencing_token="9")],
        },
    )

    assert first == second
    assert len(first) == 11
