"""The journal writes each step whole, and drops what belongs to an execution that is gone."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devhost.host import history
from devhost.host.database import Database
from devhost.host.decisions import RuntimeStatus
from devhost.host.episode import start_message
from devhost.host.journal import InstanceExists, Journal
from devhost.host.records import EpisodeWrites, Instance, NewActivity, NewMessage, Work

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANY = frozenset(RuntimeStatus)
FINISHED = frozenset(status for status in RuntimeStatus if status.finished)
ONE = Instance(
    instance_id="one",
    execution_id="e1",
    name="sample",
    version=None,
    status=RuntimeStatus.PENDING,
    input_text=None,
    output=None,
    custom_status=None,
    created_at=NOW,
    updated_at=NOW,
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "journal.db")
    made.start(ONE, start_message(ONE, NOW), replaceable=FINISHED)
    return made


def taken(journal: Journal) -> Work:
    work = journal.work("one", NOW)
    assert work is not None
    return work


def writes(work: Work, *, status: RuntimeStatus = RuntimeStatus.RUNNING, activities: int = 0) -> EpisodeWrites:
    return EpisodeWrites(
        instance=replace(work.instance, status=status),
        consumed=tuple(message.seq for message in work.messages),
        events=(history.orchestrator_started(NOW), *(message.event for message in work.messages)),
        replaces_history=False,
        activities=tuple(NewActivity(task_id=number, name="work", input_text="1") for number in range(activities)),
        messages=(),
        children=(),
    )


def to_one(execution_id: str | None, due_at: datetime = NOW) -> NewMessage:
    event = history.event_raised(due_at, "Go", "1")
    return NewMessage(instance_id="one", execution_id=execution_id, due_at=due_at, event=event)


def test_an_episode_of_a_replaced_execution_writes_nothing(journal: Journal) -> None:
    work = taken(journal)
    successor = replace(ONE, execution_id="e2")
    journal.start(successor, start_message(successor, NOW), replaceable=ANY)
    assert journal.commit_episode(work, writes(work, activities=1)) is None
    assert journal.queued_activities() == []
    assert journal.history("one") == ()
    assert taken(journal).instance.execution_id == "e2"


def test_a_start_is_refused_while_the_id_is_in_use_and_changes_nothing(journal: Journal) -> None:
    with pytest.raises(InstanceExists, match="status Pending already exists"):
        journal.start(replace(ONE, execution_id="e2"), start_message(ONE, NOW), replaceable=FINISHED)
    assert taken(journal).instance.execution_id == "e1"


def test_a_message_waits_for_its_instant(journal: Journal) -> None:
    journal.post(to_one("e1", NOW + timedelta(microseconds=1)))
    work = taken(journal)
    assert len(work.messages) == 1
    journal.commit_episode(work, writes(work))
    assert journal.work("one", NOW) is None
    assert journal.work("one", NOW + timedelta(microseconds=1)) is not None


def test_messages_for_another_execution_are_dropped(journal: Journal) -> None:
    journal.post(to_one("e0"))
    journal.post(to_one(None))
    assert [message.event["EventType"] for message in taken(journal).messages] == [0, 15]
    assert len(journal.due_times()) == 1


def test_messages_for_a_finished_instance_are_dropped(journal: Journal) -> None:
    work = taken(journal)
    journal.commit_episode(work, writes(work, status=RuntimeStatus.COMPLETED))
    journal.post(to_one("e1"))
    assert journal.work("one", NOW) is None
    assert journal.due_times() == []


def test_a_finished_activity_leaves_the_queue_as_its_result_arrives(journal: Journal) -> None:
    work = taken(journal)
    queued = journal.commit_episode(work, writes(work, activities=1))
    assert queued is not None
    assert journal.queued_activities() == list(queued)
    journal.finish_activity(queued[0], history.task_completed(NOW, 0, "2"), NOW)
    assert journal.queued_activities() == []
    assert [message.event["Result"] for message in taken(journal).messages] == ["2"]


def test_everything_is_still_there_after_the_file_is_opened_again(journal: Journal, tmp_path: Path) -> None:
    work = taken(journal)
    queued = journal.commit_episode(work, writes(work, activities=2))
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert again.queued_activities() == list(queued or ())
    assert again.history("one") == writes(work).events
    assert again.instance("one") == writes(work).instance


def test_a_transaction_that_fails_half_way_leaves_no_trace(tmp_path: Path) -> None:
    database = Database(tmp_path / "file.db")

    def write_twice() -> None:
        with database.transaction():
            for _ in range(2):
                database.write("INSERT INTO tick VALUES ('f', NULL, 'x', 'x')")

    with pytest.raises(sqlite3.IntegrityError):
        write_twice()
    assert database.rows("SELECT * FROM tick") == []


def test_every_commit_is_flushed_to_disk(tmp_path: Path) -> None:
    database = Database(tmp_path / "file.db")
    (synchronous,) = database.rows("PRAGMA synchronous")
    (mode,) = database.rows("PRAGMA journal_mode")
    assert (synchronous[0], mode[0]) == (2, "wal")
