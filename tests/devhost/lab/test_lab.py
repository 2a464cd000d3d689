"""The lab's commands against one running lab."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.devhost.lab.running import STAND_IN, Lab, eventually, process_state

MEMBERS = (
    "url", "admin_token", "reader_token", "alert_token", "database_url", "tables_connection_string", "arm_url",
    "jwks_url", "pids", "agent_tokens", "speed", "issuer", "environments", "inbox_url",
)  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    running = Lab(folder=tmp_path_factory.mktemp("lab"))
    started = running.up()
    assert started.returncode == 0, started.stdout + started.stderr
    yield running
    running.run("down")


def test_the_ready_file_has_every_promised_member_for_its_owner_alone(lab: Lab) -> None:
    facts = lab.facts()
    assert [name for name in MEMBERS if not facts.get(name)] == []
    assert not facts["url"].endswith("/api")
    assert (lab.folder / "lab.json").stat().st_mode & 0o777 == 0o600
    assert {"supervisor", "host", "azurite", "postgres", "arm", "issuer", "inbox", "gw-pro-primary"} <= facts[
        "pids"
    ].keys()


def test_the_screen_names_every_step_of_the_story(lab: Lab) -> None:
    screen = lab.told()
    for word in ("jq -r .admin_token", "kill gw-pro-primary", "/failover/PRO/activate-dr", "/failover/PRO/failback"):
        assert word in screen
    assert lab.facts()["url"] in screen


def test_status_shows_the_primaries_running_and_the_standbys_cold(lab: Lab) -> None:
    status = lab.run("status")
    assert status.returncode == 0
    assert lab.row("gw-npr-primary")[2:] == ["running", str(lab.pid("gw-npr-primary")), "active"]
    assert lab.row("gw-npr-dr")[2:] == ["cold", "-", "standby"]
    assert "host ok" in status.stdout


def test_a_second_lab_in_the_same_place_is_refused(lab: Lab) -> None:
    for words in (["--detach"], []):
        second = lab.run("up", *words, "--app", str(STAND_IN))
        assert second.returncode == 1
        assert "runs in" in second.stderr
        assert str(lab.pid("supervisor")) in second.stderr


def test_a_killed_gateway_stays_dead_until_it_is_healed(lab: Lab) -> None:
    before = lab.pid("gw-pro-primary")
    killed = lab.run("kill", "primary", "PRO")
    assert killed.returncode == 0
    assert f"process {before}" in killed.stdout
    assert lab.row("gw-pro-primary")[2] == "dead"
    again = lab.run("kill", "gw-pro-primary")
    assert again.returncode == 1
    assert "does not run" in again.stderr
    assert lab.run("heal", "pro-primary").returncode == 0
    assert lab.pid("gw-pro-primary") != before
    assert lab.row("gw-pro-primary")[2] == "running"


def test_a_frozen_gateway_is_the_same_process_after_it_is_healed(lab: Lab) -> None:
    pid = lab.pid("gw-npr-primary")
    assert lab.run("freeze", "npr-primary").returncode == 0
    eventually(lambda: process_state(pid) == "T")
    assert lab.row("gw-npr-primary")[2] == "frozen"
    assert lab.run("heal", "npr-primary").returncode == 0
    eventually(lambda: process_state(pid) != "T")
    assert lab.pid("gw-npr-primary") == pid


def test_a_partitioned_gateway_runs_on_and_hears_nothing_until_it_is_healed(lab: Lab) -> None:
    away, back = lab.log("gw-npr-primary").count("control_plane.away"), lab.log("gw-npr-primary").count(".back")
    assert lab.run("partition", "gw-npr-primary").returncode == 0
    assert lab.row("gw-npr-primary")[2] == "partitioned"
    eventually(lambda: lab.log("gw-npr-primary").count("control_plane.away") > away)
    assert lab.get("/health/ready") == {"status": "ready"}  # for everybody else nothing has changed
    assert lab.run("heal", "gw-npr-primary").returncode == 0
    eventually(lambda: lab.log("gw-npr-primary").count("control_plane.back") > back)


def test_an_unknown_gateway_is_refused_with_the_names_there_are(lab: Lab) -> None:
    refused = lab.run("kill", "gw-dev-primary")
    assert refused.returncode == 2
    assert "gw-npr-primary, gw-npr-dr, gw-pro-primary, gw-pro-dr" in " ".join(refused.stderr.split())


def test_a_cold_standby_cannot_be_healed_into_life(lab: Lab) -> None:
    refused = lab.run("heal", "gw-npr-dr")
    assert refused.returncode == 1
    assert "cold" in refused.stderr


def test_a_standby_boots_with_its_cluster_and_dies_with_it(lab: Lab) -> None:
    cluster = lab.facts()["environments"]["PRO"]["dr_cluster"]
    lab.cluster(cluster, "Running")
    eventually(lambda: lab.row("gw-pro-dr")[2] == "running")
    pid = lab.pid("gw-pro-dr")
    lab.cluster(cluster, "Stopped")
    eventually(lambda: lab.row("gw-pro-dr")[2] == "cold")
    assert "gw-pro-dr" not in lab.facts()["pids"] or lab.pid("gw-pro-dr") == pid
    assert "gw-pro-dr ended with its cluster" in lab.told()


def test_the_host_is_started_again_at_the_same_address(lab: Lab) -> None:
    before = lab.pid("host")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: lab.pid("host") != before)
    eventually(lambda: "host ok" in lab.run("status").stdout)
    assert "function host ended" in lab.told()


def test_work_is_queued_and_summed_up(lab: Lab) -> None:
    eventually(lambda: "tasks: " in lab.told() and "queued" in lab.told())
    assert '"event": "task.queued"' in (lab.folder / "events.jsonl").read_text(encoding="utf-8")


def test_a_lab_runs_on_when_the_one_who_started_it_detached_is_gone(lab: Lab) -> None:
    assert os.getsid(lab.pid("supervisor")) == lab.pid("supervisor")
