"""Whatever is done to a stored chain is found, and the first entry that does not hold is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.adapters.codec import Key
from shared.adapters.record_codec import ENTRY
from shared.domain.audit import AuditEntry, digest_of
from shared.domain.audit_chain import START, Anchor, Broken, Flaw, anchor_of, check_anchor, follow
from shared.domain.faults import InvariantViolation
from tests.unit.builders import PROPERTY, SECOND, T0
from tests.unit.domain.test_audit import chain, entry

LENGTH = 6
PLACES = st.integers(0, LENGTH - 1)


def found_in(entries: list[AuditEntry], *, last: int = LENGTH) -> Broken:
    broken = follow(START, entries, last=last)
    assert isinstance(broken, Broken), broken
    return broken


def rich_chain() -> list[AuditEntry]:
    """Return a chain whose entries have text, numbers and nesting in every field that may have them."""
    entries: list[AuditEntry] = []
    for turn in range(LENGTH):
        entries.append(
            entry(
                entries[-1] if entries else None,
                at=T0 + turn * SECOND,
                actor=f"výpadek {turn} (0000-{turn})",
                reason="“A” | 'quoted'",
                before={"holder": "gw", "fencing_token": str(2**60 + turn), "ratio": 0.5, "n": [1, None, True]},
                after={"nested": {"list": [10, -3, "x"]}, "write_id": f"op/{turn}"},
            )
        )
    return entries


def test_an_honest_chain_holds_from_its_start_and_from_any_entry_of_it() -> None:
    entries = rich_chain()
    for since in range(LENGTH + 1):
        place = anchor_of(entries[since - 1]) if since else START
        assert follow(place, entries[since:], last=LENGTH) == anchor_of(entries[-1])


@PROPERTY
@given(place=PLACES, data=st.data())
def test_a_one_byte_edit_of_any_stored_field_is_found_at_its_entry(place: int, data: st.DataObject) -> None:
    entries = rich_chain()
    key, stored = ENTRY.key(entries[place]), dict(ENTRY.encode(entries[place]))
    name = data.draw(st.sampled_from(sorted(stored)))
    changed = edited(stored, name, data)
    try:
        read = ENTRY.decode(Key(partition=key.partition, row=key.row), changed)
    except InvariantViolation:
        return  # no audit entry any more: found by reading it
    assume(read != entries[place])  # `1.0` spelt `1.00` says the same
    broken = found_in([*entries[:place], read, *entries[place + 1 :]])
    if name == "sequence":
        assert broken.sequence in (place + 1, place + 2)
    else:
        assert (broken.sequence, broken.flaw) == (place + 1, Flaw.EDITED), broken


def edited(stored: Mapping[str, Any], name: str, data: st.DataObject) -> dict[str, Any]:
    value = stored[name]
    if isinstance(value, int):
        return {**stored, name: value ^ (1 << data.draw(st.integers(0, 7)))}
    raw = bytearray(value.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return {**stored, name: raw.decode(errors="replace")}


@PROPERTY
@given(place=PLACES)
def test_a_deleted_entry_is_named(place: int) -> None:
    entries = chain(LENGTH)
    broken = found_in(entries[:place] + entries[place + 1 :])
    assert (broken.sequence, broken.flaw) == (place + 1, Flaw.DELETED)


@PROPERTY
@given(one=PLACES, other=PLACES)
def test_two_entries_that_changed_places_are_named(one: int, other: int) -> None:
    assume(one < other)
    entries = chain(LENGTH)
    entries[one], entries[other] = entries[other], entries[one]
    broken = found_in(entries)
    assert (broken.sequence, broken.flaw) == (one + 1, Flaw.REORDERED)


@PROPERTY
@given(place=st.integers(1, LENGTH), copied=PLACES)
def test_an_entry_that_stands_there_twice_is_named(place: int, copied: int) -> None:
    assume(copied < place)
    entries = chain(LENGTH)
    broken = found_in([*entries[:place], entries[copied], *entries[place:]])
    assert (broken.sequence, broken.flaw) == (place + 1, Flaw.DUPLICATED)


@PROPERTY
@given(place=st.integers(1, LENGTH - 1))
def test_an_inserted_entry_is_found_whether_it_counts_on_or_not(place: int) -> None:
    entries = chain(LENGTH)
    forged = entry(entries[place - 1], at=T0, reason="forged")
    counted_on = [replace(one, sequence=one.sequence + 1) for one in entries[place:]]
    assert found_in([*entries[:place], forged, *counted_on]).sequence == place + 2
    old = entry(entries[place - 2] if place > 1 else None, at=T0, reason="forged")
    broken = found_in([*entries[:place], old, *entries[place:]])
    assert (broken.sequence, broken.flaw) == (place + 1, Flaw.INSERTED)


@PROPERTY
@given(place=st.integers(0, LENGTH - 2))
def test_an_edited_entry_that_was_hashed_anew_is_named_by_the_one_after_it(place: int) -> None:
    entries = chain(LENGTH)
    edit = replace(entries[place], reason="another reason")
    entries[place] = replace(edit, hash=digest_of(edit))
    broken = found_in(entries)
    assert (broken.sequence, broken.flaw) == (place + 1, Flaw.REPLACED)


def test_a_chain_that_does_not_begin_at_the_start_is_found() -> None:
    assert found_in(chain(3)[1:], last=3).flaw is Flaw.DELETED
    foreign = replace(entry(), previous_hash="f" * 64)
    broken = found_in([replace(foreign, hash=digest_of(foreign))], last=1)
    assert (broken.sequence, broken.flaw) == (1, Flaw.REPLACED)


def test_a_plain_chain_cannot_see_its_end_cut_off_nor_all_of_it_written_anew_and_an_anchor_can() -> None:
    entries = chain(LENGTH)
    kept = anchor_of(entries[4])
    assert follow(START, entries[:3], last=3) == anchor_of(entries[2])  # cut off, and not seen
    assert check_anchor(kept, None, newest=3) == Broken(
        sequence=4, flaw=Flaw.TRUNCATED, detail="the chain ends at 3, and 5 was there when the anchor was taken"
    )
    anew: list[AuditEntry] = []
    for one in entries:
        anew.append(entry(anew[-1] if anew else None, at=one.at, reason="nothing happened"))
    assert follow(START, anew, last=LENGTH) == anchor_of(anew[-1])  # written anew, and not seen
    rewritten = check_anchor(kept, anew[4], newest=LENGTH)
    assert rewritten is not None
    assert (rewritten.sequence, rewritten.flaw) == (5, Flaw.REWRITTEN)
    assert check_anchor(kept, entries[4], newest=LENGTH) is None
    edit = check_anchor(kept, replace(entries[4], reason="another"), newest=LENGTH)
    assert edit is not None
    assert edit.flaw is Flaw.EDITED
    gone = check_anchor(kept, None, newest=LENGTH)
    assert gone is not None
    assert gone.flaw is Flaw.DELETED


def test_half_of_a_surrogate_pair_left_by_an_edit_is_found_and_raises_nothing() -> None:
    first = entry()
    assert found_in([replace(first, reason="\ud800")], last=1).flaw is Flaw.EDITED


def test_an_anchor_is_a_number_and_a_hash() -> None:
    first = entry()
    assert anchor_of(first) == Anchor(sequence=1, hash=first.hash)
