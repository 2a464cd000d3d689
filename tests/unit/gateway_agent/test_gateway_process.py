"""The lab's gateway as a process: it works, is frozen, wakes up, and finds that it may do nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gateway_agent.fake_control_plane import LEASE_S, FakeControlPlane, control_plane, eventually

ROOT = Path(__file__).resolve().parents[3]
WHO = {
    "MAZEVAULT_GATEWAY_ENVIRONMENT": "PRO",
    "MAZEVAULT_GATEWAY_ROLE": "primary",
    "AZURE_MANAGED_IDENTITY_CLIENT_ID": "mi-gw-pro-primary",
}


@pytest.fixture
def fake() -> Iterator[FakeControlPlane]:
    with control_plane() as fake:
        yield fake


class Process:
    """One gateway process with its events and its history."""

    def __init__(self, fake: FakeControlPlane, folder: Path, *, work_s: float) -> None:
        self.folder = folder
        (folder / "token").write_text("first", encoding="ascii")
        command: list[str | Path] = [
            *(sys.executable, "-m", "devhost.gateway", "--id", "gw-pro-primary", "--url", fake.url),
            *("--token-file", folder / "token", "--state-file", folder / "state.json"),
            *("--history", folder / "history.jsonl", "--work-s", str(work_s)),
        ]
        with (folder / "out.jsonl").open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **WHO}, stdout=output, stderr=subprocess.STDOUT
            )

    def events(self, name: str) -> list[dict[str, Any]]:
        return [event for event in _lines(self.folder / "out.jsonl") if event["event"] == name]

    def history(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in _lines(self.folder / "history.jsonl") if line["kind"] == kind]

    def end(self) -> int:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()


def _lines(file: Path) -> list[dict[str, Any]]:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def test_it_executes_tasks_one_after_the_other_and_writes_them_down(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1")
    fake.give_task("t2", attempt=2)
    gateway = Process(fake, tmp_path, work_s=0.2)
    try:
        eventually(lambda: len(gateway.events("task.completed")) == 2)
        (tmp_path / "token").write_text("second", encoding="ascii")
        eventually(lambda: fake.asked[-1].authorization == "Bearer second")
    finally:
        code = gateway.end()
    assert code == 0
    lines = _lines(tmp_path / "history.jsonl")
    assert [(line["kind"], line["task_id"]) for line in lines] == [
        (kind, task) for task in ("t1", "t2") for kind in ("claim", "effect", "complete")
    ]
    assert {line["outcome"] for line in lines} == {"ok", "accepted"}
    assert lines[4]["attempt"] == 2
    assert lines[1]["monotonic_ns"] - lines[0]["monotonic_ns"] >= 190_000_000
    assert len(fake.calls("progress")) == 2
    assert [event["event"] for event in _lines(tmp_path / "out.jsonl")][:3] == [
        "gateway.ready",
        "lease.granted",
        "status.changed",
    ]


def test_a_frozen_holder_wakes_up_without_its_lease_starts_no_effect_and_is_refused(
    fake: FakeControlPlane, tmp_path: Path
) -> None:
    fake.give_task("t1")
    gateway = Process(fake, tmp_path, work_s=1.0)
    try:
        eventually(lambda: gateway.history("claim"))
        gateway.process.send_signal(signal.SIGSTOP)
        fake.take_away()
        time.sleep(LEASE_S + 0.5)
        woken_ns = time.monotonic_ns()
        gateway.process.send_signal(signal.SIGCONT)
        eventually(lambda: gateway.history("complete"))
        eventually(lambda: gateway.events("write.refused"))
    finally:
        code = gateway.end()
    assert code == 0
    assert gateway.history("effect") == []
    (dropped,) = gateway.history("dropped")
    assert dropped["reason"] == "lease_over"
    assert dropped["monotonic_ns"] > woken_ns
    assert [(line["outcome"], line["reason"]) for line in gateway.history("complete")] == [("refused", "not_holder")]
    (refused,) = gateway.events("write.refused")
    assert (refused["write"], refused["reason"], refused["fencing_token"]) == ("complete", "not_holder", "7")
    assert [event["reason"] for event in gateway.events("lease.lost")] == ["lease_over"]
    assert gateway.events("status.changed")[-1]["activation_status"] == "standby"


def test_a_holder_cut_off_in_its_work_lets_the_effect_be(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.give_task("t1")
    gateway = Process(fake, tmp_path, work_s=2 * LEASE_S)
    try:
        eventually(lambda: gateway.history("claim"))
        fake.answers["heartbeat"] = lambda _: (503, {})
        eventually(lambda: gateway.history("dropped"))
        asked = len(fake.calls("heartbeat"))
        eventually(lambda: len(fake.calls("heartbeat")) > asked + 2)
    finally:
        code = gateway.end()
    assert code == 0
    assert gateway.history("effect") == gateway.history("complete") == []
    assert fake.calls("complete") == []


def test_it_keeps_trying_when_it_comes_up_before_the_control_plane(fake: FakeControlPlane, tmp_path: Path) -> None:
    fake.answers["register"] = lambda _: (503, {})
    gateway = Process(fake, tmp_path, work_s=0.1)
    try:
        eventually(lambda: gateway.events("control_plane.away") and len(fake.calls("register")) >= 2)
        del fake.answers["register"]
        eventually(lambda: gateway.events("lease.granted"))
    finally:
        code = gateway.end()
    assert code == 0


def test_a_state_file_of_the_other_role_ends_it_with_a_reason(fake: FakeControlPlane, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"Role": "dr-standby", "Environment": "PRO"}', encoding="utf-8")
    gateway = Process(fake, tmp_path, work_s=0.1)
    assert gateway.process.wait(10) == 2
    assert '"Role" is "dr-standby"' in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert fake.asked == []
