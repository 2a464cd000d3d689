"""The lab's directory."""

import json
from pathlib import Path

import pytest

from devhost.lab.layout import LabRuns, Layout, read_json, write_json
from devhost.lab.tail import Follower


def test_a_fresh_lab_starts_without_the_data_of_the_one_before_and_keeps_its_logs(tmp_path: Path) -> None:
    layout = Layout(folder=tmp_path)
    layout.prepare(keep=False)
    (layout.data / "journal.sqlite").write_text("old")
    layout.log("host").write_text("old line\n")
    layout.events_file.write_text("{}\n")
    layout.prepare(keep=False)
    assert not (layout.data / "journal.sqlite").exists()
    assert list(layout.logs.iterdir()) == []
    assert not layout.events_file.exists()
    assert (tmp_path / "previous" / "log" / "host.log").read_text() == "old line\n"


def test_a_lab_that_goes_on_keeps_the_data_but_no_announcement_of_the_one_before(tmp_path: Path) -> None:
    layout = Layout(folder=tmp_path)
    layout.prepare(keep=False)
    (layout.data / "journal.sqlite").write_text("old")
    layout.ready_file("host").parent.mkdir()
    layout.ready_file("host").write_text("{}")
    layout.prepare(keep=True)
    assert (layout.data / "journal.sqlite").read_text() == "old"
    assert not layout.ready_file("host").exists()


def test_a_second_lab_in_the_same_directory_is_told_of_the_first(tmp_path: Path) -> None:
    layout = Layout(folder=tmp_path)
    with layout.only_one():
        write_json(layout.run_file, {"supervisor": {"pid": 4242}})
        with pytest.raises(LabRuns, match="4242"), layout.only_one():
            pass
    with layout.only_one():
        pass


def test_files_with_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    file.write_text("old, readable by all")
    write_json(file, {"admin_token": "x"})
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == {"admin_token": "x"}
    assert list(tmp_path.iterdir()) == [file]


def test_a_missing_file_reads_as_empty(tmp_path: Path) -> None:
    assert read_json(tmp_path / "lab.json") == {}


def test_a_log_is_followed_line_by_line_as_it_grows(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    follower = Follower(lambda name, line: heard.append((name, line)))
    log = tmp_path / "host.log"
    follower.follow("host", log)
    follower.read()
    log.write_bytes(b"one\ntw")
    follower.read()
    assert heard == [("host", "one")]
    with log.open("ab") as file:
        file.write(b"o\n")
    follower.read()
    assert heard == [("host", "one"), ("host", "two")]
