"""Alerts come in, and a failover begins by itself when it should, once, and never more than the cap at a time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.alerts import Alert, AlertCondition, AlertKind, Taken
from shared.domain.automatic import AUTOMATIC
from shared.domain.events import EventType
from shared.domain.faults import LockStoreUnavailable, OutcomeUnknown
from shared.domain.modes import AutoFailover
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.policy import Policy
from shared.steps.automatic_places import UNCLEAR_FOR_S
from shared.steps.begin_automatic import automatic_failovers, begin_automatic
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.finish_operation import end_record
from shared.steps.take_alert import take_alert
from shared.steps.watch_health import watch_health
from tests.unit.builders import PROPERTY
from tests.unit.steps.fleet import Fleet

ON = AutoFailover.ON


def alert(fleet: Fleet, name: str, **changes: Any) -> Alert:
    """Return an alert that has just fired and says that the primary of an environment is dead."""
    now = fleet.clock.now()
    fired = Alert(
        id=f"alert-{name}", condition=AlertCondition.FIRED, environment=name, intent="primary-failed",
        kind=AlertKind.METRIC, received_at=now, fired_at=now, rule="heartbeat missing", severity="Sev1",
    )  # fmt: skip
    return replace(fired, **changes)


def failed(fleet: Fleet, *names: str, mode: AutoFailover = ON) -> Fleet:
    """Let the primaries of these environments die one after the other until the monitor has marked them."""
    fleet.set_modes(mode)
    fleet.silent |= set(names)
    fleet.pass_time(3 * 120 + 30)
    assert set(names) <= set(fleet.marked())
    return fleet


def tick(fleet: Fleet) -> list[OperationRequest]:
    """Let the monitor tick as its timer does, with what may begin after it."""
    return automatic_failovers(fleet.ports, watch_health(fleet.ports).candidates)


def running(fleet: Fleet) -> list[str]:
    """Return the environments in which an operation runs that nobody asked for."""
    locks = [fleet.lock(name) for name in fleet.names]
    return [lock.environment for lock in locks if lock.operation and lock.operation.requested_by == AUTOMATIC]


def leave(fleet: Fleet, name: str) -> None:
    """End the running operation of an environment, as its last step does."""
    found = fleet.ports.locks.read(name)
    assert found is not None
    assert found.value.operation is not None
    request = found.value.operation
    left = replace(found.value, operation=None, last_operation_id=request.id, written_by="left")
    fleet.ports.locks.replace(left, etag=found.etag)
    end_record(fleet.ports, request, {"error": {"code": "StepTimeout"}}, lock_moved=False)


def told(fleet: Fleet, outcome: str) -> list[str]:
    return [e.environment for e in fleet.events(EventType.AUTOMATIC_DECIDED) if e.data["outcome"] == outcome]


def test_an_alert_and_the_mark_begin_one_failover_that_moves_the_lock() -> None:
    fleet = failed(Fleet(1), "E000")
    came = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert take_alert(fleet.ports, alert(fleet, "E000", traceparent=came)) is Taken.ACCEPTED

    begun = tick(fleet)

    known = [(one.kind, one.requested_by, one.traceparent) for one in begun]
    assert known == [(OperationKind.FAILOVER, AUTOMATIC, came)]
    assert ("heartbeat missing" in begun[0].reason, tick(fleet)) == (True, [])
    entry = fleet.ports.audit.last("E000")
    assert entry is not None
    assert (entry.action, entry.actor) == ("failover.begun", AUTOMATIC)
    assert told(fleet, "start") == ["E000"]


def test_whichever_witness_comes_first_nothing_begins_before_both_are_there() -> None:
    alert_first = Fleet(1)
    alert_first.set_modes(ON)
    alert_first.silent = {"E000"}
    take_alert(alert_first.ports, alert(alert_first, "E000"))
    assert begin_automatic(alert_first.ports, "E000") is None
    alert_first.pass_time(300)
    assert tick(alert_first) == []
    alert_first.pass_time(90)
    assert len(tick(alert_first)) == 1

    mark_first = failed(Fleet(1), "E000")
    assert tick(mark_first) == []
    take_alert(mark_first.ports, alert(mark_first, "E000"))
    assert len(tick(mark_first)) == 1


def test_ten_thousand_deliveries_of_one_alert_make_one_event_and_one_operation() -> None:
    fleet = failed(Fleet(1), "E000")
    taken, begun = [], []
    for delivery in range(10_000):
        found = take_alert(fleet.ports, alert(fleet, "E000", fired_at=fleet.clock.now() - timedelta(seconds=30)))
        taken.append(found)
        if found is Taken.ACCEPTED or delivery % 1000 == 0:
            begun += automatic_failovers(fleet.ports, ["E000"])

    assert (taken.count(Taken.ACCEPTED), taken.count(Taken.DUPLICATE)) == (1, 9_999)
    assert len(begun) == 1
    assert len(fleet.events(EventType.ALERT_RECEIVED)) == 1
    assert len(fleet.tables.operations.rows.snapshot().rows) == 1


def test_of_two_deliveries_at_the_same_moment_one_is_accepted() -> None:
    racing: list[Fleet] = []
    others: list[Taken] = []

    def race(point: str) -> None:
        if point == "events.insert.before" and racing:
            fleet = racing.pop()
            others.append(take_alert(fleet.ports, alert(fleet, "E000")))

    fleet = Fleet(1, fault=race)
    racing.append(fleet)

    mine = take_alert(fleet.ports, alert(fleet, "E000"))

    assert sorted(taken.value for taken in (mine, *others)) == ["accepted", "duplicate"]
    assert len(fleet.events(EventType.ALERT_RECEIVED)) == 1


def test_many_rules_that_fire_about_one_outage_begin_one_operation() -> None:
    fleet = failed(Fleet(1), "E000")
    begun = []
    for number in range(50):
        take_alert(fleet.ports, alert(fleet, "E000", id=f"rule-{number}"))
        begun += automatic_failovers(fleet.ports, ["E000"])
    assert len(begun) == 1


def test_a_storm_over_fifty_environments_never_exceeds_the_cap() -> None:
    """Twenty of fifty: fewer than most, so it is no mass silence, and ten times as many as may run at once."""
    fleet = failed(Fleet(50), *(f"E{number:03d}" for number in range(20)))
    done: list[str] = []
    for _ in range(30):
        for name in fleet.names:
            take_alert(fleet.ports, alert(fleet, name, id=f"alert-{name}-{len(done)}"))
            automatic_failovers(fleet.ports, [name])
            assert len(running(fleet)) <= fleet.policy.auto_failovers_at_once
        tick(fleet)
        assert len(running(fleet)) <= fleet.policy.auto_failovers_at_once
        done += running(fleet)
        for name in running(fleet):
            leave(fleet, name)
    assert sorted(done) == [f"E{number:03d}" for number in range(20)]  # each once: the cool-down keeps it from more


def test_when_most_environments_fall_silent_together_not_one_failover_begins() -> None:
    fleet = Fleet(50)
    fleet.set_modes(ON)
    fleet.silent = set(fleet.names)
    for _ in range(60):
        fleet.pass_time(15)
        for name in fleet.names:
            take_alert(fleet.ports, alert(fleet, name))
        assert automatic_failovers(fleet.ports, fleet.names) == []
    assert running(fleet) == []


@settings(PROPERTY, max_examples=40)
@given(
    st.lists(st.sampled_from(["alert", "die", "back", "tick", "wait", "resolve", "look"]), min_size=3, max_size=25),
    st.sampled_from([AutoFailover.OFF, AutoFailover.OBSERVE]),
)
def test_with_off_or_observe_nothing_starts_ever(story: list[str], mode: AutoFailover) -> None:
    fleet = Fleet(2)
    fleet.set_modes(mode)
    for number, what in enumerate(story):
        match what:
            case "alert":
                take_alert(fleet.ports, alert(fleet, "E000", id=f"alert-{number}"))
            case "resolve":
                take_alert(fleet.ports, alert(fleet, "E000", condition=AlertCondition.RESOLVED))
            case "die":
                fleet.silent.add("E000")
            case "back":
                fleet.silent.discard("E000")
            case "wait":
                fleet.pass_time(400)
            case "look":
                assert automatic_failovers(fleet.ports, fleet.names) == []
            case _:
                assert tick(fleet) == []
    assert fleet.tables.operations.rows.snapshot().rows == {}
    assert fleet.tables.automatic.rows.snapshot().rows == {}


def test_observe_tells_once_what_would_have_been_done_and_why() -> None:
    fleet = failed(Fleet(1), "E000", mode=AutoFailover.OBSERVE)
    take_alert(fleet.ports, alert(fleet, "E000"))

    assert [tick(fleet) for _ in range(5)] == [[]] * 5

    assert told(fleet, "would_start") == ["E000"]
    event = fleet.events(EventType.AUTOMATIC_DECIDED)[-1]
    assert event.data["broken"] == ["auto_failover_is_on"]


def test_off_records_the_alert_and_why_nothing_begins() -> None:
    fleet = failed(Fleet(1), "E000", mode=AutoFailover.OFF)
    take_alert(fleet.ports, alert(fleet, "E000"))
    assert automatic_failovers(fleet.ports, ["E000"]) == []
    assert (len(fleet.events(EventType.ALERT_RECEIVED)), told(fleet, "no")) == (1, ["E000"])


def test_a_mode_that_is_switched_off_between_decision_and_write_wins() -> None:
    switching: list[Fleet] = []

    def switch(point: str) -> None:
        if point == "automatic.insert.before" and switching:
            switching.pop().set_modes(AutoFailover.OFF)

    fleet = failed(Fleet(1, fault=switch), "E000")
    take_alert(fleet.ports, alert(fleet, "E000"))
    switching.append(fleet)

    assert tick(fleet) == []

    assert not switching
    assert (running(fleet), fleet.lock("E000").operation) == ([], None)
    runs = fleet.ports.automatic.read()
    assert runs is not None
    assert (runs.value.running, runs.value.last_began) == ((), {})


def test_two_instances_that_find_the_last_place_free_take_it_once() -> None:
    racing: list[Fleet] = []
    others: list[OperationRequest] = []

    def race(point: str) -> None:
        if point == "automatic.insert.before" and racing:
            others.extend(automatic_failovers(racing.pop().ports, ["E001"]))

    fleet = failed(Fleet(5, policy=Policy(auto_failovers_at_once=1), fault=race), "E000", "E001")
    for name in ("E000", "E001"):
        take_alert(fleet.ports, alert(fleet, name))
    racing.append(fleet)

    mine = automatic_failovers(fleet.ports, ["E000"])

    assert not racing
    assert (mine, [one.environment for one in others]) == ([], ["E001"])
    assert running(fleet) == ["E001"]


def test_a_place_whose_taker_died_is_free_only_after_its_write_can_never_land() -> None:
    dying = False

    def die(point: str) -> None:
        if dying and point == "locks.replace.before":
            raise LockStoreUnavailable(point)

    fleet = failed(Fleet(5, policy=Policy(auto_failovers_at_once=1), fault=die), "E000", "E001")
    for name in ("E000", "E001"):
        take_alert(fleet.ports, alert(fleet, name))
    dying = True
    assert automatic_failovers(fleet.ports, ["E000"]) == []
    dying = False
    late = fleet.ports.locks.read("E000")
    assert late is not None

    assert automatic_failovers(fleet.ports, ["E001"]) == []  # the write of E000 may still be on its way
    fleet.clock.time += timedelta(seconds=UNCLEAR_FOR_S + 1)
    assert automatic_failovers(fleet.ports, ["E001"]) == []  # this look makes sure of it
    begun = automatic_failovers(fleet.ports, ["E001"])

    assert [one.environment for one in begun] == ["E001"]
    now = fleet.ports.locks.read("E000")
    assert now is not None
    assert now.etag != late.etag


def test_a_place_taken_with_a_lost_answer_is_used() -> None:
    losing = False

    def lose(point: str) -> None:
        if losing and point == "automatic.insert.after":
            raise OutcomeUnknown(point)

    fleet = failed(Fleet(1, fault=lose), "E000")
    take_alert(fleet.ports, alert(fleet, "E000"))
    losing = True
    assert len(tick(fleet)) == 1


def test_a_failover_that_failed_is_not_repeated_before_the_cool_down_is_over_and_people_need_not_wait() -> None:
    fleet = failed(Fleet(1), "E000")
    take_alert(fleet.ports, alert(fleet, "E000"))
    assert len(tick(fleet)) == 1
    leave(fleet, "E000")
    take_alert(fleet.ports, alert(fleet, "E000", id="again"))
    assert tick(fleet) == []

    begun = begin_operation(fleet.ports, "E000", OperationKind.FAILOVER, requested_by="jana", reason="now")
    assert isinstance(begun, Begun)
    leave(fleet, "E000")
    fleet.pass_time(fleet.policy.auto_cool_down_s)
    take_alert(fleet.ports, alert(fleet, "E000", id="later"))

    assert len(tick(fleet)) == 1


def test_a_resolved_alert_takes_back_and_never_fails_back() -> None:
    fleet = failed(Fleet(1), "E000")
    take_alert(fleet.ports, alert(fleet, "E000"))
    take_alert(fleet.ports, alert(fleet, "E000", condition=AlertCondition.RESOLVED))
    assert tick(fleet) == []
    for kind in ("primary-recovered", "primary-failed"):
        take_alert(fleet.ports, alert(fleet, "E000", id=kind, intent=kind, condition=AlertCondition.RESOLVED))
        assert automatic_failovers(fleet.ports, ["E000"]) == []
    assert fleet.tables.operations.rows.snapshot().rows == {}


def test_an_alert_of_another_environment_is_no_evidence() -> None:
    fleet = failed(Fleet(3), "E000")
    take_alert(fleet.ports, alert(fleet, "E001"))
    assert automatic_failovers(fleet.ports, fleet.names) == []


def test_an_alert_that_names_no_environment_of_ours_is_kept_nowhere() -> None:
    fleet = Fleet(1)
    for name in ("", "E999", "e000"):
        assert take_alert(fleet.ports, alert(fleet, name)) is Taken.UNASSIGNED
    assert fleet.tables.alerts.rows.snapshot().rows == {}


def test_an_old_alert_is_recorded_and_not_acted_on() -> None:
    fleet = failed(Fleet(1), "E000")
    old = fleet.clock.now() - timedelta(minutes=15, seconds=1)
    assert take_alert(fleet.ports, alert(fleet, "E000", fired_at=old)) is Taken.STALE
    assert fleet.events(EventType.ALERT_RECEIVED)[0].data["stale"] is True
    assert tick(fleet) == []


@pytest.mark.parametrize(
    "point", ["alerts.insert.before", "alerts.insert.after", "events.list", "events.insert.before"]
)
@pytest.mark.parametrize("fault", [LockStoreUnavailable, OutcomeUnknown])
def test_a_delivery_that_breaks_off_is_completed_by_the_next_one(point: str, fault: Callable[[str], Exception]) -> None:
    failing: list[str] = []

    def fail(reached: str) -> None:
        if reached in failing:
            failing.remove(reached)
            raise fault(reached)

    fleet = failed(Fleet(1, fault=fail), "E000")
    failing.append(point)
    one = alert(fleet, "E000")
    try:
        take_alert(fleet.ports, one)
    except (LockStoreUnavailable, OutcomeUnknown):
        take_alert(fleet.ports, replace(one, received_at=one.received_at + timedelta(seconds=5)))

    assert not failing
    assert len(fleet.events(EventType.ALERT_RECEIVED)) == 1
    assert len(tick(fleet)) == 1


def test_an_automatic_failover_carries_itself_out_to_the_end() -> None:
    world = World().founded()
    found = world.ports.locks.read("PRO")
    assert found is not None
    modes = replace(found.value.modes, auto_failover=ON)
    world.ports.locks.replace(replace(found.value, modes=modes, written_by="test"), etag=found.etag)
    world.primary.alive = False
    world.pass_time(400)
    now = world.clock.now()
    take_alert(world.ports, Alert(
        id="a", condition=AlertCondition.FIRED, environment="PRO", intent="primary-failed", kind=AlertKind.METRIC,
        received_at=now,
    ))  # fmt: skip

    begun = automatic_failovers(world.ports, watch_health(world.ports).candidates)
    run_operation(world.ports, begun[0], sleep=world.pass_time)

    assert (world.operation(begun[0].id).status.value, world.lock.holder) == ("succeeded", "gw-pro-dr")
    assert automatic_failovers(world.ports, ["PRO"]) == []
