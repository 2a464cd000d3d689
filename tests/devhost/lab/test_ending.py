"""Every way in which a lab ends, and that nothing stays behind."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devhost.lab.births import name_process
from devhost.lab.layout import write_json
from tests.devhost.lab.running import SLEEPS, STAND_IN, Lab, eventually, running


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(folder=tmp_path / "lab")
    yield made
    made.run("down")


def started(lab: Lab, *words: str) -> None:
    up = lab.up(*words)
    assert up.returncode == 0, up.stdout + up.stderr


def test_down_ends_everything_and_status_says_so_with_its_exit_code(lab: Lab) -> None:
    assert lab.run("status").returncode == 3
    started(lab)
    assert lab.processes() != []
    down = lab.run("down")
    assert (down.returncode, down.stdout) == (0, "The lab has ended.\n")
    assert lab.processes() == []
    assert not (lab.folder / "lab.json").exists()
    assert "successfully closed" in lab.log("azurite")  # it was asked in the way that lets it save
    assert lab.run("status").returncode == 3
    assert lab.run("down").stdout == "No lab runs.\n"


def test_everything_ends_with_a_killed_supervisor_even_a_frozen_gateway(lab: Lab) -> None:
    started(lab)
    assert lab.run("freeze", "gw-pro-primary").returncode == 0
    os.kill(lab.pid("supervisor"), signal.SIGKILL)
    eventually(lambda: lab.processes() == [])


def test_down_ends_what_a_killed_lab_wrote_down_and_spares_whoever_got_its_number(lab: Lab) -> None:
    with running(SLEEPS) as left, running(SLEEPS) as stranger:
        children = [name_process("host", left.pid), replace(name_process("arm", stranger.pid), birth="long ago")]
        lab.folder.mkdir()
        write_json(lab.folder / "run.json", {"children": [child.as_json() for child in children]})
        down = lab.run("down")
        assert down.stdout == "No lab ran; ended what a killed one left: host.\n"
        assert left.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None


def test_the_next_lab_starts_where_a_killed_one_was_and_keeps_its_data_when_asked(lab: Lab) -> None:
    started(lab)
    first = lab.facts()
    os.kill(lab.pid("supervisor"), signal.SIGKILL)
    started(lab, "--keep")
    assert lab.facts()["pids"]["host"] != first["pids"]["host"]
    assert (lab.folder / "previous" / "log" / "host.log").exists()
    # The password is part of the data directory.
    password = first["database_url"].split("@")[0]
    assert lab.facts()["database_url"].split("@")[0] == password


def test_a_frozen_supervisor_does_not_stop_down(lab: Lab) -> None:
    started(lab)
    os.kill(lab.pid("supervisor"), signal.SIGSTOP)
    assert lab.run("down").returncode == 0
    assert lab.processes() == []


def test_a_lab_whose_application_cannot_start_says_why_and_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "host.json").write_text((STAND_IN / "host.json").read_text())
    (broken / "function_app.py").write_text("raise RuntimeError('the reason')\n")
    up = lab.run("up", "--detach", "--app", str(broken))
    assert up.returncode == 1
    assert "the reason" in up.stdout
    assert lab.processes() == []
