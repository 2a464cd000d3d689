"""The audit is read by pages, and a whole chain is checked in bounded memory and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from devhost.emulators.memory_rows import Fault, no_fault
from devhost.simulation.world import World
from shared.domain.audit import AuditEntry, next_entry
from shared.domain.audit_chain import Anchor, ChainStatus, Flaw, anchor_of
from shared.domain.faults import InvariantViolation, LockStoreUnavailable, UnknownEnvironment
from shared.ports import AuditStore
from shared.steps.audit_pages import PAGE, VERIFY_LIMIT_S, audit_page, verify_audit
from tests.unit.steps.acting import failed_over


def filled(length: int, world: World | None = None) -> World:
    world = world or World()
    last: AuditEntry | None = None
    for number in range(length):
        last = next_entry(
            last, environment="PRO", at=world.clock.now(), actor="operator", action="test", reason=f"entry {number}",
            before={}, after={},
        )  # fmt: skip
        world.ports.audit.insert(last)
    return world


class Garbled:
    """An audit store in which one row cannot be decoded any more."""

    def __init__(self, store: AuditStore, *, sequence: int) -> None:
        self._store = store
        self._sequence = sequence

    def last(self, environment: str) -> AuditEntry | None:
        return self._store.last(environment)

    def insert(self, entry: AuditEntry) -> None:
        self._store.insert(entry)

    def list(self, environment: str, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        return self._store.list(environment, limit=limit, before=before)

    def numbered(self, environment: str, *, first: int, last: int) -> Sequence[AuditEntry]:
        if first <= self._sequence <= last:
            raise InvariantViolation(f"audit entry {self._sequence} has no usable at")
        return self._store.numbered(environment, first=first, last=last)


def stored(world: World, sequence: int) -> AuditEntry:
    (entry,) = world.ports.audit.numbered("PRO", first=sequence, last=sequence)
    return entry


def put(world: World, sequence: int, entry: AuditEntry | None) -> None:
    """Change the row under a number, as somebody with access to the account could."""
    snapshot = world.tables.snapshot()
    rows = dict(snapshot.audit.rows)
    row = rows.pop(("PRO", f"{sequence:019d}"))
    if entry is not None:
        rows["PRO", f"{sequence:019d}"] = replace(row, value=entry)
    world.tables.audit.rows.restore(replace(snapshot.audit, rows=rows))


def test_pages_are_newest_first_and_lead_to_the_first_entry() -> None:
    world = filled(7)
    seen: list[int] = []
    before: int | None = None
    while page := audit_page(world.ports, "PRO", limit=3, before=before):
        seen += [entry.sequence for entry in page]
        before = page[-1].sequence
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_the_chain_of_a_failover_is_intact() -> None:
    world = failed_over()
    checked = verify_audit(world.ports, "PRO")
    newest = audit_page(world.ports, "PRO", limit=1, before=None)[0]
    assert (checked.status, checked.broken) == (ChainStatus.INTACT, None)
    assert checked.checked == checked.newest == anchor_of(newest)
    assert newest.sequence > 4


def test_a_chain_without_entries_is_intact_unless_an_anchor_says_that_there_were_some() -> None:
    world = World()
    assert verify_audit(world.ports, "PRO").status is ChainStatus.INTACT
    checked = verify_audit(world.ports, "PRO", anchor=Anchor(sequence=3, hash="a" * 64))
    assert checked.broken is not None
    assert (checked.status, checked.broken.flaw) == (ChainStatus.BROKEN, Flaw.TRUNCATED)


@pytest.mark.parametrize("sequence", [1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 3])
def test_an_edit_and_a_deletion_are_found_on_every_page(sequence: int) -> None:
    world = filled(2 * PAGE + 4)
    entry = stored(world, sequence)
    put(world, sequence, replace(entry, reason="another"))
    edited = verify_audit(world.ports, "PRO").broken
    put(world, sequence, None)
    deleted = verify_audit(world.ports, "PRO").broken
    assert edited is not None
    assert deleted is not None
    assert (edited.sequence, edited.flaw) == (sequence, Flaw.EDITED)
    assert (deleted.sequence, deleted.flaw) == (sequence, Flaw.DELETED)


def test_only_one_page_is_read_at_a_time() -> None:
    reads: list[str] = []
    world = filled(3 * PAGE, World(fault=reads.append))
    reads.clear()
    assert verify_audit(world.ports, "PRO").status is ChainStatus.INTACT
    assert reads == ["audit.list"] * 4  # the newest entry, then three pages


def test_when_time_runs_out_the_answer_says_how_far_it_came_and_the_next_call_goes_on_from_there() -> None:
    slow: list[Fault] = [no_fault]
    world = filled(3 * PAGE, World(fault=lambda point: slow[0](point)))

    def slowly(_: str) -> None:
        world.clock.time += timedelta(seconds=VERIFY_LIMIT_S * 0.6)

    slow[0] = slowly
    first = verify_audit(world.ports, "PRO")
    assert (first.status, first.broken) == (ChainStatus.INCOMPLETE, None)
    assert 0 < first.checked.sequence < 3 * PAGE
    put(world, 3 * PAGE, replace(stored(world, 3 * PAGE), actor="nobody"))
    slow[0] = no_fault
    second = verify_audit(world.ports, "PRO", since=first.checked)
    assert second.broken is not None
    assert (second.since, second.broken.sequence) == (first.checked, 3 * PAGE)


def test_going_on_from_an_entry_that_is_not_there_or_was_another_is_no_proof() -> None:
    world = filled(5)
    beyond = verify_audit(world.ports, "PRO", since=Anchor(sequence=9, hash="a" * 64))
    assert beyond.broken is not None
    assert beyond.broken.flaw is Flaw.TRUNCATED
    other = verify_audit(world.ports, "PRO", since=Anchor(sequence=5, hash="a" * 64))
    assert other.broken is not None
    assert other.broken.flaw is Flaw.REWRITTEN


def test_a_chain_whose_end_was_cut_off_is_intact_by_itself_and_broken_by_an_anchor() -> None:
    world = filled(5)
    kept = anchor_of(stored(world, 5))
    put(world, 5, None)
    assert verify_audit(world.ports, "PRO").status is ChainStatus.INTACT
    cut = verify_audit(world.ports, "PRO", anchor=kept)
    assert cut.broken is not None
    assert (cut.status, cut.broken.flaw, cut.broken.sequence) == (ChainStatus.BROKEN, Flaw.TRUNCATED, 5)


def test_an_anchor_that_holds_changes_nothing_and_the_first_flaw_is_told_first() -> None:
    world = filled(5)
    kept = anchor_of(stored(world, 4))
    assert verify_audit(world.ports, "PRO", anchor=kept).status is ChainStatus.INTACT
    put(world, 2, replace(stored(world, 2), reason="another"))
    broken = verify_audit(world.ports, "PRO", anchor=replace(kept, hash="a" * 64)).broken
    assert broken is not None
    assert (broken.sequence, broken.flaw) == (2, Flaw.EDITED)


def test_an_entry_that_cannot_be_read_any_more_is_named() -> None:
    world = filled(5)
    garbled = replace(world.ports, audit=Garbled(world.ports.audit, sequence=3))
    broken = verify_audit(garbled, "PRO").broken
    assert broken is not None
    assert (broken.sequence, broken.flaw) == (3, Flaw.UNREADABLE)


def test_a_store_that_does_not_answer_proves_nothing() -> None:
    def away(point: str) -> None:
        if down and point == "audit.list":
            raise LockStoreUnavailable("away")

    down: list[bool] = []
    world = filled(3, World(fault=away))
    down.append(True)
    with pytest.raises(LockStoreUnavailable):
        verify_audit(world.ports, "PRO")


def test_an_unknown_environment_is_a_callers_fault() -> None:
    with pytest.raises(UnknownEnvironment):
        audit_page(World().ports, "XYZ", limit=1, before=None)
    with pytest.raises(UnknownEnvironment):
        verify_audit(World().ports, "XYZ")
