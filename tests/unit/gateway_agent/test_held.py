"""The shared lease tells its changes once, and notices its own end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway_agent.answers import HeartbeatAnswer
from gateway_agent.events import Events
from gateway_agent.held import Guard, HeldLease, LeaseOver
from gateway_agent.lease import LeaseAnswer

MARGIN_S = 5.0


class Scene:
    """A lease, a clock to move, and what was told."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.told: list[tuple[str, dict[str, object]]] = []
        self.events = Events(lambda name, /, **fields: self.told.append((name, fields)))
        self.held = HeldLease(self.events, clock=lambda: self.now_s)

    def beat(
        self, *, token: int | None = 7, status: str = "active", lease_s: float | None = 60.0, takes_s: float = 0.0
    ) -> bool:
        sequence = self.held.sent()
        self.now_s += takes_s
        lease = LeaseAnswer(sequence=sequence, is_active=status == "active", fencing_token=token, lease_s=lease_s)
        answer = HeartbeatAnswer(
            activation_status=status, lease=lease, lease_refusal="", draining=False, heartbeat_interval_s=15.0
        )
        return self.held.answered(answer, own_margin_s=MARGIN_S)

    def all_told(self) -> list[tuple[str, object, object]]:
        self.events.stop(within_s=5.0)
        return [(name, fields.get("reason"), fields.get("fencing_token")) for name, fields in self.told]


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    scene.events.start()
    yield scene
    scene.events.stop(within_s=5.0)


def test_a_lease_that_goes_on_is_told_once(scene: Scene) -> None:
    for _ in range(5):
        assert scene.beat()
        scene.now_s += 15
    assert scene.all_told() == [("lease.granted", None, "7")]


def test_the_lease_is_counted_from_the_moment_its_heartbeat_was_sent(scene: Scene) -> None:
    scene.beat(takes_s=40.0)
    assert scene.held.remaining_s(7) == 60.0 - MARGIN_S - 40.0


def test_the_end_of_a_lease_is_told_once_by_whoever_looks_first(scene: Scene) -> None:
    scene.beat()
    assert scene.held.notice() == 55.0
    scene.now_s += 55
    assert scene.held.remaining_s(7) == 0.0
    assert scene.held.notice() is None
    assert scene.all_told() == [("lease.granted", None, "7"), ("lease.lost", "lease_over", "7")]


def test_a_pause_that_nobody_saw_is_told_before_the_new_lease(scene: Scene) -> None:
    scene.beat()
    scene.now_s += 100
    scene.beat()
    assert [name for name, _, _ in scene.all_told()] == ["lease.granted", "lease.lost", "lease.granted"]


def test_a_new_token_ends_the_old_lease_and_its_guards(scene: Scene) -> None:
    scene.beat()
    old = Guard(scene.held, 7)
    old.check()
    scene.beat(token=8)
    assert not old.may_act()
    with pytest.raises(LeaseOver), old:
        raise AssertionError("the effect started")
    assert Guard(scene.held, 8).may_act()
    assert scene.all_told()[1:] == [("lease.lost", "new_token", "7"), ("lease.granted", None, "8")]


def test_losing_the_environment_is_told_with_the_token_lost(scene: Scene) -> None:
    scene.beat()
    scene.beat(token=None, status="standby", lease_s=None)
    assert scene.held.fencing_token is None
    assert scene.all_told()[1:] == [("lease.lost", "not_holder", "7")]


def test_being_marked_failed_is_told_as_the_reason(scene: Scene) -> None:
    scene.beat()
    scene.beat(status="failed", lease_s=None)
    assert scene.all_told()[1:] == [("lease.lost", "failed", "7")]


def test_a_refused_write_ends_the_lease_with_the_reason_it_was_refused_for(scene: Scene) -> None:
    scene.beat()
    scene.held.dropped(6, reason="stale_token")
    assert Guard(scene.held, 7).may_act()
    scene.held.dropped(7, reason="not_holder")
    assert not Guard(scene.held, 7).may_act()
    assert scene.all_told()[1:] == [("lease.lost", "not_holder", "7")]


def test_an_answer_overtaken_by_a_newer_heartbeat_changes_nothing(scene: Scene) -> None:
    scene.beat()
    scene.held.sent()
    lease = LeaseAnswer(sequence=1, is_active=False, fencing_token=None, lease_s=None)
    late = HeartbeatAnswer(
        activation_status="standby", lease=lease, lease_refusal="", draining=False, heartbeat_interval_s=15.0
    )
    assert not scene.held.answered(late, own_margin_s=MARGIN_S)
    assert Guard(scene.held, 7).may_act()
