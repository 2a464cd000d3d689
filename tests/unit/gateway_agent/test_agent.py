"""The agent against a control plane on loopback: it beats whatever happens, and acts only while its lease lasts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway_agent import (
    Agent,
    ClaimedTask,
    ControlPlane,
    GatewaySettings,
    LeaseOver,
    OtherGateway,
    Outcome,
    Role,
    TaskEnd,
)
from tests.unit.gateway_agent.fake_control_plane import (
    INTERVAL_S,
    LEASE_S,
    FakeControlPlane,
    control_plane,
    eventually,
    problem,
)


@pytest.fixture
def fake() -> Iterator[FakeControlPlane]:
    with control_plane() as fake:
        yield fake


class Told(list[tuple[str, dict[str, Any]]]):
    """The events of an agent, in order."""

    def hear(self, name: str, /, **fields: object) -> None:
        self.append((name, dict(fields)))

    def names(self) -> list[str]:
        return [name for name, _ in self]

    def fields(self, name: str) -> list[dict[str, Any]]:
        return [fields for told, fields in self if told == name]


class Clock:
    """The machine's clock, and `asleep_s` that a test adds, as if the machine had been suspended."""

    def __init__(self) -> None:
        self.asleep_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.asleep_s


class Gateway:
    """An agent with its events and its clock."""

    def __init__(self, agent: Agent, told: Told, clock: Clock) -> None:
        self.agent, self.told, self.clock = agent, told, clock

    def one_task(self) -> ClaimedTask:
        gives_up_at_s = time.monotonic() + 8.0
        while not (tasks := self.agent.claim(limit=1)):
            assert time.monotonic() < gives_up_at_s, "no task was claimed"
            time.sleep(0.01)
        return tasks[0]

    def wait_for(self, event: str, *, times: int = 1) -> None:
        eventually(lambda: self.told.names().count(event) >= times)


def settings_for(fake: FakeControlPlane, folder: Path) -> GatewaySettings:
    return GatewaySettings(
        gateway_id="gw-pro-primary",
        environment="PRO",
        role=Role.PRIMARY,
        identity_client_id="id",
        control_plane_url=fake.url,
        state_file=folder / "gateway-state.json",
    )


@contextmanager
def gateway(fake: FakeControlPlane, folder: Path) -> Iterator[Gateway]:
    settings, told, clock = settings_for(fake, folder), Told(), Clock()
    client = ControlPlane(settings.control_plane_url, settings.gateway_id, token=lambda: "abc")
    with Agent(settings, client, on_event=told.hear, version="1.0", clock=clock, longest_retry_s=0.1) as agent:
        yield Gateway(agent, told, clock)
    client.close()


def test_it_registers_beats_and_gets_a_lease(fake: FakeControlPlane, tmp_path: Path) -> None:
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
        eventually(lambda: len(fake.calls("heartbeat")) >= 5)
    assert one.told.names() == ["gateway.ready", "lease.granted", "status.changed"]
    assert one.told.fields("status.changed") == [{"activation_status": "active", "former": "standby"}]
    (registered,) = fake.calls("register")
    beats = [asked.body for asked in fake.calls("heartbeat")]
    assert [beat["sequence"] for beat in beats] == list(range(1, len(beats) + 1))
    assert {beat["boot_id"] for beat in beats} == {registered.body["boot_id"]}
    assert [beats[0]["fencing_token"], beats[-1]["fencing_token"]] == [None, "7"]


def test_it_sends_nothing_after_it_has_stopped(fake: FakeControlPlane, tmp_path: Path) -> None:
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
    asked = len(fake.asked)
    time.sleep(3 * INTERVAL_S)
    assert len(fake.asked) == asked


