"""What people ask about channels: how they stand, and whether one works."""

import pytest

from devhost.emulators.memory_notifications import MemoryReceivers
from devhost.simulation.world import World
from shared.domain.events import EventType
from shared.domain.faults import LockStoreUnavailable, UnknownChannel
from shared.domain.notifications import Answer, Channel, ChannelKind, Receipt, Severity, Signal
from shared.steps.notification_calls import channel_states, send_test
from shared.steps.notify import notify
from shared.steps.timeline import record_event
from shared.web.notification_documents import attempt_document, channels_document

CHAT = Channel(name="chat", kind=ChannelKind.SLACK)
PAGER = Channel(
    name="pager", kind=ChannelKind.PAGERDUTY, at_least=Severity.CRITICAL, environments=frozenset({"PRO", "NPR"})
)


def tell(world: World) -> None:
    record_event(world.ports, "PRO", event_id="m", type=EventType.GATEWAY_FAILED, subject="gw",
                 data={"consecutive_failures": 3, "fencing_token": "17"})  # fmt: skip


def test_without_channels_there_is_nothing_to_show_and_no_store_is_asked() -> None:
    points: list[str] = []
    world = World(fault=points.append)
    assert channels_document(channel_states(world.ports), now=world.clock.now()) == {
        "as_of": "2026-01-01T00:00:00.000Z", "channels": [],
    }  # fmt: skip
    assert points == []


def test_a_channel_shows_what_it_was_told_what_is_open_and_how_far_it_is_behind() -> None:
    world = World(receivers=MemoryReceivers(CHAT, PAGER)).founded()
    notify(world.ports)
    world.receivers.answer = lambda out: Answer(
        receipt=Receipt.FAILED if out.channel == CHAT else Receipt.ACCEPTED, status=503 if out.channel == CHAT else 202
    )  # fmt: skip
    tell(world)
    notify(world.ports)
    chat, pager = channel_states(world.ports)
    assert chat.behind == {"PRO": 1}
    assert pager.behind == {"PRO": 0}
    document = channels_document((chat, pager), now=world.clock.now())
    shown = document["channels"]
    assert isinstance(shown, list)
    first, second = shown
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (first["name"], first["kind"], first["at_least"], first["environments"]) == ("chat", "slack", "info", None)
    assert second["environments"] == ["NPR", "PRO"]
    cursors = first["cursors"], second["cursors"]
    assert cursors[0] == [{
        "environment": "PRO", "sequence": chat.cursors[0].sequence, "behind": 1, "failures": 1,
        "next_try_at": "2026-01-01T00:04:05.000Z", "incidents": [],
        "counts": {"accepted": 0, "failed": 1, "refused": 0},
    }]  # fmt: skip
    assert isinstance(cursors[1], list)
    assert isinstance(cursors[1][0], dict)
    assert cursors[1][0]["incidents"] == [{
        "key": "PRO/primary-failed/17", "severity": "critical", "opened_at": "2026-01-01T00:04:00.000Z",
        "last_sent_at": "2026-01-01T00:04:00.000Z", "acknowledged": False, "quiet_until": None,
    }]  # fmt: skip
    assert first["attempts"] == [attempt_document(chat.attempts[0])]
    assert "delivered" not in str(document)


def test_a_test_is_marked_sent_at_once_logged_and_answered_with_what_the_receiver_said() -> None:
    world = World(receivers=MemoryReceivers(CHAT)).founded()
    world.receivers.answer = lambda _: Answer(receipt=Receipt.FAILED, status=404, detail="no such room")
    attempt = send_test(world.ports, "chat", actor="jane (oid)")
    (sent,) = world.receivers.attempts
    assert (sent.notification.signal, sent.notification.type, sent.notification.incident) == (Signal.TEST, "test", None)
    assert sent.notification.sentence.startswith("TEST: jane (oid)")
    assert (attempt.receipt, attempt.status, attempt.detail) == (Receipt.FAILED, 404, "no such room")
    assert list(world.ports.notification_deliveries.newest("chat", limit=9)) == [attempt]
    assert world.tables.notification_cursors.rows.snapshot().rows == {}
    entry = world.ports.audit.last("PRO")
    assert entry is not None
    assert (entry.actor, entry.action, entry.after) == ("jane (oid)", "notification.tested", {"channel": "chat"})


def test_two_tests_are_two_messages() -> None:
    world = World(receivers=MemoryReceivers(CHAT)).founded()
    first, second = (send_test(world.ports, "chat", actor="jane") for _ in range(2))
    assert first.notification_id != second.notification_id


def test_an_unknown_channel_is_answered_with_those_that_exist_and_nothing_is_sent_or_audited() -> None:
    world = World(receivers=MemoryReceivers(CHAT, PAGER)).founded()
    before = world.ports.audit.last("PRO")
    with pytest.raises(
        UnknownChannel, match="Notification channel pgaer does not exist; the channels are: chat, pager"
    ):
        send_test(world.ports, "pgaer", actor="jane")
    assert world.receivers.attempts == []
    assert world.ports.audit.last("PRO") == before


def test_a_test_that_cannot_be_audited_is_not_sent() -> None:
    def fail(point: str) -> None:
        if point == "audit.insert.before":
            raise LockStoreUnavailable("down")

    world = World(receivers=MemoryReceivers(CHAT), fault=fail)
    with pytest.raises(LockStoreUnavailable):
        send_test(world.ports, "chat", actor="jane")
    assert world.receivers.attempts == []
