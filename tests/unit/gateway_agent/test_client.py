"""The client: a refusal is an answer; whatever leaves doubt is none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway_agent import ClaimedTask, ControlPlane, NoAnswer, Refusal
from gateway_agent.answers import HeartbeatAnswer, Registered
from gateway_agent.tokens import TokenUnavailable
from tests.unit.gateway_agent.fake_control_plane import FakeControlPlane, control_plane, problem

BEAT = {"sequence": 1}
ASKING: dict[str, Any] = {"environment": "PRO", "role": "primary", "limit": 1, "sequence": 1}


@pytest.fixture
def fake() -> Iterator[FakeControlPlane]:
    with control_plane() as fake:
        yield fake


@pytest.fixture
def client(fake: FakeControlPlane) -> Iterator[ControlPlane]:
    client = ControlPlane(fake.url, "gw/ü", token=lambda: "abc")
    yield client
    client.close()


def test_answers_arrive_parsed(fake: FakeControlPlane, client: ControlPlane) -> None:
    registered = client.register(ASKING, timeout_s=5)
    assert isinstance(registered, Registered)
    assert (registered.lease_s, registered.own_margin_s, registered.request_timeout_s) == (1.0, 0.1, 1.0)
    beat = client.heartbeat(BEAT, timeout_s=5)
    assert isinstance(beat, HeartbeatAnswer)
    assert (beat.lease.fencing_token, beat.lease.lease_s, beat.lease.is_active) == (7, 1.0, True)
    fake.give_task("t1")
    tasks = client.claim(ASKING, timeout_s=5)
    assert isinstance(tasks, tuple)
    assert replace(tasks[0], claimed_at="") == ClaimedTask(
        id="t1", config_id="cfg", attempt=1, fencing_token=7, idempotency_key="key-t1"
    )
    assert client.complete("t1", ASKING, timeout_s=5) == "accepted"
    assert {asked.authorization for asked in fake.asked} == {"Bearer abc"}


def test_a_refusal_is_an_answer_with_its_reason(fake: FakeControlPlane, client: ControlPlane) -> None:
    fake.answers["claim"] = lambda _: problem("stale_token")
    assert client.claim(ASKING, timeout_s=5) == Refusal(
        status=409, code="WriteRefused", reason="stale_token", message="refused: stale_token"
    )


@pytest.mark.parametrize("status", [301, 429, 500, 503])
def test_a_server_in_trouble_has_not_answered(fake: FakeControlPlane, client: ControlPlane, status: int) -> None:
    fake.answers["complete"] = lambda _: problem("x", status)
    with pytest.raises(NoAnswer, match=str(status)):
        client.complete("t1", ASKING, timeout_s=5)


def test_a_control_plane_that_is_away_or_slow_has_not_answered(fake: FakeControlPlane, client: ControlPlane) -> None:
    fake.delay_of_heartbeat_s = lambda _: 0.5
    started_s = time.monotonic()
    with pytest.raises(NoAnswer, match="ReadTimeout"):
        client.heartbeat(BEAT, timeout_s=0.1)
    assert time.monotonic() - started_s < 0.45
    away = ControlPlane("http://127.0.0.1:1", "gw", token=lambda: "abc")
    with pytest.raises(NoAnswer, match="ConnectError"):
        away.heartbeat(BEAT, timeout_s=1)
    away.close()


def test_without_a_token_nothing_is_asked(fake: FakeControlPlane) -> None:
    def none() -> str:
        raise TokenUnavailable("none yet")

    client = ControlPlane(fake.url, "gw", token=none)
    with pytest.raises(NoAnswer, match="none yet"):
        client.heartbeat(BEAT, timeout_s=1)
    client.close()
    assert fake.asked == []


HEARTBEAT = {
    "sequence": 1,
    "activation_status": "active",
    "fencing_token": "7",
    "lease_seconds": 60,
    "lease_refusal": None,
    "draining": False,
    "heartbeat_interval_seconds": 15,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"fencing_token": 7},
        {"fencing_token": "-7"},
        {"fencing_token": "7e3"},
        {"sequence": "1"},
        {"lease_seconds": -1},
        {"lease_seconds": True},
        {"lease_seconds": float("inf")},
        {"lease_seconds": float("nan")},
        {"heartbeat_interval_seconds": 0},
        {"activation_status": None},
    ],
)
def test_an_answer_that_is_not_as_documented_grants_nothing(
    fake: FakeControlPlane, client: ControlPlane, wrong: dict[str, Any]
) -> None:
    fake.answers["heartbeat"] = lambda _: (200, {**HEARTBEAT, **wrong})
    with pytest.raises(NoAnswer):
        client.heartbeat(BEAT, timeout_s=5)


def test_the_documented_answer_with_a_long_token_keeps_every_digit(
    fake: FakeControlPlane, client: ControlPlane
) -> None:
    fake.answers["heartbeat"] = lambda _: (200, {**HEARTBEAT, "fencing_token": "1795381862417305123"})
    answer = client.heartbeat(BEAT, timeout_s=5)
    assert isinstance(answer, HeartbeatAnswer)
    assert answer.lease.fencing_token == 1_795_381_862_417_305_123


def test_a_margin_that_eats_the_lease_is_not_accepted(fake: FakeControlPlane, client: ControlPlane) -> None:
    policy = {
        "heartbeat_interval_seconds": 15,
        "request_timeout_seconds": 5,
        "lease_seconds": 5,
        "gateway_margin_seconds": 5,
    }
    fake.answers["register"] = lambda _: (200, {"activation_status": "standby", "policy": policy})
    with pytest.raises(NoAnswer, match="gateway_margin_seconds"):
        client.register(ASKING, timeout_s=5)
