"""What tests may do to the emulator in memory: lose answers, let another writer in between, and restore."""

from dataclasses import replace

import pytest

from devhost.emulators.memory_tables import MemoryTables
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from tests.contract.tables.examples import fresh_environment, gateway, lock, sight


class Faults:
    """Records the points it is called with, and does at each what the test has planned."""

    def __init__(self) -> None:
        self.points: list[str] = []
        self.planned: dict[str, Exception] = {}

    def __call__(self, point: str) -> None:
        self.points.append(point)
        if point in self.planned:
            raise self.planned.pop(point)


def test_a_lost_answer_leaves_the_write_done() -> None:
    faults = Faults()
    tables = MemoryTables(faults)
    first = tables.locks.insert(lock("PRO"))
    faults.planned["locks.replace.after"] = OutcomeUnknown("lost")
    with pytest.raises(OutcomeUnknown):
        tables.locks.replace(replace(first.value, written_by="landed"), etag=first.etag)
    read = tables.locks.read("PRO")
    assert read is not None
    assert read.value.written_by == "landed"


def test_a_fault_before_a_write_leaves_nothing_done() -> None:
    faults = Faults()
    tables = MemoryTables(faults)
    faults.planned["locks.insert.before"] = LockStoreUnavailable("down")
    with pytest.raises(LockStoreUnavailable):
        tables.locks.insert(lock("PRO"))
    assert tables.locks.read("PRO") is None


def test_every_access_names_its_points_in_order() -> None:
    faults = Faults()
    tables = MemoryTables(faults)
    version = tables.sight.write(sight(), etag=None)
    tables.sight.write(sight(), etag=version.etag)
    tables.gateways.list("PRO")
    tables.audit.last("PRO")
    tables.operations.read("PRO-1-2")
    assert faults.points == [
        "sight.insert.before", "sight.insert.after", "sight.replace.before", "sight.replace.after",
        "gateways.list", "audit.list", "operations.read",
    ]  # fmt: skip


def test_a_conflict_never_reaches_the_point_after_the_write() -> None:
    faults = Faults()
    tables = MemoryTables(faults)
    tables.locks.insert(lock("PRO"))
    faults.points.clear()
    with pytest.raises(Conflict):
        tables.locks.insert(lock("PRO"))
    assert faults.points == ["locks.insert.before"]


def test_another_writer_may_go_first_while_a_write_is_held_before_it_lands() -> None:
    tables: MemoryTables

    def overtake(point: str) -> None:
        read = overtaken.pop() if point == "locks.replace.before" and overtaken else None
        if read is not None:
            tables.locks.replace(replace(read.value, written_by="first"), etag=read.etag)

    overtaken = []
    tables = MemoryTables(overtake)
    first = tables.locks.insert(lock("PRO"))
    overtaken.append(first)
    with pytest.raises(Conflict):
        tables.locks.replace(replace(first.value, written_by="second"), etag=first.etag)
    read = tables.locks.read("PRO")
    assert read is not None
    assert read.value.written_by == "first"


def test_a_restored_account_has_its_old_rows_with_their_old_versions() -> None:
    tables = MemoryTables()
    first = tables.locks.insert(lock("PRO"))
    snapshot = tables.snapshot()
    lost = tables.locks.replace(replace(first.value, written_by="lost"), etag=first.etag)
    other = fresh_environment()
    tables.gateways.insert(gateway(other, "gw"))
    tables.restore(snapshot)
    assert tables.locks.read("PRO") == first
    assert tables.gateways.read(other, "gw") is None
    with pytest.raises(Conflict):
        tables.locks.replace(lost.value, etag=lost.etag)
    again = tables.locks.replace(first.value, etag=first.etag)
    assert again.etag not in (first.etag, lost.etag)


def test_what_is_written_after_a_snapshot_does_not_change_the_snapshot() -> None:
    tables = MemoryTables()
    snapshot = tables.snapshot()
    tables.locks.insert(lock("PRO"))
    tables.restore(snapshot)
    assert tables.locks.read("PRO") is None
    tables.locks.insert(lock("PRO"))
    tables.restore(snapshot)
    assert tables.locks.read("PRO") is None
