"""Modes and pauses: set by conditional writes, told to everybody, and what a pause holds back (DECISIONS: modes)."""

from datetime import timedelta

import pytest

from devhost.simulation.world import World
from shared.domain.events import EventType
from shared.domain.faults import MalformedRequest, PreconditionFailed, UnknownEnvironment
from shared.domain.gateways import ActivationStatus
from shared.domain.health import Verdict
from shared.domain.locks import with_modes
from shared.domain.modes import LONGEST_PAUSE, MANUAL, AutoFailover, Lifting, Modes, Prewarm
from shared.domain.operations import OperationKind
from shared.domain.refusals import RefusalCode, Refused
from shared.steps.begin_operation import begin_operation
from shared.steps.change_modes import modes_of, pause_environment, put_modes, resume_environment
from shared.steps.watch_health import watch_health
from shared.steps.write_lock import replace_lock
from tests.unit.steps.acting import carried_out, everything

PRIMARY = "gw-pro-primary"


def put(world: World, *, version: str | None = None, auto: AutoFailover = AutoFailover.ON) -> Modes | Refused:
    expected = modes_of(world.ports, "PRO").version() if version is None else version
    return put_modes(
        world.ports, "PRO", auto_failover=auto, prewarm=Prewarm.OFF, two_person=False,
        matches=lambda found: found == expected, actor="jana", actor_id="id-jana", reason="test",
    )  # fmt: skip


def pause(world: World, minutes: float = 60) -> Modes | Refused:
    until = world.clock.now() + timedelta(minutes=minutes)
    return pause_environment(world.ports, "PRO", until=until, actor="jana", reason="network maintenance")


def told(world: World, kind: EventType) -> list[str]:
    return [event.id for event in world.ports.events.newest("PRO", limit=50) if event.type is kind]


def test_modes_are_set_in_the_lock_and_who_may_act_does_not_change() -> None:
    world = World().founded()
    before = world.lock

    assert put(world) == Modes(auto_failover=AutoFailover.ON)

    assert world.lock.modes == Modes(auto_failover=AutoFailover.ON)
    assert (world.lock.token, world.lock.holder) == (before.token, before.holder)
    assert len(told(world, EventType.MODES_CHANGED)) == 1
    entry = world.ports.audit.last("PRO")
    assert entry is not None
    assert (entry.action, entry.actor, entry.reason) == ("modes.changed", "jana", "test")


def test_modes_that_were_changed_since_the_caller_read_them_stay_as_they_are() -> None:
    world = World().founded()
    read = modes_of(world.ports, "PRO").version()
    put(world, auto=AutoFailover.OBSERVE)
    before = everything(world)

    with pytest.raises(PreconditionFailed):
        put(world, version=read)

    assert everything(world) == before


def test_another_write_of_the_lock_does_not_make_the_callers_version_stale() -> None:
    world = World().founded()
    read = modes_of(world.ports, "PRO").version()
    found = world.ports.locks.read("PRO")
    assert found is not None
    assert replace_lock(world.ports, with_modes(found.value, MANUAL, write_id="other"), etag=found.etag)

    assert put(world, version=read) == Modes(auto_failover=AutoFailover.ON)


def test_a_lock_that_changes_between_look_and_write_is_judged_anew() -> None:
    racing: list[World] = []

    def race(point: str) -> None:
        if point == "locks.replace.before" and racing:
            put(racing.pop(), auto=AutoFailover.OBSERVE)

    world = World(fault=race).founded()
    racing.append(world)

    with pytest.raises(PreconditionFailed):
        put(world, version=MANUAL.version())

    assert not racing
    assert world.lock.modes.auto_failover is AutoFailover.OBSERVE


def test_setting_what_is_set_already_writes_nothing() -> None:
    world = World().founded()
    put(world)
    before = everything(world)

    assert put(world) == Modes(auto_failover=AutoFailover.ON)

    assert everything(world) == before


def set_two_person(world: World, by: str, *, wanted: bool, auto: AutoFailover = AutoFailover.OFF) -> Modes | Refused:
    return put_modes(
        world.ports, "PRO", auto_failover=auto, prewarm=Prewarm.OFF, two_person=wanted, matches=lambda _: True,
        actor=f"name of {by}", actor_id=by, reason="test",
    )  # fmt: skip


def test_one_administrator_cannot_switch_two_person_off() -> None:
    world = World().founded()
    set_two_person(world, "first", wanted=True)

    wished = set_two_person(world, "first", wanted=False, auto=AutoFailover.ON)

    until = world.clock.now() + timedelta(seconds=world.ports.policy.approval_timeout_s)
    lifting = Lifting(by="name of first", by_id="first", until=until)
    assert wished == world.lock.modes == Modes(two_person=True, lifting=lifting)
    before = everything(world)
    again = set_two_person(world, "first", wanted=False)
    assert isinstance(again, Refused)
    assert again.code is RefusalCode.SELF_APPROVAL
    assert everything(world) == before


