"""What the person watching the lab reads."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devhost.lab.narrator import Narrator
from devhost.lab.sentences import parse_event, tell

AT = datetime(2026, 3, 1, 20, 15, 3, tzinfo=UTC)


class Stage:
    """A narrator whose clock stands still until told, and what it printed."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self.now_s = 100.0
        self.file = folder / "events.jsonl"
        self.narrator = Narrator(self.file, write=self.lines.append, now=lambda: self.now_s, wall=lambda: AT)

    def sentences(self) -> list[str]:
        return [line[9:] for line in self.lines]

    def kept(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            {"event": "gateway.failed", "gateway": "gw-pro-primary", "consecutive_failures": 3},
            "gw-pro-primary marked failed (3 missed heartbeats)",
        ),
        (
            {"event": "lock.moved", "holder": "gw-pro-dr", "fencing_token": "17"},
            "gw-pro-dr holds the environment lock (token 17)",
        ),
        (
            {"event": "step.succeeded", "step": "start_dr_cluster", "runbook": "1.2", "detail": "Running"},
            "step start_dr_cluster (1.2) done: Running",
        ),
        ({"event": "operation.succeeded", "type": "failover", "detail": ""}, "failover succeeded"),
        (
            {"event": "operation.failed", "type": "failback", "detail": "the primary is silent"},
            "failback failed: the primary is silent",
        ),
        (
            {"event": "write.refused", "gateway": "gw-pro-primary", "write": "claim", "reason": "stale_token"},
            "gw-pro-primary was refused a claim: stale_token",
        ),
        ({"event": "gateway.failed"}, "? marked failed"),
    ],
)
def test_events_become_sentences(record: dict[str, object], sentence: str) -> None:
    told = tell("host", {"environment": "PRO", **record})
    assert told is not None
    assert (told.environment, told.sentence) == ("PRO", sentence)


def test_a_gateway_s_own_event_is_about_that_gateway() -> None:
    told = tell("gw-npr-dr", {"event": "lease.lost", "reason": "expired"})
    assert told is not None
    assert (told.environment, told.gateway) == ("NPR", "gw-npr-dr")
    assert told.sentence == "gw-npr-dr has no lease any more and stops working (expired)"


@pytest.mark.parametrize("event", ["task.claimed", "task.completed", "write.refused"])
def test_what_both_sides_of_a_call_report_is_told_once(event: str) -> None:
    fields = {"event": event, "environment": "PRO", "gateway": "gw-pro-dr", "level": "warning"}
    assert tell("gw-pro-dr", fields) is None


def test_an_unknown_event_is_told_only_when_it_is_a_warning_or_worse() -> None:
    assert tell("host", {"event": "cache.filled", "level": "INFO"}) is None
    told = tell("host", {"event": "disk.full", "level": "WARNING", "left": 3})
    assert told is not None
    assert told.sentence == "disk.full: left 3"


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "gateway.failed"}',
        '2026-03-01T20:15:03Z INFO mazevault.dr: {"event": "gateway.failed"}',
        '{"event": "gateway.failed"} Traceback (most recent call last):\\n  {}',
    ],
)
def test_an_event_is_found_wherever_it_stands_in_a_log_line(line: str) -> None:
    assert parse_event(line) == {"event": "gateway.failed"}


@pytest.mark.parametrize("line", ["", "plain words", "{broken", '{"no": "event"}', "[1]", '{"event": 3}'])
def test_a_line_without_an_event_is_passed_over(line: str) -> None:
    assert parse_event(line) is None


def test_a_line_shows_the_event_s_own_time_and_environment(stage: Stage) -> None:
    at = datetime(2026, 3, 1, 9, 30, 5, tzinfo=UTC)
    stage.narrator.hear("host", {"event": "gateway.failed", "gateway": "g", "environment": "PRO", "at": at.isoformat()})
    assert stage.lines == [f"{at.astimezone():%H:%M:%S} PRO  g marked failed"]


def test_task_traffic_is_summed_up_every_ten_seconds(stage: Stage) -> None:
    for _ in range(3):
        stage.narrator.hear("host", {"event": "task.claimed", "environment": "PRO", "gateway": "gw-pro-primary"})
    stage.narrator.hear("host", {"event": "task.succeeded", "environment": "NPR", "gateway": "gw-npr-primary"})
    stage.now_s += 9.9
    stage.narrator.tick()
    assert stage.lines == []
    stage.now_s += 0.1
    stage.narrator.tick()
    stage.now_s += 10.0
    stage.narrator.tick()
    assert stage.sentences() == ["NPR  tasks: 1 succeeded (gw-npr-primary)", "PRO  tasks: 3 claimed (gw-pro-primary)"]


def test_a_repeated_sentence_is_told_once_and_then_counted(stage: Stage) -> None:
    refused = {
        "event": "write.refused",
        "environment": "PRO",
        "gateway": "g",
        "write": "claim",
        "reason": "stale_token",
    }
    for _ in range(5):
        stage.narrator.hear("host", dict(refused))
    assert stage.sentences() == ["PRO  g was refused a claim: stale_token"]
    stage.now_s += 10.0
    stage.narrator.tick()
    assert stage.sentences()[1:] == ["PRO  g was refused a claim: stale_token (4 more)"]
    stage.now_s += 10.0
    stage.narrator.tick()
    assert len(stage.lines) == 2


def test_the_events_file_keeps_what_is_never_told(stage: Stage) -> None:
    stage.narrator.hear_line("host", '{"event": "cache.filled", "level": "INFO"}')
    stage.narrator.hear_line("host", '{"event": "task.claimed", "environment": "PRO"}')
    stage.narrator.say("PRO", "gw-pro-primary killed")
    assert stage.sentences() == ["PRO  gw-pro-primary killed"]
    assert [one.get("event", one.get("sentence")) for one in stage.kept()] == [
        "cache.filled",
        "task.claimed",
        "gw-pro-primary killed",
    ]
    assert all(one["source"] and one["at"] for one in stage.kept())
