"""Killed at any moment, the host loses nothing it acknowledged and repeats at most the activity that was running."""

from __future__ import annotations

import random
import time
from collections import Counter

from tests.devhost.host.conftest import MakeHost
from tests.devhost.host.running import Host

THREE = ["echo 0", "echo 1", "echo 2"]


def runs_around_a_kill(host: Host, instance_id: str, **crash: object) -> list[str]:
    """What ran of the orchestrator `three` when the host died at the armed point and was started again."""
    before = len(host.runs)
    host.arm(**crash)
    host.begin_doomed("three", instance_id)
    assert not host.crash_file.exists()
    host.start()
    assert host.until(instance_id)["output"] == [0, 1, 2]
    return host.runs[before:]


def test_an_activity_is_repeated_only_if_its_result_was_not_recorded(make_host: MakeHost) -> None:
    host = make_host("main").start()
    assert runs_around_a_kill(host, "before", activity="echo", when="before") == THREE
    assert runs_around_a_kill(host, "returned", activity="echo", when="returned") == ["echo 0", *THREE]
    assert runs_around_a_kill(host, "recorded", activity="echo", when="recorded") == THREE


def test_an_episode_that_was_not_committed_is_replayed(make_host: MakeHost) -> None:
    host = make_host("main").start()
    assert runs_around_a_kill(host, "first", orchestrator="three", when="episode", n=1) == THREE
    assert runs_around_a_kill(host, "last", orchestrator="three", when="episode", n=4) == THREE


def test_a_sub_orchestration_is_neither_lost_nor_doubled_by_a_kill_around_its_creation(make_host: MakeHost) -> None:
    host = make_host("main").start()
    for number, crash in enumerate(("parent", "three")):
        host.arm(orchestrator=crash, when="episode", n=1)
        host.begin_doomed("parent", f"family-{number}")
        host.start()
        assert host.until(f"family-{number}")["output"]["first"] == [0, 1, 2]
    assert Counter(host.runs) == {"echo 0": 2, "echo 1": 2, "echo 2": 2, "fail msg": 2}


def test_a_durable_timer_fires_on_time_after_a_kill(make_host: MakeHost) -> None:
    host = make_host("main").start()
    host.begin("loser", "timer", {"cancel": False})
    time.sleep(0.2)
    host.kill()
    host.start()
    assert host.until("timer")["output"] == "done"


def test_results_after_many_random_kills_equal_those_of_an_undisturbed_run(make_host: MakeHost) -> None:
    seed = 20260301
    chance = random.Random(seed)
    host = make_host("main").start()
    started = set()
    for round_number in range(6):
        for part in range(3):
            instance_id = f"crowd-{round_number}-{part}"
            host.begin("crowd", instance_id, round_number)
            started.add((instance_id, round_number))
        time.sleep(chance.uniform(0, 0.25))
        host.kill()
        host.start()
    for instance_id, number in started:
        expected = [[number, [0, 1, 2], [0, 1, 2], "failed"], True]
        assert host.until(instance_id)["output"] == expected, f"seed {seed}"
    # Every instance runs echo eight times (twice itself, three times in each child) and fail twice, at the least.
    runs = Counter(line.split()[0] for line in host.runs)
    assert runs["echo"] >= len(started) * 8
    assert runs["fail"] >= len(started) * 2


def test_a_stop_returns_a_running_activity_to_the_queue(make_host: MakeHost) -> None:
    host = make_host("main").start()
    host.begin("sleeping", "interrupted")
    host.until("interrupted", "Running")
    before = time.monotonic()
    assert host.stop() == 0
    assert time.monotonic() - before < 2
    host.start()
    assert host.until("interrupted")["output"] == "late"


def test_a_code_change_under_a_waiting_instance_is_reported_and_a_change_of_case_is_not(make_host: MakeHost) -> None:
    host = make_host("changed", CODE="old").start()
    for instance_id in ("recased", "changed"):
        host.durable("POST", f"orchestrators/changing/{instance_id}")
        host.until(instance_id, "Running")
        time.sleep(0.1)
    host.stop()
    host.start(CODE="renamed")
    host.durable("POST", "instances/recased/raiseEvent/Go", 1)
    assert host.until("recased")["output"] == 1
    host.stop()
    host.start(CODE="new")
    host.durable("POST", "instances/changed/raiseEvent/Go", 1)
    status = host.until("changed")
    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith("Non-Deterministic workflow detected:")
