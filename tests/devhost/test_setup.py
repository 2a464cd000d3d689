"""What `make setup` promises without a network: it needs no package, and it notices what was left unfinished."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from devhost import setup


def test_setup_starts_on_a_python_that_has_nothing_installed() -> None:
    program = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='setup')"
    command = [sys.executable, "-I", "-S", "-c", program, str(setup.ROOT / "devhost" / "setup.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_stage_that_began_and_did_not_end_has_no_stamp(tmp_path: Path) -> None:
    stage = tmp_path / "venv"
    setup.write_stamp(stage, "made from these files")
    assert setup.read_stamp(stage) == "made from these files"
    setup.begin(stage)
    assert setup.read_stamp(stage) == ""


def test_the_stamp_changes_with_the_content_and_the_number_of_lock_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("uv==1", encoding="utf-8")
    second.write_text("node==1", encoding="utf-8")
    before = setup.stamp_of([first], root=tmp_path)
    assert setup.stamp_of([first], root=tmp_path) == before
    assert setup.stamp_of([first, second], root=tmp_path) != before
    first.write_text("uv==2", encoding="utf-8")
    assert setup.stamp_of([first], root=tmp_path) != before


def test_a_moved_checkout_has_another_stamp(tmp_path: Path) -> None:
    places = [tmp_path / "here", tmp_path / "there"]
    for place in places:
        place.mkdir()
        (place / "a.txt").write_text("uv==1", encoding="utf-8")
    here, there = (setup.stamp_of([place / "a.txt"], root=place) for place in places)
    assert here != there
