"""The pass that tells people: in order, at least once, no channel in another's way, and no operation behind it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from devhost.emulators.memory_notifications import MemoryReceivers
from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.events import EventType
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.notification_cursors import Delivery, NotificationCursor
from shared.domain.notifications import Answer, Channel, ChannelKind, Outgoing, Receipt, Severity, Signal
from shared.steps.notify import PAGE, ROUNDS, notify
from shared.steps.timeline import record_event
from tests.unit.steps.acting import begun, carried_out, everything

CHAT = Channel(name="chat", kind=ChannelKind.SLACK)
PAGER = Channel(name="pager", kind=ChannelKind.PAGERDUTY, at_least=Severity.CRITICAL)
DOWN = Answer(receipt=Receipt.FAILED, status=503, detail="down")
INTERVAL_S = 15.0


class Killed(BaseException):
    """The host dies here."""


class Faults:
    """A fault hook that tests arm, and that counts every access to a store."""

    def __init__(self) -> None:
        self.points: list[str] = []
        self.at: dict[str, Callable[[], None]] = {}

    def __call__(self, point: str) -> None:
        self.points.append(point)
        self.at.get(point, lambda: None)()

    def kill_at(self, point: str) -> None:
        """Let the host die once at this point."""

        def die() -> None:
            del self.at[point]
            raise Killed

        self.at[point] = die


def watched(*channels: Channel, faults: Faults | None = None) -> World:
    """Return a founded world whose channels have begun to follow, with passes every interval from now on."""
    world = World(fault=faults or Faults(), receivers=MemoryReceivers(*channels)).founded()
    notify(world.ports)
    world.watchers.append(partial(_pass, world))
    return world


def _pass(world: World) -> None:
    notify(world.ports)


def fail_primary(world: World) -> World:
    """Kill the primary and wait until it is marked failed and told."""
    world.primary.alive = False
    world.pass_time(world.policy.heartbeat_timeout_s * 3 + 2 * INTERVAL_S)
    return world


def heard(world: World, channel: Channel = CHAT) -> list[Outgoing]:
    """Return what a channel has accepted, in the order in which it did."""
    return [one for one in world.receivers.accepted if one.channel == channel]


def types(world: World, channel: Channel = CHAT) -> list[str]:
    return [one.notification.type for one in heard(world, channel)]


def numbers(world: World, channel: Channel = CHAT) -> list[int]:
    return [one.notification.sequence for one in heard(world, channel) if one.notification.sequence is not None]


def cursor(world: World, channel: Channel = CHAT) -> NotificationCursor:
    return world.tables.notification_cursors.rows.snapshot().rows["PRO", channel.name].value


def log_of(world: World, channel: Channel = CHAT) -> list[Delivery]:
    return list(world.ports.notification_deliveries.newest(channel.name, limit=1000))[::-1]


def tell(world: World, number: int) -> None:
    record_event(world.ports, "PRO", event_id=f"told-{number}", type=EventType.CLUSTER_PREWARMED, subject="PRO",
                 data={"reason": str(number)})  # fmt: skip


def test_without_channels_no_store_is_asked() -> None:
    faults = Faults()
    world = World(fault=faults).founded()
    faults.points.clear()
    assert notify(world.ports) == 0
    assert faults.points == []


def test_a_new_channel_hears_nothing_of_what_happened_before_it() -> None:
    world = World(receivers=MemoryReceivers(CHAT)).with_failed_primary()
    notify(world.ports)
    assert world.receivers.attempts == []
    tell(world, 1)
    notify(world.ports)
    assert types(world) == ["cluster.prewarmed"]


def test_a_failed_primary_and_its_failover_are_one_thread_from_the_mark_to_the_success() -> None:
    world = watched(CHAT)
    world.receivers.answer = lambda out: Answer(
        receipt=Receipt.ACCEPTED, status=200, thread="t-1" if out.notification.signal is Signal.OPEN else None
    )  # fmt: skip
    fail_primary(world)
    run_operation(world.ports, begun(world), sleep=world.pass_time)
    world.pass_time(10 * INTERVAL_S)
    incident = [one for one in heard(world) if one.notification.incident is not None]
    signals = [one.notification.signal for one in incident]
    assert signals[:2] == [Signal.OPEN, Signal.ACKNOWLEDGE]
    assert set(signals[2:-1]) == {Signal.UPDATE}
    assert signals[-1] is Signal.RESOLVE
    assert len({one.notification.incident for one in incident}) == 1
    assert [one.thread for one in incident] == [None, *["t-1"] * (len(incident) - 1)]
    assert numbers(world) == sorted(set(numbers(world)))
    assert cursor(world).incidents == ()


def test_a_host_that_dies_between_the_send_and_the_write_leaves_the_same_message_to_be_sent_again() -> None:
    faults = Faults()
    world = watched(CHAT, faults=faults)
    tell(world, 1)
    faults.kill_at("notification_cursors.replace.before")
    with pytest.raises(Killed):
        notify(world.ports)
    assert cursor(world).sequence == world.ports.events.newest("PRO", limit=1)[0].sequence - 1
    notify(world.ports)
    first, again = heard(world)
    assert first.notification.id == again.notification.id
    notify(world.ports)
    assert len(heard(world)) == 2


def test_a_host_that_dies_before_the_send_loses_nothing() -> None:
    world = watched(CHAT)
    tell(world, 1)

    def die(_: Outgoing) -> Answer:
        raise Killed

    answer, world.receivers.answer = world.receivers.answer, die
    with pytest.raises(Killed):
        notify(world.ports)
    world.receivers.answer = answer
    notify(world.ports)
    assert types(world) == ["cluster.prewarmed"]


def test_a_receiver_that_was_down_for_an_hour_then_gets_everything_in_order() -> None:
    world = watched(CHAT)
    up, world.receivers.answer = world.receivers.answer, lambda _: DOWN
    for number in range(30):
        tell(world, number)
        world.pass_time(120)
    assert heard(world) == []
    attempts = len(world.receivers.attempts)
    assert attempts < 30  # it backs off instead of trying every interval
    world.receivers.answer = up
    world.pass_time(600)
    assert [one.notification.data["reason"] for one in heard(world)] == [str(number) for number in range(30)]
    assert len({one.notification.id for one in heard(world)}) == 30
    assert cursor(world).counts == {Receipt.FAILED: attempts, Receipt.ACCEPTED: 30}


def test_a_channel_whose_receiver_is_down_is_in_no_other_channels_way() -> None:
    world = watched(CHAT, PAGER)
    world.receivers.answer = lambda out: DOWN if out.channel == CHAT else Answer(receipt=Receipt.ACCEPTED, status=202)
    fail_primary(world)
    assert types(world, PAGER) == ["gateway.failed"]
    assert heard(world) == []
    for number in range(PAGE + 50):
        tell(world, number)
    run_operation(world.ports, begun(world), sleep=world.pass_time)
    world.pass_time(40 * INTERVAL_S)
    assert types(world, PAGER)[-1] == "operation.succeeded"


def test_what_a_receiver_refuses_is_logged_and_passed_over() -> None:
    world = watched(CHAT)
    world.receivers.answer = lambda out: (
        Answer(receipt=Receipt.REFUSED, status=400, detail="no") if out.notification.data["reason"] == "0"
        else Answer(receipt=Receipt.ACCEPTED, status=200)
    )  # fmt: skip
    tell(world, 0)
    tell(world, 1)
    notify(world.ports)
    assert [one.notification.data["reason"] for one in heard(world)] == ["1"]
    logged = sorted(log_of(world), key=lambda one: one.sequence or 0)
    assert [(one.receipt, one.status, one.detail) for one in logged] == [
        (Receipt.REFUSED, 400, "no"), (Receipt.ACCEPTED, 200, ""),
    ]  # fmt: skip
    assert len(world.receivers.attempts) == 2
    notify(world.ports)
    assert len(world.receivers.attempts) == 2


def test_every_attempt_is_logged_with_its_number() -> None:
    world = watched(CHAT)
    up, world.receivers.answer = world.receivers.answer, lambda _: DOWN
    tell(world, 0)
    world.pass_time(60)
    world.receivers.answer = up
    world.pass_time(120)
    logged = log_of(world)
    assert [one.attempt for one in logged] == list(range(1, len(logged) + 1))
    assert [one.receipt for one in logged] == [*[Receipt.FAILED] * (len(logged) - 1), Receipt.ACCEPTED]
    assert len({one.notification_id for one in logged}) == 1


def test_people_are_reminded_until_somebody_begins_an_operation() -> None:
    world = fail_primary(watched(CHAT))
    world.pass_time(2 * world.policy.notification_reminder_s + 2 * INTERVAL_S)
    assert types(world).count("reminder") == 2
    request = begun(world)
    world.pass_time(3 * world.policy.notification_reminder_s)
    assert types(world).count("reminder") == 2
    run_operation(world.ports, request, sleep=world.pass_time)
    world.pass_time(3 * world.policy.notification_reminder_s)
    assert types(world).count("reminder") == 2


def test_a_receiver_that_hangs_changes_no_step_of_a_failover() -> None:
    def failed_over(receivers: MemoryReceivers) -> World:
        world = World(receivers=receivers).with_failed_primary()
        carried_out(world)
        return world

    def hang(_: Outgoing) -> Answer:
        raise AssertionError("an operation has called a receiver")

    hanging = MemoryReceivers(CHAT)
    hanging.answer = hang
    assert everything(failed_over(hanging)) == everything(failed_over(MemoryReceivers()))


def test_two_hosts_in_turn_tell_everything_once() -> None:
    world = watched(CHAT)
    for number in range(3):
        tell(world, number)
        assert notify(world.ports) == 1
        assert notify(world.ports) == 0


def test_of_two_hosts_at_the_same_moment_the_second_repeats_one_message_and_moves_nothing() -> None:
    world = watched(CHAT)
    for number in range(3):
        tell(world, number)
    up = world.receivers.answer

    def other_first(out: Outgoing) -> Answer:
        world.receivers.answer = up
        assert notify(world.ports) == 3
        return up(out)

    world.receivers.answer = other_first
    assert notify(world.ports) == 1
    told = [one.notification.id for one in heard(world)]
    assert told == [*told[:3], told[0]]
    assert len(set(told)) == 3
    assert cursor(world).counts == {Receipt.ACCEPTED: 3}
    assert notify(world.ports) == 0


def test_a_channel_without_news_asks_two_tables_and_writes_nothing() -> None:
    faults = Faults()
    world = watched(CHAT, PAGER, faults=faults)
    notify(world.ports)
    faults.points.clear()
    notify(world.ports)
    assert faults.points == ["notification_cursors.read_all", "events.list"]


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        ("notification_cursors.read_all", LockStoreUnavailable("down")),
        ("events.list", LockStoreUnavailable("down")),
        ("notification_cursors.replace.before", LockStoreUnavailable("down")),
        ("notification_cursors.replace.before", Conflict("other")),
        ("notification_deliveries.insert.before", LockStoreUnavailable("down")),
    ],
)
def test_a_store_that_fails_ends_the_pass_and_loses_nothing(point: str, fault: Exception) -> None:
    faults = Faults()
    world = watched(CHAT, faults=faults)
    tell(world, 1)

    def fail() -> None:
        raise fault

    faults.at[point] = fail
    notify(world.ports)
    faults.at.clear()
    notify(world.ports)
    assert "cluster.prewarmed" in types(world)
    assert cursor(world).sequence == world.ports.events.newest("PRO", limit=1)[0].sequence


def test_a_write_whose_answer_was_lost_repeats_nothing_once_it_is_read() -> None:
    faults = Faults()
    world = watched(CHAT, faults=faults)
    tell(world, 1)

    def lose() -> None:
        faults.at.clear()
        raise OutcomeUnknown("no answer")

    faults.at["notification_cursors.replace.after"] = lose
    notify(world.ports)
    notify(world.ports)
    assert types(world) == ["cluster.prewarmed"]


def test_a_slow_receiver_does_not_stretch_a_pass_without_end() -> None:
    world = watched(CHAT)
    for number in range(ROUNDS):
        tell(world, number)

    def slowly(_: Outgoing) -> Answer:
        world.clock.time += timedelta(seconds=9)
        return Answer(receipt=Receipt.ACCEPTED, status=200)

    world.receivers.answer = slowly
    assert notify(world.ports) == 3
    assert notify(world.ports) == 3


def test_a_channel_of_another_environment_hears_nothing_of_this_one() -> None:
    elsewhere = replace(CHAT, environments=frozenset({"NPR"}))
    world = World(receivers=MemoryReceivers(elsewhere)).founded()
    notify(world.ports)
    tell(world, 1)
    notify(world.ports)
    assert world.receivers.attempts == []
    assert world.tables.notification_cursors.rows.snapshot().rows == {}


def test_a_receiver_that_was_down_for_days_gets_one_note_of_what_it_missed() -> None:
    world = watched(CHAT)
    for number in range(PAGE - 10):
        tell(world, number)
    world.clock.time += timedelta(hours=30)
    tell(world, 999)
    notify(world.ports)
    assert types(world) == ["untold", "cluster.prewarmed"]
    assert f"{PAGE - 10} events were not told" in heard(world)[0].notification.sentence
