"""A canary is carried out once, reported until it is heard, and never in the way of a heartbeat."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway_agent import Agent, CanaryOrder, ControlPlane, GatewaySettings, Role
from gateway_agent.answers import Malformed, heartbeat
from gateway_agent.canaries import Rotate
from tests.unit.gateway_agent.fake_control_plane import (
    Answer,
    FakeControlPlane,
    control_plane,
    eventually,
    problem,
)

HEARD = {"outcome": "accepted"}
ORDER = {"drill_id": "PRO-1", "config": {"name": "drill-canary"}}


@contextmanager
def standby(
    folder: Path, rotate: Rotate | None, *, hears: Callable[[FakeControlPlane], Answer] = lambda _: (200, HEARD)
) -> Iterator[FakeControlPlane]:
    """Give the control plane of a running standby gateway that is asked for a canary with every heartbeat."""
    with control_plane() as fake:
        fake.take_away()
        fake.canary = ORDER
        fake.answers["PRO-1"] = lambda _: hears(fake)
        settings = GatewaySettings(
            gateway_id="gw", environment="PRO", role=Role.DR_STANDBY, control_plane_url=fake.url,
            state_file=folder / "state.json", identity_client_id="mi",
        )  # fmt: skip
        plane = ControlPlane(fake.url, "gw", token=lambda: "token")
        with Agent(settings, plane, on_canary=rotate):
            yield fake
        plane.close()


def reports(fake: FakeControlPlane) -> list[dict[str, Any]]:
    return [one.body for one in fake.calls("PRO-1")]


def test_an_order_is_carried_out_once_however_often_it_is_told_and_its_result_reported(tmp_path: Path) -> None:
    orders: list[CanaryOrder] = []

    def rotate(order: CanaryOrder) -> Mapping[str, Any]:
        orders.append(order)
        return {"key_vault_write": "ok"}

    with standby(tmp_path, rotate) as fake:
        eventually(lambda: len(fake.calls("heartbeat")) >= 4 and reports(fake))
        assert reports(fake) == [{"environment": "PRO", "succeeded": True, "result": {"key_vault_write": "ok"}}]
    assert [order.config for order in orders] == [{"name": "drill-canary"}]


def test_heartbeats_go_on_while_a_canary_takes_its_time(tmp_path: Path) -> None:
    done = threading.Event()

    def rotate(_: CanaryOrder) -> Mapping[str, Any]:
        done.wait(5)
        return {}

    with standby(tmp_path, rotate) as fake:
        eventually(lambda: len(fake.calls("heartbeat")) >= 4)
        assert reports(fake) == []
        done.set()
        eventually(lambda: reports(fake))


def test_a_gateway_that_carries_out_no_canaries_says_so(tmp_path: Path) -> None:
    with standby(tmp_path, None) as fake:
        eventually(lambda: reports(fake))
        assert reports(fake)[0]["succeeded"] is False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_rotation_that_raises_is_a_canary_that_failed(tmp_path: Path) -> None:
    def rotate(_: CanaryOrder) -> Mapping[str, Any]:
        raise PermissionError("Key Vault said 403")

    with standby(tmp_path, rotate) as fake:
        eventually(lambda: reports(fake))
        assert reports(fake)[0]["succeeded"] is False


def test_a_report_without_an_answer_is_sent_again_and_a_refused_one_is_not(tmp_path: Path) -> None:
    def hears(fake: FakeControlPlane) -> Answer:
        return problem("away", status=503) if len(reports(fake)) < 2 else problem("ended")

    with standby(tmp_path, lambda _: {}, hears=hears) as fake:
        eventually(lambda: len(reports(fake)) == 2)
        beats = len(fake.calls("heartbeat"))
        eventually(lambda: len(fake.calls("heartbeat")) >= beats + 3)
        assert len(reports(fake)) == 2


def test_an_answer_without_a_canary_has_none_and_a_garbled_one_is_no_answer() -> None:
    body = {"activation_status": "standby", "sequence": 1, "heartbeat_interval_seconds": 1.0}
    assert heartbeat(body).canary is None
    assert heartbeat({**body, "canary": {**ORDER}}).canary == CanaryOrder(drill_id="PRO-1", config=ORDER["config"])  # type: ignore[arg-type]
    garbled_orders: list[object] = ["yes", {"config": {}}, {"drill_id": 7}]
    for garbled in garbled_orders:
        with pytest.raises(Malformed):
            heartbeat({**body, "canary": garbled})
