"""Changed code, long timers, new generations and refusals: how a replayed execution goes on or ends."""

# The Durable library has no type hints.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.host import history
from devhost.host.decisions import Completion, ContinueAsNew, Outcome, RuntimeStatus, StartChild
from devhost.host.episode import start_message
from tests.devhost.host.simulation import START, Simulation, ids

# Both come from the library's own decoding of results: advice about strict typing, and an event nobody waits for yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:azure.functions df_loads:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Potential duplicate Task completion"),
]

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=1000, max_number_of_attempts=2)


def ended(outcome: Outcome) -> Completion:
    assert isinstance(outcome.end, Completion)
    return outcome.end


def one_activity(context: Any) -> Any:
    return (yield context.call_activity("work", {"a": 1}))


def test_changed_code_fails_the_instance_with_the_fixed_prefix() -> None:
    def other(context: Any) -> Any:
        yield context.call_activity("other")

    run = Simulation(one_activity)
    run.begin()
    run.become(other)
    end = ended(run.episode(run.done(0)))
    assert end.status is RuntimeStatus.FAILED
    assert (end.output or "").startswith("Non-Deterministic workflow detected:")


def test_code_that_asks_for_less_than_before_is_detected() -> None:
    def empty(context: Any) -> Any:
        yield context.wait_for_external_event("never")

    run = Simulation(one_activity)
    run.begin()
    run.become(empty)
    assert (ended(run.episode(run.done(0))).output or "").startswith("Non-Deterministic workflow detected:")


def test_an_activity_name_in_another_case_is_the_same_activity() -> None:
    def shouting(context: Any) -> Any:
        return (yield context.call_activity("WORK", {"a": 1}))

    run = Simulation(one_activity)
    run.begin()
    run.become(shouting)
    assert ended(run.episode(run.done(0, 5))).output == "5"


def test_a_timer_beyond_six_days_goes_in_steps_of_three_days() -> None:
    def long(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=10))
        return str(context.current_utc_datetime)

    run = Simulation(long)
    outcome = run.begin()
    steps = []
    while outcome.end is None:
        fired = run.fired(outcome)
        steps.append((run.now - START).days)
        outcome = run.episode(fired)
    assert steps == [3, 6, 10]
    assert ended(outcome).output == f'"{START + timedelta(days=10)}"'


def test_continue_as_new_carries_later_events_and_keeps_the_custom_status() -> None:
    def rounds(context: Any) -> Any:
        if context.get_input() == 2:
            return (yield context.wait_for_external_event("Carried"))
        context.set_custom_status("first round")
        yield context.wait_for_external_event("Next")
        context.continue_as_new(2)

    run = Simulation(rounds, 1)
    run.begin()
    outcome = run.episode(run.raised("Next", None), run.raised("Carried", "kept"))
    assert isinstance(outcome.end, ContinueAsNew)
    assert run.instance.execution_id == "execution-2"
    assert run.past == ()
    start, carried = (message.event for message in run.writes.messages)
    assert start["OrchestrationInstance"]["ExecutionId"] == "execution-2"
    assert ended(run.episode(start, carried)).output == '"kept"'
    assert run.instance.custom_status == '"first round"'


def test_a_sub_orchestration_gets_an_id_from_its_parent_and_its_failure_text_reaches_the_parent() -> None:
    def calling(context: Any) -> Any:
        try:
            yield context.call_sub_orchestrator("sub", 1)
        except Exception as error:
            return str(error).partition("\n")[0]

    run = Simulation(calling)
    (child,) = run.begin().decisions
    assert isinstance(child, StartChild)
    assert child.input_text == '"1"'
    assert run.writes.children[0][0].instance_id == "execution-1:0"
    end = ended(run.episode(history.child_failed(run.now, 0, "went wrong", "details")))
    assert end.output == '"went wrong "'


def test_while_suspended_nothing_is_decided_and_everything_is_made_up_for_on_resume() -> None:
    def two_steps(context: Any) -> Any:
        yield context.call_activity("work")
        yield context.call_activity("other")

    run = Simulation(two_steps)
    run.begin()
    run.episode(history.execution_suspended(run.now, ""))
    assert run.instance.status is RuntimeStatus.SUSPENDED
    assert run.episode(run.done(0)).decisions == ()
    assert ids(run.episode(history.execution_resumed(run.now, ""))) == [("activity", 1)]
    assert ended(run.episode(run.done(1))).status is RuntimeStatus.COMPLETED


def test_a_suspension_that_arrives_with_the_start_withholds_the_first_decisions() -> None:
    run = Simulation(one_activity)
    start = start_message(run.instance, run.now).event
    assert run.episode(start, history.execution_suspended(run.now, "")).decisions == ()
    assert ids(run.episode(history.execution_resumed(run.now, ""))) == [("activity", 0)]


def test_a_suspended_execution_does_not_end_until_it_is_resumed() -> None:
    run = Simulation(one_activity)
    run.begin()
    run.episode(history.execution_suspended(run.now, ""))
    assert run.episode(run.done(0, 1)).end is None
    assert ended(run.episode(history.execution_resumed(run.now, ""))).output == "1"


def test_an_unknown_activity_fails_the_instance_instead_of_hanging_it() -> None:
    def misspelt(context: Any) -> Any:
        yield context.call_activity("wrok")

    end = ended(Simulation(misspelt).begin())
    assert (end.output or "").startswith("The function 'wrok' doesn't exist")


def test_an_entity_call_fails_with_a_message_that_says_what_is_missing() -> None:
    def counting(context: Any) -> Any:
        yield context.call_entity(df.EntityId("counter", "k"), "add", 1)

    assert "does not offer the action CALL_ENTITY" in (ended(Simulation(counting).begin()).output or "")


def test_a_custom_status_above_sixteen_kilobytes_fails_the_instance() -> None:
    def talkative(context: Any) -> Any:
        context.set_custom_status("x" * 8191)
        yield context.call_activity("work")

    assert "16 KB" in (ended(Simulation(talkative).begin()).output or "")


def test_a_completion_nobody_waits_for_changes_nothing() -> None:
    run = Simulation(one_activity)
    run.begin()
    ended(run.episode(run.done(0, "first"), history.timer_fired(run.now, 9, run.now)))


def test_a_naive_timer_fails_the_orchestration() -> None:
    def naive(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime.replace(tzinfo=None))

    assert ended(Simulation(naive).begin()).status is RuntimeStatus.FAILED