def test_it_registers_again_and_again_until_the_control_plane_answers(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.answers["register"] = lambda _: problem("x", 503)
    with gateway(fake, tmp_path) as one:
        eventually(lambda: len(fake.calls("register")) >= 3)
        assert fake.calls("heartbeat") == []
        del fake.answers["register"]
        one.wait_for("lease.granted")
    assert one.told.names()[:3] == ["control_plane.away", "control_plane.back", "gateway.ready"]


def test_a_slow_answer_does_not_delay_the_next_heartbeat(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.delay_of_heartbeat_s = lambda sequence: 0.6 if sequence == 3 else 0.0
    with gateway(fake, tmp_path):
        eventually(lambda: len(fake.calls("heartbeat")) >= 8)
    beats = fake.calls("heartbeat")
    third = next(beat for beat in beats if beat.body["sequence"] == 3)
    assert len([beat for beat in beats if third.at_s < beat.at_s < third.at_s + 0.55]) >= 3


def test_a_slow_answer_to_an_older_heartbeat_gives_no_lease(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.delay_of_heartbeat_s = lambda _: 2.5 * INTERVAL_S
    with gateway(fake, tmp_path) as one:
        eventually(lambda: len(fake.calls("heartbeat")) >= 8)
        assert one.agent.fencing_token is None
        assert "lease.granted" not in one.told.names()


def test_an_answer_that_names_another_heartbeat_gives_no_lease(fake: FakeControlPlane, tmp_path: Path) -> None:
    usual = fake.answer

    def of_the_next(body: dict[str, Any]) -> Any:
        time.sleep(1.5 * INTERVAL_S)  # the next one has left meanwhile
        del fake.answers["heartbeat"]
        answer = usual("heartbeat", {"sequence": body["sequence"] + 1})
        fake.answers["heartbeat"] = lambda _: problem("x", 503)
        return answer

    fake.answers["heartbeat"] = lambda body: of_the_next(body) if body["sequence"] == 1 else problem("x", 503)
    with gateway(fake, tmp_path) as one:
        eventually(lambda: len(fake.calls("heartbeat")) >= 5)
        assert one.agent.fencing_token is None


def test_a_task_of_another_token_is_not_worked_on(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.token = 6
    fake.give_task("t0")
    fake.token = 7
    fake.give_task("t1")
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
        assert [task.id for task in one.agent.claim(limit=2)] == ["t1"]


def test_when_the_control_plane_is_away_the_lease_ends_by_itself_and_comes_back_with_it(
    fake: FakeControlPlane, tmp_path: Path
) -> None:
    fake.give_task("t1")
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        last_good_s = fake.calls("heartbeat")[-1].at_s
        fake.answers["heartbeat"] = lambda _: problem("x", 503)
        assert one.agent.guard(task).may_act()
        one.wait_for("lease.lost")
        assert time.monotonic() < last_good_s + LEASE_S + INTERVAL_S
        assert not one.agent.guard(task).may_act()
        del fake.answers["heartbeat"]
        one.wait_for("lease.granted", times=2)
        assert one.agent.guard(task).may_act()
    assert one.told.fields("lease.lost") == [{"reason": "lease_over", "fencing_token": "7"}]
    assert one.told.names().count("control_plane.away") == 1


def test_after_a_pause_nothing_is_claimed_reported_or_begun(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1")
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        fake.answers["heartbeat"] = lambda _: problem("x", 503)
        claims = len(fake.calls("claim"))
        one.clock.asleep_s += LEASE_S
        assert one.agent.claim(limit=1) == ()
        with pytest.raises(LeaseOver):
            one.agent.guard(task).check()
        assert one.agent.progress(task, {}).outcome is Outcome.LEASE_OVER
        assert one.agent.complete(task, TaskEnd.SUCCEEDED, {}).outcome is Outcome.LEASE_OVER
    assert len(fake.calls("claim")) == claims
    assert fake.calls("progress") == fake.calls("complete") == []


def test_after_a_pause_one_heartbeat_leaves_and_not_all_the_missed_ones(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.interval_s = 0.5
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
        beats = len(fake.calls("heartbeat"))
        one.clock.asleep_s += 100
        time.sleep(0.9)
        assert 1 <= len(fake.calls("heartbeat")) - beats <= 2


def test_a_task_is_reported_under_its_token_and_attempt(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1", attempt=3)
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        assert one.agent.progress(task, {"done": 0.5}).is_accepted
        assert one.agent.complete(task, TaskEnd.FAILED, {"why": "x"}).outcome is Outcome.ACCEPTED
    named = {"environment": "PRO", "fencing_token": "7", "attempt": 3}
    assert fake.calls("progress")[0].body == {**named, "detail": {"done": 0.5}}
    assert fake.calls("complete")[0].body == {**named, "status": "failed", "result": {"why": "x"}}


def test_a_completion_without_an_answer_is_sent_again(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1")
    answers = iter([problem("x", 503), problem("x", 503), (200, {"outcome": "repeated"})])
    fake.answers["complete"] = lambda _: next(answers)
    with gateway(fake, tmp_path) as one:
        report = one.agent.complete(one.one_task(), TaskEnd.SUCCEEDED, {})
    assert (report.outcome, report.is_accepted) == (Outcome.REPEATED, True)
    assert len({json.dumps(asked.body) for asked in fake.calls("complete")}) == 1


def test_a_completion_that_is_never_answered_ends_with_the_lease(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1")
    fake.answers["complete"] = lambda _: problem("x", 503)
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        fake.answers["heartbeat"] = fake.answers["complete"]
        assert one.agent.complete(task, TaskEnd.SUCCEEDED, {}).outcome is Outcome.UNANSWERED
        assert not one.agent.guard(task).may_act()


@pytest.mark.parametrize("reason", ["stale_token", "not_holder", "holder_failed", "not_before", "lease_expired"])
def test_a_write_refused_for_the_right_to_act_ends_the_lease(
    fake: FakeControlPlane, tmp_path: Path, reason: str
) -> None:
    fake.give_task("t1")
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        fake.answers["heartbeat"] = lambda _: problem("x", 503)
        fake.answers["progress"] = lambda _: problem(reason)
        report = one.agent.progress(task, {})
        assert report.outcome is Outcome.REFUSED
        assert report.refusal is not None
        assert report.refusal.reason == reason
        # A heartbeat that was on its way may still have been answered: the lease may come back, for its token only.
        one.wait_for("lease.lost")
    (refused,) = one.told.fields("write.refused")
    assert (refused["write"], refused["reason"], refused["task_id"]) == ("progress", reason, "t1")
    assert one.told.fields("lease.lost")[0] == {"reason": reason, "fencing_token": "7"}


@pytest.mark.parametrize("reason", ["superseded_attempt", "already_done"])
def test_a_write_refused_for_its_task_alone_leaves_the_lease(
    fake: FakeControlPlane, tmp_path: Path, reason: str
) -> None:
    fake.give_task("t1")
    fake.answers["complete"] = lambda _: problem(reason)
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        assert one.agent.complete(task, TaskEnd.SUCCEEDED, {}).outcome is Outcome.REFUSED
        assert one.agent.guard(task).may_act()
    assert "lease.lost" not in one.told.names()


def test_the_same_refused_claim_is_told_once(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.answers["claim"] = lambda _: problem("authority_unreachable")
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
        for _ in range(5):
            assert one.agent.claim(limit=1) == ()
        fake.answers["claim"] = lambda _: problem("superseded_attempt")
        one.agent.claim(limit=1)
    assert len(fake.calls("claim")) == 6
    reasons = [fields["reason"] for fields in one.told.fields("write.refused")]
    assert reasons == ["authority_unreachable", "superseded_attempt"]


def test_a_draining_gateway_claims_nothing_and_finishes_what_it_has(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1")
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        fake.give_task("t2")
        fake.draining = True
        one.wait_for("draining.changed")
        claims = len(fake.calls("claim"))
        assert one.agent.claim(limit=1) == ()
        assert one.agent.complete(task, TaskEnd.SUCCEEDED, {}).is_accepted
        assert len(fake.calls("claim")) == claims


def test_work_of_an_old_token_does_not_go_on_under_a_new_one(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1")
    with gateway(fake, tmp_path) as one:
        task = one.one_task()
        fake.token = 9
        one.wait_for("lease.granted", times=2)
        assert one.agent.fencing_token == 9
        assert not one.agent.guard(task).may_act()
        assert one.agent.complete(task, TaskEnd.SUCCEEDED, {}).outcome is Outcome.LEASE_OVER


def test_a_gateway_that_is_no_longer_known_registers_again(fake: FakeControlPlane, tmp_path: Path) -> None:
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
        answers = iter([problem("x", 404)])
        usual = fake.answer
        fake.answers["heartbeat"] = lambda body: next(answers, None) or _without(fake, "heartbeat", body, usual)
        one.wait_for("gateway.ready", times=2)
    assert len(fake.calls("register")) == 2


def _without(fake: FakeControlPlane, call: str, body: dict[str, Any], usual: Any) -> Any:
    del fake.answers[call]
    return usual(call, body)


def test_the_state_file_says_who_it_is_and_remembers_the_highest_token(fake: FakeControlPlane, tmp_path: Path) -> None:
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
        fake.token = 9
        one.wait_for("lease.granted", times=2)
    state = json.loads((tmp_path / "gateway-state.json").read_text(encoding="utf-8"))
    assert (state["Role"], state["Environment"], state["FencingToken"]) == ("primary", "PRO", "9")
    assert state["BootId"] == one.agent.boot_id
    fake.token = 8  # a control plane restored from yesterday
    fake.asked.clear()
    with gateway(fake, tmp_path) as again:
        eventually(lambda: len(fake.calls("heartbeat")) >= 3)
        assert again.agent.fencing_token is None


def test_a_state_file_of_another_role_stops_it_before_anything_is_sent(fake: FakeControlPlane, tmp_path: Path) -> None:
    (tmp_path / "gateway-state.json").write_text('{"Role": "dr-standby", "Environment": "PRO"}', encoding="utf-8")
    with pytest.raises(OtherGateway), gateway(fake, tmp_path):
        raise AssertionError("it started")
    assert fake.asked == []


def test_an_unreadable_state_file_is_told_and_replaced(fake: FakeControlPlane, tmp_path: Path) -> None:
    (tmp_path / "gateway-state.json").write_text("{", encoding="utf-8")
    with gateway(fake, tmp_path) as one:
        one.wait_for("lease.granted")
    assert one.told.names()[0] == "state.unreadable"
    assert json.loads((tmp_path / "gateway-state.json").read_text(encoding="utf-8"))["GatewayId"] == "gw-pro-primary"
