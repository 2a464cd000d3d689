"""The durable state of the host: instances, histories, waiting messages, queued activities, timer records.

Every public method that writes is one transaction, flushed to disk before it returns. A kill between two calls
therefore loses nothing that was acknowledged and repeats at most activities that were running.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path

from devhost.host.database import Database
from devhost.host.decisions import RuntimeStatus
from devhost.host.episode import refused_child
from devhost.host.history import Event, EventType, parse_time, wire_time
from devhost.host.records import EpisodeWrites, Instance, Message, NewMessage, QueuedActivity, TickRecord, Work

_COLUMNS = [field.name for field in fields(Instance)]


class InstanceExists(Exception):
    """The id belongs to an instance that has not finished; `status` says how it stands."""

    def __init__(self, status: RuntimeStatus) -> None:
        super().__init__(f"An Orchestration instance with the status {status.value} already exists.")
        self.status = status


class Journal:
    """All reads and writes of the host's durable state. Use from one thread."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. JournalInUse if another host holds it."""
        self._db = Database(path)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    # Instances -------------------------------------------------------------------------------------------------

    def start(self, instance: Instance, message: NewMessage, *, replaceable: frozenset[RuntimeStatus]) -> None:
        """Create the instance with its start message, replacing one in a `replaceable` state.

        InstanceExists if the id is taken by an instance in another state.
        """
        with self._db.transaction():
            present = self.instance(instance.instance_id)
            if present is not None and present.status not in replaceable:
                raise InstanceExists(present.status)
            self._replace_instance(instance, message)

    def instance(self, instance_id: str) -> Instance | None:
        """The instance, or None."""
        row = self._db.row("SELECT * FROM instance WHERE instance_id = ?", instance_id)
        return None if row is None else _instance(row)

    def instances(self) -> list[Instance]:
        """All instances, oldest first."""
        return [_instance(row) for row in self._db.rows("SELECT * FROM instance ORDER BY created_at, instance_id")]

    def history(self, instance_id: str) -> tuple[Event, ...]:
        """The committed events of the current execution."""
        rows = self._db.rows("SELECT event FROM history WHERE instance_id = ? ORDER BY seq", instance_id)
        return tuple(json.loads(row["event"]) for row in rows)

    def purge(self, instance_ids: Sequence[str]) -> None:
        """Forget these instances, their histories and their waiting messages."""
        with self._db.transaction():
            for instance_id in instance_ids:
                self._forget(instance_id)
                self._db.write("DELETE FROM instance WHERE instance_id = ?", instance_id)

    # Messages and episodes -------------------------------------------------------------------------------------

    def post(self, message: NewMessage) -> None:
        """Add a message for an instance."""
        with self._db.transaction():
            self._insert(message)

    def due_times(self) -> list[tuple[datetime, str]]:
        """When each waiting message is due, and for which instance."""
        rows = self._db.rows("SELECT DISTINCT due_at, instance_id FROM inbox")
        return [(parse_time(row["due_at"]), row["instance_id"]) for row in rows]

    def work(self, instance_id: str, now: datetime) -> Work | None:
        """What an episode of this instance would start from, or None if nothing is due.

        Messages for another execution or for a finished or unknown instance are dropped on the way.
        """
        rows = self._db.rows(
            "SELECT * FROM inbox WHERE instance_id = ? AND due_at <= ? ORDER BY due_at, seq",
            instance_id,
            wire_time(now),
        )
        if not rows:
            return None
        instance = self.instance(instance_id)
        if instance is None or instance.status.finished:
            self._drop([row["seq"] for row in rows])
            return None
        current = [row for row in rows if row["execution_id"] in (None, instance.execution_id)]
        kept = {row["seq"] for row in current}
        self._drop([row["seq"] for row in rows if row["seq"] not in kept])
        if not current:
            return None
        messages = [
            Message(seq=row["seq"], due_at=parse_time(row["due_at"]), event=json.loads(row["event"])) for row in current
        ]
        # The start comes first even if the wall clock stepped back between it and an event.
        messages.sort(key=lambda message: message.event["EventType"] != EventType.EXECUTION_STARTED)
        return Work(instance=instance, past=self.history(instance_id), messages=tuple(messages))

    def commit_episode(self, started_from: Work, writes: EpisodeWrites) -> tuple[QueuedActivity, ...] | None:
        """Write one episode; the activities it queued, or None if the instance was replaced or purged meanwhile."""
        before, after = started_from.instance, writes.instance
        with self._db.transaction():
            present = self.instance(before.instance_id)
            if present is None or present.execution_id != before.execution_id:
                return None
            self._delete_messages(writes.consumed)
            self._put_instance(after)
            if writes.replaces_history:
                self._db.write("DELETE FROM history WHERE instance_id = ?", after.instance_id)
                self._delete_own_messages(before)
            self._append(after.instance_id, len(started_from.past), writes.events)
            if after.status.finished:
                self._db.write("DELETE FROM inbox WHERE instance_id = ?", after.instance_id)
            for message in writes.messages:
                self._insert(message)
            for child, start in writes.children:
                self._start_child(child, start)
            return tuple(
                self._queue(after, activity.task_id, activity.name, activity.input_text)
                for activity in writes.activities
            )

    # Activities ------------------------------------------------------------------------------------------------

    def queued_activities(self) -> list[QueuedActivity]:
        """Every activity that has not posted its result yet, oldest first."""
        return [QueuedActivity(**dict(row)) for row in self._db.rows("SELECT * FROM activity ORDER BY seq")]

    def finish_activity(self, activity: QueuedActivity, event: Event, at: datetime) -> None:
        """Take the activity off the queue and post its completion, both or neither."""
        with self._db.transaction():
            self._db.write("DELETE FROM activity WHERE seq = ?", activity.seq)
            self._insert(
                NewMessage(instance_id=activity.instance_id, execution_id=activity.execution_id, due_at=at, event=event)
            )

    # Timer functions -------------------------------------------------------------------------------------------

    def tick(self, function: str) -> TickRecord | None:
        """The record of a monitored timer function, or None before its first start."""
        row = self._db.row("SELECT * FROM tick WHERE function = ?", function)
        if row is None:
            return None
        return TickRecord(
            last_at=parse_time(row["last_at"]) if row["last_at"] else None,
            next_at=parse_time(row["next_at"]),
            updated_at=parse_time(row["updated_at"]),
        )

    def record_tick(self, function: str, record: TickRecord) -> None:
        """Store the record of a monitored timer function."""
        self._db.write(
            "INSERT OR REPLACE INTO tick VALUES (?, ?, ?, ?)",
            function,
            wire_time(record.last_at) if record.last_at else None,
            wire_time(record.next_at),
            wire_time(record.updated_at),
        )

    # Statements ------------------------------------------------------------------------------------------------

    def _start_child(self, child: Instance, start: NewMessage) -> None:
        present = self.instance(child.instance_id)
        if present is not None and not present.status.finished:
            self._insert(refused_child(child, child.created_at))
        else:
            self._replace_instance(child, start)

    def _replace_instance(self, instance: Instance, message: NewMessage) -> None:
        self._forget(instance.instance_id)
        self._put_instance(instance)
        self._insert(message)

    def _forget(self, instance_id: str) -> None:
        self._db.write("DELETE FROM history WHERE instance_id = ?", instance_id)
        self._db.write("DELETE FROM inbox WHERE instance_id = ?", instance_id)

    def _put_instance(self, instance: Instance) -> None:
        marks = ", ".join("?" for _ in _COLUMNS)
        values = [getattr(instance, column) for column in _COLUMNS]
        self._db.write(
            f"INSERT OR REPLACE INTO instance ({', '.join(_COLUMNS)}) VALUES ({marks})", *map(_stored, values)
        )

    def _append(self, instance_id: str, offset: int, events: Sequence[Event]) -> None:
        for seq, event in enumerate(events, start=offset):
            self._db.write("INSERT INTO history VALUES (?, ?, ?)", instance_id, seq, json.dumps(event))

    def _insert(self, message: NewMessage) -> None:
        self._db.write(
            "INSERT INTO inbox (instance_id, execution_id, due_at, event) VALUES (?, ?, ?, ?)",
            message.instance_id,
            message.execution_id,
            wire_time(message.due_at),
            json.dumps(message.event),
        )

    def _queue(self, owner: Instance, task_id: int, name: str, input_text: str | None) -> QueuedActivity:
        cursor = self._db.write(
            "INSERT INTO activity (instance_id, execution_id, task_id, name, input_text) VALUES (?, ?, ?, ?, ?)",
            owner.instance_id,
            owner.execution_id,
            task_id,
            name,
            input_text,
        )
        assert cursor.lastrowid is not None
        return QueuedActivity(
            seq=cursor.lastrowid,
            instance_id=owner.instance_id,
            execution_id=owner.execution_id,
            task_id=task_id,
            name=name,
            input_text=input_text,
        )

    def _drop(self, seqs: Sequence[int]) -> None:
        if seqs:
            with self._db.transaction():
                self._delete_messages(seqs)

    def _delete_messages(self, seqs: Sequence[int]) -> None:
        for seq in seqs:
            self._db.write("DELETE FROM inbox WHERE seq = ?", seq)

    def _delete_own_messages(self, instance: Instance) -> None:
        self._db.write(
            "DELETE FROM inbox WHERE instance_id = ? AND execution_id = ?", instance.instance_id, instance.execution_id
        )


def _stored(value: object) -> object:
    match value:
        case datetime():
            return wire_time(value)
        case RuntimeStatus():
            return value.value
        case _:
            return value


def _instance(row: sqlite3.Row) -> Instance:
    values = dict(row)
    return Instance(
        **values
        | {
            "status": RuntimeStatus(values["status"]),
            "created_at": parse_time(values["created_at"]),
            "updated_at": parse_time(values["updated_at"]),
        }
    )
