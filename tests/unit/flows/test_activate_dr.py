"""Failover, step by step (runbook section 1)."""

import pytest

from shared.domain.operations import STEPS_OF, OperationKind, Step
from shared.flows.activate_dr import activate_dr
from shared.flows.commands import Call, Sleep, StepResult
from tests.unit.flows.script import again, args_of, calls, done, once_more, played, skipped, sleeps, stopped, waiting

STEPS = STEPS_OF[OperationKind.FAILOVER]
FINISH = Step.FINISH_OPERATION


def test_a_failover_follows_the_runbook_from_1_1_to_1_6() -> None:
    steps = calls(played(activate_dr()))

    assert steps == [*STEPS, FINISH]
    assert [step.runbook for step in steps] == ["1.1", "1.2", "1.3", "1.4", "1.4", "1.5", "1.6", ""]


def test_power_comes_before_the_second_look_and_the_look_directly_before_the_move() -> None:
    steps = calls(played(activate_dr()))

    assert steps.index(Step.START_DR_CLUSTER) < steps.index(Step.VERIFY_DR_GATEWAY) < steps.index(Step.LOOK_AGAIN)
    assert steps.index(Step.ACTIVATE_DR) == steps.index(Step.LOOK_AGAIN) + 1


def test_a_failover_that_went_well_is_finished_with_what_the_move_answered() -> None:
    commands = played(activate_dr(), {Step.ACTIVATE_DR: [done(fencing_token="8", mirror="raised")]})

    assert args_of(commands, FINISH) == [{"result": {"fencing_token": "8", "mirror": "raised"}}]


@pytest.mark.parametrize("step", STEPS)
def test_nothing_follows_a_step_that_stopped_but_the_end_of_the_operation_with_its_error(step: Step) -> None:
    commands = played(activate_dr(), {step: [stopped("StepTimeout", "waited 600 s")]})

    assert calls(commands) == [*STEPS[: STEPS.index(step) + 1], FINISH]
    assert commands[-1] == Call(FINISH, {"error": {"code": "StepTimeout", "message": "No"}, "detail": "waited 600 s"})


@pytest.mark.parametrize("step", [Step.VERIFY_PRIMARY_DOWN, Step.START_DR_CLUSTER, Step.VERIFY_DR_GATEWAY])
def test_whatever_stops_before_the_move_leaves_the_lock_alone(step: Step) -> None:
    steps = calls(played(activate_dr(), {step: [waiting(5.0), stopped()]}))

    assert Step.LOOK_AGAIN not in steps
    assert Step.ACTIVATE_DR not in steps


@pytest.mark.parametrize("step", [Step.VERIFY_DR_ACTIVE, Step.VERIFY_OPERATIONS])
def test_what_fails_after_the_move_is_told_as_a_failure_and_undoes_nothing(step: Step) -> None:
    commands = played(
        activate_dr(), {Step.ACTIVATE_DR: [done(fencing_token="8")], step: [stopped("HolderNotConfirmed")]}
    )

    assert calls(commands).count(Step.ACTIVATE_DR) == 1
    assert calls(commands)[-2:] == [step, FINISH]
    finish = args_of(commands, FINISH)[0]
    assert finish["error"] == {"code": "HolderNotConfirmed", "message": "No"}
    assert "result" not in finish


@pytest.mark.parametrize("step", STEPS)
def test_every_step_may_wait_and_goes_on_with_what_it_handed_on(step: Step) -> None:
    commands = played(activate_dr(), {step: [waiting(15.0, since="12:00"), waiting(7.0, since="12:01"), done()]})

    assert sleeps(commands) == [15.0, 7.0]
    assert args_of(commands, step)[1:] == [{"since": "12:00"}, {"since": "12:01"}]
    first = commands.index(Call(step, args_of(commands, step)[0]))
    assert commands[first + 1 : first + 5] == [
        Sleep(15.0), Call(step, {"since": "12:00"}), Sleep(7.0), Call(step, {"since": "12:01"}),
    ]  # fmt: skip
    assert calls(commands)[-1] is FINISH


@pytest.mark.parametrize(
    ("started", "start"), [(done(start="2026-03-01T12:00:00+00:00"), "2026-03-01T12:00:00+00:00"), (done(), None)]
)
def test_the_gateway_must_have_booted_after_the_start_if_there_was_one(started: StepResult, start: str | None) -> None:
    commands = played(activate_dr(), {Step.START_DR_CLUSTER: [started]})

    assert args_of(commands, Step.VERIFY_DR_GATEWAY) == [{"start": start}]


def test_a_lock_that_changed_since_the_second_look_is_looked_at_again() -> None:
    looks = [done(etag="v7", token="8"), done(etag="v9", token="9")]

    commands = played(activate_dr(), {Step.LOOK_AGAIN: looks, Step.ACTIVATE_DR: [again(), done(fencing_token="9")]})

    assert calls(commands)[3:7] == [Step.LOOK_AGAIN, Step.ACTIVATE_DR, Step.LOOK_AGAIN, Step.ACTIVATE_DR]
    assert args_of(commands, Step.ACTIVATE_DR) == [{"etag": "v7", "token": "8"}, {"etag": "v9", "token": "9"}]
    assert args_of(commands, FINISH) == [{"result": {"fencing_token": "9"}}]


def test_a_primary_that_is_back_at_the_second_look_keeps_the_lock() -> None:
    commands = played(activate_dr(), {Step.LOOK_AGAIN: [stopped("PrimaryNotFailed")]})

    assert calls(commands) == [*STEPS[:4], FINISH]


def test_a_check_that_could_not_be_made_does_not_stop_the_failover() -> None:
    commands = played(activate_dr(), {Step.VERIFY_OPERATIONS: [skipped()]})

    assert args_of(commands, FINISH) == [{"result": {}}]


def test_the_same_answers_lead_to_the_same_commands() -> None:
    first, second = once_more(
        activate_dr,
        {
            Step.START_DR_CLUSTER: [waiting(15.0, start="12:00"), done(start="12:00")],
            Step.LOOK_AGAIN: [done(etag="v7"), done(etag="v8")],
            Step.ACTIVATE_DR: [again(), waiting(1.0, etag="v8"), done(fencing_token="8")],
            Step.VERIFY_DR_ACTIVE: [stopped()],
        },
    )

    assert first == second
    assert len(first) == 13
