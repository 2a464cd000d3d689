"""The pieces flows are made of: wait for a step, move the lock at the version that was judged, end the operation."""

from collections.abc import Sequence

from shared.domain.operations import Step
from shared.flows.commands import Call, Command, Flow, Sleep, StepOutcome, StepResult
from shared.flows.procedures import LOOKS_LIMIT, POLLS_LIMIT, completed, ended_badly, ended_well, moved
from tests.unit.flows.script import again, done, played, skipped, stopped, waiting

LOOK, SWITCH, FINISH = Step.LOOK_AGAIN, Step.ACTIVATE_DR, Step.FINISH_OPERATION


def result_of(flow: Flow[StepResult], answers: Sequence[StepResult]) -> tuple[list[Command], StepResult]:
    """Return the commands and the result of a piece whose calls get these answers, one after another."""
    left, commands = list(answers), [next(flow)]
    try:
        while True:
            answer = done() if isinstance(commands[-1], Sleep) else left.pop(0)
            commands.append(flow.send(answer))
    except StopIteration as end:
        ended: StepResult = end.value
    assert not left
    return commands, ended


def test_a_step_that_is_done_at_once_runs_once() -> None:
    commands, result = result_of(completed(LOOK, {"a": 1}), [done(b=2)])

    assert commands == [Call(LOOK, {"a": 1})]
    assert result == done(b=2)


def test_a_step_that_waits_runs_again_with_what_it_handed_on_after_as_long_as_it_said() -> None:
    commands, result = result_of(
        completed(LOOK, {"a": 1}), [waiting(15.0, since="12:00"), waiting(2.5, since="12:00", polls=2), done()]
    )

    assert commands == [
        Call(LOOK, {"a": 1}),
        Sleep(15.0),
        Call(LOOK, {"since": "12:00"}),
        Sleep(2.5),
        Call(LOOK, {"since": "12:00", "polls": 2}),
    ]
    assert result == done()


def test_a_step_that_could_not_be_checked_is_not_waited_for() -> None:
    commands, result = result_of(completed(LOOK, {}), [skipped()])

    assert commands == [Call(LOOK, {})]
    assert result.outcome is StepOutcome.SKIPPED


def test_a_step_that_waits_for_ever_ends_the_operation() -> None:
    commands, result = result_of(completed(LOOK, {}), [waiting(0.0)] * POLLS_LIMIT)

    assert len(commands) == 2 * POLLS_LIMIT
    assert result.outcome is StepOutcome.STOPPED
    assert result.error == {"code": "StepTimeout", "message": "look_again never ended"}


def test_the_lock_moves_at_exactly_what_was_judged() -> None:
    judged = done(etag="v7", to="gw-pro-dr", token="8")

    commands, result = result_of(moved(LOOK, SWITCH), [judged, done(mirror="raised")])

    assert commands == [Call(LOOK, {}), Call(SWITCH, {"etag": "v7", "to": "gw-pro-dr", "token": "8"})]
    assert result == done(mirror="raised")


def test_a_lock_that_changed_since_it_was_judged_is_judged_anew() -> None:
    commands, result = result_of(moved(LOOK, SWITCH), [done(etag="v7"), again(), done(etag="v9"), done(token="9")])

    assert commands == [
        Call(LOOK, {}),
        Call(SWITCH, {"etag": "v7"}),
        Call(LOOK, {}),
        Call(SWITCH, {"etag": "v9"}),
    ]
    assert result == done(token="9")


def test_a_refusal_at_the_second_look_moves_nothing() -> None:
    commands, result = result_of(moved(LOOK, SWITCH), [stopped("PrimaryNotFailed")])

    assert commands == [Call(LOOK, {})]
    assert result == stopped("PrimaryNotFailed")


def test_a_refusal_after_the_lock_changed_moves_nothing() -> None:
    commands, result = result_of(moved(LOOK, SWITCH), [done(etag="v7"), again(), stopped("PrimaryNotFailed")])

    assert commands == [Call(LOOK, {}), Call(SWITCH, {"etag": "v7"}), Call(LOOK, {})]
    assert result == stopped("PrimaryNotFailed")


def test_a_move_that_waits_repeats_the_same_write_without_looking_again() -> None:
    judged = {"etag": "v7", "token": "8"}

    commands, _ = result_of(
        moved(LOOK, SWITCH), [done(**judged), waiting(1.0, **judged, since="12:00"), done(mirror="pending")]
    )

    assert commands == [
        Call(LOOK, {}),
        Call(SWITCH, judged),
        Sleep(1.0),
        Call(SWITCH, {**judged, "since": "12:00"}),
    ]


def test_a_lock_that_keeps_changing_ends_the_operation() -> None:
    commands, result = result_of(moved(LOOK, SWITCH), [done(), again()] * LOOKS_LIMIT)

    assert len(commands) == 2 * LOOKS_LIMIT == 40
    assert result.outcome is StepOutcome.STOPPED
    assert result.error["code"] == "Superseded"


def test_an_operation_that_went_well_is_finished_with_its_result() -> None:
    assert played(ended_well({"fencing_token": "8"})) == [Call(FINISH, {"result": {"fencing_token": "8"}})]


def test_an_operation_that_stopped_is_finished_with_the_error_of_its_step() -> None:
    assert played(ended_badly(stopped("StepTimeout", "waited 600 s"))) == [
        Call(FINISH, {"error": {"code": "StepTimeout", "message": "No"}, "detail": "waited 600 s"})
    ]


def test_finishing_waits_for_a_store_that_does_not_answer() -> None:
    commands = played(ended_well({"a": 1}), {FINISH: [waiting(2.0, result={"a": 1}, since="12:00"), done()]})

    assert commands == [
        Call(FINISH, {"result": {"a": 1}}),
        Sleep(2.0),
        Call(FINISH, {"result": {"a": 1}, "since": "12:00"}),
    ]
