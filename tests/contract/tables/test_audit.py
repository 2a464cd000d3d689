"""What `AuditStore` promises, on both backends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.audit import AuditEntry, is_intact, next_entry
from shared.domain.faults import Conflict
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, fresh_environment


def chain(environment: str, length: int) -> list[AuditEntry]:
    """Return the first entries of a chain."""
    entries: list[AuditEntry] = []
    for number in range(length):
        entries.append(
            next_entry(
                entries[-1] if entries else None,
                environment=environment,
                at=NOON.replace(microsecond=0) + timedelta(microseconds=number),
                actor="on-call",
                action="activate_dr",
                reason="výpadek “A”\u2028\t'quoted'",
                before={"token": str(2**60 + number), "ratio": 0.1 + number},
                after={"nested": {"list": [1, None, True, "x"]}},
            )
        )
    return entries


def test_an_environment_without_entries_has_no_last_one(stores: Stores) -> None:
    environment = fresh_environment()
    assert stores.audit.last(environment) is None
    assert list(stores.audit.list(environment, limit=10)) == []


def test_the_chain_comes_back_intact_newest_first(stores: Stores) -> None:
    entries = chain(fresh_environment(), 12)  # past nine, where text order and number order part
    for entry in entries:
        stores.audit.insert(entry)
        assert stores.audit.last(entry.environment) == entry
    read = list(stores.audit.list(entries[0].environment, limit=100))
    assert read == entries[::-1]
    for entry, before in zip(read, [*read[1:], None], strict=True):
        assert is_intact(entry, before)


def test_no_more_entries_are_listed_than_asked_for(stores: Stores) -> None:
    entries = chain(fresh_environment(), 3)
    for entry in entries:
        stores.audit.insert(entry)
    assert list(stores.audit.list(entries[0].environment, limit=2)) == [entries[2], entries[1]]
    assert list(stores.audit.list(entries[0].environment, limit=0)) == []


def test_a_sequence_number_is_taken_once(stores: Stores) -> None:
    first = chain(fresh_environment(), 1)[0]
    stores.audit.insert(first)
    with pytest.raises(Conflict):
        stores.audit.insert(replace(first, actor="someone else"))
    assert stores.audit.last(first.environment) == first


def test_each_environment_has_a_chain_of_its_own(stores: Stores) -> None:
    one, other = chain(fresh_environment(), 1)[0], chain(fresh_environment(), 1)[0]
    stores.audit.insert(one)
    stores.audit.insert(other)
    assert stores.audit.last(one.environment) == one
    assert stores.audit.last(other.environment) == other


def test_pages_of_entries_begin_below_a_number(stores: Stores) -> None:
    entries = chain(fresh_environment(), 12)
    for entry in entries:
        stores.audit.insert(entry)
    environment = entries[0].environment
    assert list(stores.audit.list(environment, limit=3, before=11)) == [entries[9], entries[8], entries[7]]
    assert list(stores.audit.list(environment, limit=3, before=2)) == [entries[0]]
    assert list(stores.audit.list(environment, limit=3, before=1)) == []
    assert list(stores.audit.list(environment, limit=2, before=100)) == [entries[11], entries[10]]


def test_a_range_of_numbers_comes_oldest_first_with_its_gaps(stores: Stores) -> None:
    entries = chain(fresh_environment(), 12)
    for entry in entries:
        if entry.sequence != 5:
            stores.audit.insert(entry)
    environment = entries[0].environment
    assert list(stores.audit.numbered(environment, first=4, last=7)) == [entries[3], entries[5], entries[6]]
    assert list(stores.audit.numbered(environment, first=5, last=5)) == []
    assert list(stores.audit.numbered(environment, first=12, last=99)) == [entries[11]]