def test_two_administrators_switch_two_person_off_together() -> None:
    world = World().founded()
    set_two_person(world, "first", wanted=True)
    set_two_person(world, "first", wanted=False)
    assert set_two_person(world, "second", wanted=False, auto=AutoFailover.ON) == Modes(auto_failover=AutoFailover.ON)
    assert world.lock.modes == Modes(auto_failover=AutoFailover.ON)
    assert len(told(world, EventType.MODES_CHANGED)) == 3


def test_a_wish_that_nobody_joins_in_time_or_that_somebody_overrules_is_none() -> None:
    world = World().founded()
    set_two_person(world, "first", wanted=True)
    set_two_person(world, "first", wanted=False)
    set_two_person(world, "second", wanted=True)
    assert world.lock.modes == Modes(two_person=True)
    set_two_person(world, "first", wanted=False)
    world.pass_time(world.ports.policy.approval_timeout_s)

    late = set_two_person(world, "second", wanted=False)

    assert isinstance(late, Modes)
    assert late.two_person
    assert late.lifting is not None
    assert late.lifting.by_id == "second"


def test_an_environment_without_a_lock_has_the_runbooks_modes_and_takes_no_others() -> None:
    world = World()
    assert modes_of(world.ports, "PRO") == MANUAL

    refused = put(world)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_REGISTERED
    with pytest.raises(UnknownEnvironment):
        modes_of(world.ports, "QA")


def test_while_paused_the_monitor_judges_and_marks_nothing() -> None:
    world = World().founded()
    pause(world, minutes=30)
    world.primary.alive = False

    world.pass_time(20 * 60)

    assert watch_health(world.ports).verdicts[PRIMARY] is Verdict.FAILED
    assert world.lock.status_of(PRIMARY) is ActivationStatus.ACTIVE
    assert told(world, EventType.GATEWAY_FAILED) == []


def test_a_pause_ends_by_itself_and_the_mark_follows_at_the_next_tick() -> None:
    world = World().founded()
    pause(world, minutes=30)
    world.primary.alive = False
    world.pass_time(30 * 60 - 15)
    assert world.lock.status_of(PRIMARY) is ActivationStatus.ACTIVE

    world.pass_time(30)

    assert world.lock.status_of(PRIMARY) is ActivationStatus.FAILED
    assert modes_of(world.ports, "PRO") == MANUAL


def test_a_pause_can_be_ended_before_its_time() -> None:
    world = World().founded()
    pause(world)
    assert resume_environment(world.ports, "PRO", actor="jana", reason="done") == MANUAL
    before = everything(world)

    assert resume_environment(world.ports, "PRO", actor="jana", reason="again") == MANUAL

    assert everything(world) == before
    assert (len(told(world, EventType.ENVIRONMENT_PAUSED)), len(told(world, EventType.ENVIRONMENT_RESUMED))) == (1, 1)


def test_a_pause_keeps_the_modes_and_setting_modes_keeps_the_pause() -> None:
    world = World().founded()
    put(world, auto=AutoFailover.OBSERVE)
    paused = pause(world)
    assert isinstance(paused, Modes)
    assert paused.auto_failover is AutoFailover.OBSERVE

    changed = put(world, auto=AutoFailover.ON)

    assert isinstance(changed, Modes)
    assert (changed.auto_failover, changed.paused_until) == (AutoFailover.ON, paused.paused_until)


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=-1), LONGEST_PAUSE + timedelta(seconds=1)])
def test_a_pause_ends_in_the_future_and_within_a_day(length: timedelta) -> None:
    world = World().founded()
    before = everything(world)

    with pytest.raises(MalformedRequest):
        pause_environment(world.ports, "PRO", until=world.clock.now() + length, actor="jana", reason="x")

    assert everything(world) == before


def test_a_person_may_fail_over_during_a_pause_and_the_same_write_marks_the_primary() -> None:
    world = World().founded()
    pause(world)
    world.primary.alive = False
    world.pass_time(400)
    assert world.lock.mark_of(PRIMARY) is None

    ended = carried_out(world)

    assert (ended.status.value, world.lock.holder) == ("succeeded", "gw-pro-dr")
    assert world.lock.status_of(PRIMARY) is ActivationStatus.FAILED
    assert "recovery_time" in ended.result


def test_during_a_pause_a_primary_that_is_only_suspect_is_not_failed_over() -> None:
    world = World().founded()
    pause(world)
    world.primary.alive = False
    world.pass_time(300)
    before = everything(world)

    refused = begin_operation(world.ports, "PRO", OperationKind.FAILOVER, requested_by="jana", reason="x")

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PRIMARY_NOT_FAILED
    assert everything(world) == before
