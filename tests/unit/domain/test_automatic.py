"""May a failover begin without a person: each rule alone says no, and nothing but all of them says yes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alerts import Alert, AlertCondition, AlertKind, accusation
from shared.domain.automatic import AutomaticDecision, AutomaticRun, AutomaticRuns, Outcome, decide_automatic
from shared.domain.failover import Snapshot
from shared.domain.locks import EnvironmentLock
from shared.domain.mass_silence import MassSilence
from shared.domain.modes import AutoFailover, Modes
from tests.unit.builders import (
    DR,
    POLICY,
    PRIMARY,
    PROPERTY,
    SECOND,
    T0,
    TOKEN,
    above,
    at_version,
    failed_snapshot,
    lock,
    mark,
    mirror_of,
    primary_gateway,
    request,
    sight,
)  # fmt: skip

ON = Modes(auto_failover=AutoFailover.ON)


def alert(**changes: Any) -> Alert:
    """Return an alert that fired a minute ago and says that the primary is dead."""
    fired = Alert(
        id="alert-1", condition=AlertCondition.FIRED, environment="PRO", intent="primary-failed",
        kind=AlertKind.METRIC, received_at=T0 - 55 * SECOND, fired_at=T0 - 60 * SECOND, rule="heartbeat missing",
    )  # fmt: skip
    return replace(fired, **changes)


def seen(modes: Modes = ON, **changes: Any) -> Snapshot:
    """Return PRO with its primary marked failed."""
    return failed_snapshot(lock=at_version(lock(failed=(mark(),), modes=modes, **changes)))


def decided(
    snapshot: Snapshot | None = None, alerts: list[Alert] | None = None, runs: AutomaticRuns | None = None
) -> AutomaticDecision:
    return decide_automatic(
        snapshot or seen(), [alert()] if alerts is None else alerts, runs or AutomaticRuns(), POLICY
    )


def run(environment: str, began_at: datetime = T0) -> AutomaticRun:
    return AutomaticRun(environment=environment, operation_id=f"{environment}-1", lock_etag="v1", began_at=began_at)


def broken(decision: AutomaticDecision) -> list[str]:
    return [rule.name for rule in decision.broken]


def test_an_alert_and_the_monitors_own_mark_start_a_failover_at_the_version_that_was_judged() -> None:
    decision = decided()
    assert (decision.outcome, broken(decision)) == (Outcome.START, [])
    assert decision.allowed is not None
    assert (decision.allowed.to, decision.allowed.lock.etag) == (DR, "v7")


def test_observe_says_what_would_have_been_done_and_carries_no_lock_to_write_on() -> None:
    decision = decided(seen(Modes(auto_failover=AutoFailover.OBSERVE)))
    assert (decision.outcome, broken(decision), decision.allowed) == (
        Outcome.WOULD_START, ["auto_failover_is_on"], None,
    )  # fmt: skip


def without_mark(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, lock=at_version(lock(modes=ON)))


def with_mark_of_another_token(snapshot: Snapshot) -> Snapshot:
    held = lock(modes=ON, token=above(TOKEN), failed=(mark(),))
    return replace(snapshot, lock=at_version(held), mirror=mirror_of(held))


def beating_again(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, primary=primary_gateway())


def blind(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, sight=None)


def in_mass_silence(snapshot: Snapshot) -> Snapshot:
    silence = MassSilence(since=T0 - 60 * SECOND, members=frozenset({PRIMARY}))
    return replace(snapshot, sight=replace(sight(), silence=silence))


def without_standby(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, dr=None)


SNAPSHOTS: list[tuple[Callable[[Snapshot], Snapshot], set[str]]] = [
    (without_mark, {"primary_is_marked_failed", "activation_is_allowed"}),
    (with_mark_of_another_token, {"primary_is_marked_failed", "activation_is_allowed"}),
    (beating_again, {"primary_is_marked_failed", "activation_is_allowed"}),
    (blind, {"primary_is_marked_failed", "activation_is_allowed"}),
    (in_mass_silence, {"primary_is_marked_failed", "no_mass_silence"}),
    (without_standby, {"activation_is_allowed"}),
]


@pytest.mark.parametrize(("change", "names"), SNAPSHOTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_primary_that_is_not_surely_dead_is_left_alone(
    change: Callable[[Snapshot], Snapshot], names: set[str]
) -> None:
    decision = decided(change(seen()))
    assert (decision.outcome, set(broken(decision))) == (Outcome.NO, names)


MODES: list[tuple[Modes, list[str]]] = [
    (Modes(), ["auto_failover_is_on"]),
    (replace(ON, paused_until=T0 + SECOND), ["is_not_paused"]),
    (replace(ON, two_person=True), ["needs_no_second_person"]),
]


@pytest.mark.parametrize(("modes", "names"), MODES)
def test_people_keep_the_last_word(modes: Modes, names: list[str]) -> None:
    decision = decided(seen(modes))
    assert (decision.outcome, broken(decision)) == (Outcome.NO, names)


def test_a_pause_that_is_over_holds_nothing_back() -> None:
    assert decided(seen(replace(ON, paused_until=T0))).outcome is Outcome.START


ALERTS: list[tuple[str, list[Alert]]] = [
    ("none", []),
    ("another intent", [alert(intent="signal")]),
    ("resolved", [alert(), alert(condition=AlertCondition.RESOLVED)]),
    ("resolved, told first", [alert(condition=AlertCondition.RESOLVED, received_at=T0 - 70 * SECOND), alert()]),
    ("only resolved", [alert(condition=AlertCondition.RESOLVED)]),
    ("recovered in its own context", [alert(recovered=True)]),
    ("recovered by a later one of its rule", [alert(), alert(id="alert-2", recovered=True, received_at=T0)]),
    ("recovered by a rule for that", [alert(), alert(id="alert-2", intent="primary-recovered", received_at=T0)]),
    ("too old", [alert(fired_at=T0 - (POLICY.alert_age_limit_s + 1) * SECOND)]),
    ("of an earlier reign", [alert(fired_at=T0 - 4000 * SECOND, received_at=T0 - 3601 * SECOND)]),
]


@pytest.mark.parametrize(("why", "alerts"), ALERTS, ids=[name for name, _ in ALERTS])
def test_without_an_alert_that_stands_nothing_begins(why: str, alerts: list[Alert]) -> None:
    del why
    decision = decided(alerts=alerts)
    assert (decision.outcome, broken(decision)) == (Outcome.NO, ["azure_monitor_says_so"])


def test_an_alert_that_fired_before_the_present_reign_is_about_an_outage_that_is_over() -> None:
    decision = decided(seen(acquired_at=T0 - 30 * SECOND))
    assert broken(decision) == ["azure_monitor_says_so"]


STANDING: list[tuple[str, list[Alert]]] = [
    ("another alert resolved", [alert(), alert(id="alert-2", condition=AlertCondition.RESOLVED)]),
    ("an older one resolved, a newer fired", [
        alert(), alert(condition=AlertCondition.RESOLVED), alert(id="alert-2", received_at=T0),
    ]),
    ("recovery before it fired", [
        alert(id="alert-0", intent="primary-recovered", received_at=T0 - 200 * SECOND), alert(),
    ]),
    ("recovery of another rule", [alert(), alert(id="alert-2", recovered=True, rule="other", received_at=T0)]),
    ("its clock ahead of ours", [alert(fired_at=T0 + 600 * SECOND)]),
    ("without a time", [alert(fired_at=None)]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "alerts"), STANDING, ids=[name for name, _ in STANDING])
def test_an_alert_stands_until_it_is_taken_back(why: str, alerts: list[Alert]) -> None:
    del why
    assert decided(alerts=alerts).outcome is Outcome.START


def test_after_an_automatic_failover_the_environment_cools_down() -> None:
    for ago_s, outcome in ((1, Outcome.NO), (3599, Outcome.NO), (3600, Outcome.START)):
        decision = decided(runs=AutomaticRuns(last_began={"PRO": T0 - ago_s * SECOND, "NPR": T0}))
        assert decision.outcome is outcome
        assert broken(decision) == ([] if outcome is Outcome.START else ["cool_down_is_over"])


def test_no_more_than_so_many_run_at_once() -> None:
    one, two = AutomaticRuns(running=(run("NPR"),)), AutomaticRuns(running=(run("NPR"), run("DEV")))
    assert decided(runs=one).outcome is Outcome.START
    assert broken(decided(runs=two)) == ["below_the_cap"]


def test_while_an_operation_runs_no_other_begins() -> None:
    decision = decided(seen(operation=request()))
    assert (decision.outcome, broken(decision)) == (Outcome.NO, ["nothing_else_runs", "activation_is_allowed"])


def test_after_a_failover_the_dr_gateway_is_not_failed_over_to_itself() -> None:
    held = lock(holder=DR, modes=ON, failed=(mark(),))
    decision = decided(failed_snapshot(lock=at_version(held), mirror=mirror_of(held)))
    assert (decision.outcome, broken(decision)) == (Outcome.NO, ["primary_is_marked_failed", "activation_is_allowed"])


def test_every_rule_is_judged_and_says_what_would_have_to_change() -> None:
    decision = decided(seen(Modes()), alerts=[])
    shown = [rule.to_json() for rule in decision.rules]
    assert len(shown) == len({str(rule["rule"]) for rule in shown}) == 10
    assert all(("would_have_to_change" in rule) is not rule["holds"] for rule in shown)
    assert all(rule["inputs"] for rule in shown)


def test_an_environment_without_a_lock_is_left_alone() -> None:
    assert decided(failed_snapshot(lock=None)).outcome is Outcome.NO


flags = st.booleans()
alerts_about_pro = st.lists(
    st.builds(
        alert, id=st.sampled_from(["a", "b"]), condition=st.sampled_from(AlertCondition), recovered=flags,
        intent=st.sampled_from(["primary-failed", "primary-recovered", "signal"]),
        fired_at=st.none() | st.integers(-2000, 100).map(lambda s: T0 + s * SECOND),
        received_at=st.integers(-1000, 0).map(lambda s: T0 + s * SECOND),
    ), max_size=4,
)  # fmt: skip
all_modes = st.builds(
    Modes, auto_failover=st.sampled_from(AutoFailover), two_person=flags,
    paused_until=st.none() | st.integers(-10, 10).map(lambda s: T0 + s * SECOND),
)  # fmt: skip
all_runs = st.builds(
    AutomaticRuns, running=st.lists(st.sampled_from(["NPR", "DEV", "QA"]).map(run), max_size=3, unique=True).map(tuple),
    last_began=st.none().map(lambda _: {}) | st.integers(-7200, 0).map(lambda s: {"PRO": T0 + s * SECOND}),
)  # fmt: skip


@PROPERTY
@given(all_modes, alerts_about_pro, all_runs, flags, flags, flags)
def test_nothing_starts_unless_it_is_on_and_both_witnesses_agree(
    modes: Modes, alerts: list[Alert], runs: AutomaticRuns, marked: bool, busy: bool, fresh: bool
) -> None:
    held: EnvironmentLock = lock(modes=modes, failed=(mark(),) if marked else (), operation=request() if busy else None)
    snapshot = failed_snapshot(lock=at_version(held))
    decision = decided(beating_again(snapshot) if fresh else snapshot, alerts, runs)
    if decision.outcome is Outcome.START:
        assert modes.auto_failover is AutoFailover.ON
        assert not modes.is_paused(T0)
        assert not modes.two_person
        assert marked
        assert not busy
        assert not fresh
        assert any(one.accuses for one in alerts)
        assert len(runs.running) < POLICY.auto_failovers_at_once
        assert (
            accusation(alerts, reign_began_at=held.acquired_at, now=T0, age_limit_s=POLICY.alert_age_limit_s).alert
            is not None
        )
    if modes.auto_failover is AutoFailover.OFF:
        assert decision.outcome is Outcome.NO
    assert (decision.allowed is not None) == (decision.outcome is Outcome.START)
