"""The replay agrees with the real Durable library about ids, order and ends."""

# The Durable library has no type hints.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.host.decisions import Completion, CreateTimer, Outcome, RuntimeStatus
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


def test_the_context_has_the_fields_of_the_extension_and_seven_digit_times() -> None:
    run = Simulation(one_activity, {"k": 1})
    run.begin()
    context = run.contexts[0]
    assert set(context) == {
        "history",
        "input",
        "instanceId",
        "isReplaying",
        "parentInstanceId",
        "upperSchemaVersion",
        "upperSchemaVersionNew",
        "longRunningTimerIntervalDuration",
        "maximumShortTimerDuration",
        "defaultHttpAsyncRequestSleepTimeMillseconds",
    }
    assert context["input"] == '{"k": 1}'
    assert [event["EventType"] for event in context["history"]] == [12, 0]
    assert context["history"][1]["Version"] == "7"
    assert all(re.fullmatch(r".{19}\.\d{7}Z", event["Timestamp"]) for event in context["history"])


def test_an_activity_result_reaches_the_orchestrator_and_completes_it() -> None:
    run = Simulation(one_activity)
    assert ids(run.begin()) == [("activity", 0)]
    assert ended(run.episode(run.done(0, [1, 2]))) == Completion(status=RuntimeStatus.COMPLETED, output="[1, 2]")
    assert [event["IsPlayed"] for event in run.contexts[1]["history"]] == [True] * 4 + [False] * 2


def test_two_failed_attempts_take_four_ids_and_the_next_task_is_number_four() -> None:
    def retrying(context: Any) -> Any:
        try:
            yield context.call_activity_with_retry("work", RETRY)
        except Exception:
            return (yield context.call_activity("other"))

    run = Simulation(retrying)
    assert ids(run.begin()) == [("activity", 0)]
    delay = run.episode(run.failed(0))
    assert ids(delay) == [("timer", 1)]
    fired = run.fired(delay)
    assert run.now == START + timedelta(seconds=1)
    assert ids(run.episode(fired)) == [("activity", 2)]
    dummy = run.episode(run.failed(2))
    assert ids(dummy) == [("timer", 3)]
    assert dummy.decisions[0] == CreateTimer(task_id=3, fire_at=run.now, cancelled=False)
    assert ids(run.episode(run.fired(dummy))) == [("activity", 4)]
    assert ended(run.episode(run.done(4, "ok"))).output == '"ok"'


def test_waiting_for_an_event_takes_no_id() -> None:
    def waiting(context: Any) -> Any:
        yield context.wait_for_external_event("Go")
        yield context.call_activity("work")

    run = Simulation(waiting)
    assert ids(run.begin()) == []
    assert ids(run.episode(run.raised("Go", 1))) == [("activity", 0)]


def test_an_event_that_arrives_before_the_wait_is_kept() -> None:
    def late(context: Any) -> Any:
        yield context.call_activity("work")
        return (yield context.wait_for_external_event("Go"))

    run = Simulation(late)
    run.begin()
    assert run.episode(run.raised("Go", {"n": 1})).end is None
    assert ended(run.episode(run.done(0))).output == '{"n": 1}'


def test_an_event_in_another_case_frees_the_walk_but_not_the_python_code() -> None:
    def waiting(context: Any) -> Any:
        return (yield context.wait_for_external_event("Go"))

    run = Simulation(waiting)
    run.begin()
    assert run.episode(run.raised("GO", 1)).end is None
    assert ended(run.episode(run.raised("Go", 2))).output == "2"


def test_after_a_fast_failure_the_walk_waits_for_the_slow_sibling() -> None:
    def gather(context: Any) -> Any:
        try:
            yield context.task_all([context.call_activity("work"), context.call_activity("other")])
        except Exception:
            return (yield context.call_activity("work", "cleanup"))

    run = Simulation(gather)
    run.begin()
    assert run.episode(run.failed(0)).decisions == ()
    assert ids(run.episode(run.done(1))) == [("activity", 2)]


def racing(cancel: bool) -> Any:
    def race(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([context.call_activity("work"), timer])
        if cancel:
            timer.cancel()
        return "done"

    return race


def test_a_losing_timer_delays_the_end_until_it_fires() -> None:
    run = Simulation(racing(cancel=False))
    begun = run.begin()
    assert run.episode(run.done(0)).end is None
    assert ended(run.episode(run.fired(begun))).output == '"done"'


def test_a_cancelled_timer_does_not_delay_the_end() -> None:
    run = Simulation(racing(cancel=True))
    run.begin()
    assert ended(run.episode(run.done(0))).output == '"done"'


def test_a_losing_activity_delays_the_end() -> None:
    def race(context: Any) -> Any:
        yield context.task_any([context.call_activity("work"), context.call_activity("other")])
        raise RuntimeError("after the race")

    run = Simulation(race)
    run.begin()
    assert run.episode(run.done(1)).end is None
    assert ended(run.episode(run.done(0))).output == "Orchestrator function 'sample' failed: after the race"


def test_the_losing_retry_of_a_race_goes_on_in_the_background() -> None:
    def race(context: Any) -> Any:
        yield context.task_any([context.call_activity_with_retry("work", RETRY), context.call_activity("other")])
        return "won"

    run = Simulation(race)
    run.begin()
    assert run.episode(run.done(1)).end is None
    delay = run.episode(run.failed(0))
    assert ids(delay) == [("timer", 2)]
    assert ids(run.episode(run.fired(delay))) == [("activity", 3)]
    assert ended(run.episode(run.done(3))).output == '"won"'
