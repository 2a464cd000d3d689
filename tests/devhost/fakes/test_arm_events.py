"""The fake Resource Manager tells what becomes of its clusters, and remembers it over a restart."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.devhost.fakes.azure_clusters import START_S, Azure, resource_id
from tests.devhost.fakes.running import running

TOKEN = {"Authorization": "Bearer some.token"}


def newest_number(lab: httpx2.Client) -> int:
    return max(int(event["seq"]) for event in lab.get("/_lab/events").json()["events"])


def test_a_start_is_told_change_by_change(stopped: Azure) -> None:
    before = newest_number(stopped.lab)

    stopped.begin_start().result()

    events = stopped.lab.get(f"/_lab/events?after={before}").json()["events"]
    assert [(one["power"], one["provisioning"]) for one in events if one["cluster"] == stopped.id] == [
        ("Stopped", "Starting"),
        ("Running", "Starting"),
        ("Running", "Succeeded"),
    ]
    assert [one["seq"] for one in events] == list(range(before + 1, before + 1 + len(events)))


def test_a_waiting_listener_hears_of_a_change_at_once(stopped: Azure) -> None:
    stopped.begin_start().result()
    before = newest_number(stopped.lab)
    heard: list[Any] = []

    def listen() -> None:
        began = time.monotonic()
        answer = httpx2.get(f"{stopped.lab.base_url}/_lab/events?after={before}&wait=10", timeout=15)
        heard.append((time.monotonic() - began, answer.json()["events"][0]))

    listener = threading.Thread(target=listen)
    listener.start()
    time.sleep(0.3)
    stopped.begin_stop(polling=False)
    listener.join(12)

    waited_s, event = heard[0]
    assert 0.2 < waited_s < 5
    assert (event["cluster"], event["provisioning"]) == (stopped.id, "Stopping")


def test_a_listener_is_let_go_when_nothing_happens(stopped: Azure) -> None:
    after = newest_number(stopped.lab) + 1000

    assert stopped.lab.get(f"/_lab/events?after={after}&wait=0.2").json() == {"events": []}


@pytest.mark.parametrize("query", ["after=x", "wait=y"])
def test_a_listener_who_asks_nonsense_is_told_so(stopped: Azure, query: str) -> None:
    assert stopped.lab.get(f"/_lab/events?{query}").status_code == 400


def test_a_restart_goes_on_with_the_operations_of_its_predecessor(tmp_path: Path) -> None:
    cluster = resource_id("kept")
    arguments = ["--certificates", str(tmp_path), "--state", str(tmp_path / "state.json"), "--start-s", str(START_S)]
    declared = [*arguments, "--cluster", f"{cluster}=stopped"]
    with running("devhost.fakes.arm", declared, tmp_path) as first:
        accepted = httpx2.post(f"{first['http_url']}{cluster}/start?api-version=2026-08-01", headers=TOKEN)
        assert accepted.status_code == 202
        certificate = Path(first["certificate"]).read_bytes()

    time.sleep(START_S)
    with running("devhost.fakes.arm", declared, tmp_path) as second:
        assert httpx2.get(f"{second['http_url']}/_lab/clusters").json() == [
            {"id": cluster, "power": "Running", "provisioning": "Succeeded"}
        ]
        events = httpx2.get(f"{second['http_url']}/_lab/events").json()["events"]
        assert [one["seq"] for one in events] == [1, 2, 3, 4]
        old_address = accepted.headers["Azure-AsyncOperation"].replace(first["http_url"], second["http_url"])
        assert httpx2.get(old_address, headers=TOKEN).json()["status"] == "Succeeded"
        assert Path(second["certificate"]).read_bytes() == certificate
