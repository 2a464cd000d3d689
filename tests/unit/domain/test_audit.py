"""One hash chain per environment: an entry that was changed, dropped or moved is found."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.audit import CHAIN_START, AuditEntry, is_intact, next_entry
from tests.unit.builders import PROPERTY, SECOND, T0

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def entry(last: AuditEntry | None = None, **changes: Any) -> AuditEntry:
    said: dict[str, Any] = {
        "environment": "PRO",
        "at": T0,
        "actor": "operator",
        "action": "failover.begun",
        "reason": "primary is down",
        "before": {"holder": "gw-pro-primary"},
        "after": {"holder": "gw-pro-dr"},
    }
    return next_entry(last, **{**said, **changes})


def chain(length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for turn in range(length):
        entries.append(entry(entries[-1] if entries else None, at=T0 + turn * SECOND))
    return entries


def test_the_first_entry_starts_the_chain() -> None:
    first = entry()

    assert (first.sequence, first.previous_hash) == (1, CHAIN_START)
    assert is_intact(first, None)


def test_every_entry_follows_the_one_before() -> None:
    first, second, third = chain(3)

    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    assert is_intact(second, first)
    assert is_intact(third, second)


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "NPR"},
        {"sequence": 3},
        {"at": T0 + timedelta(microseconds=1)},
        {"actor": "somebody-else"},
        {"action": "failback.begun"},
        {"reason": ""},
        {"before": {}},
        {"after": {"holder": "gw-pro-primary"}},
        {"previous_hash": CHAIN_START},
        {"hash": "0" * 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_changed_entry_is_found(changes: dict[str, Any]) -> None:
    first, second = chain(2)

    assert not is_intact(replace(second, **changes), first)


def test_a_dropped_entry_is_found() -> None:
    first, _, third = chain(3)

    assert not is_intact(third, first)
    assert not is_intact(third, None)


def test_an_entry_that_was_hashed_anew_breaks_the_next_one() -> None:
    first, second, third = chain(3)
    forged = entry(first, at=second.at, reason="another reason")

    assert is_intact(forged, first)
    assert not is_intact(third, forged)


def test_the_hash_of_an_entry_covers_everything_before_it() -> None:
    one, another = entry(reason="primary is down"), entry(reason="a drill")

    assert entry(one, at=T0 + SECOND).hash != entry(another, at=T0 + SECOND).hash


def test_the_hash_does_not_depend_on_the_order_of_members() -> None:
    assert entry(after={"a": 1, "b": 2}).hash == entry(after={"b": 2, "a": 1}).hash


def test_fields_do_not_run_into_each_other() -> None:
    assert entry(actor="ab", action="c").hash != entry(actor="a", action="bc").hash


@PROPERTY
@given(actor=st.text(), reason=st.text(), after=st.dictionaries(st.text(), JSON, max_size=4), length=st.integers(1, 4))
def test_whatever_is_recorded_the_chain_is_intact_until_it_is_touched(
    actor: str, reason: str, after: dict[str, Any], length: int
) -> None:
    last = chain(length)[-1]
    added = entry(last, actor=actor, reason=reason, after=after)

    assert is_intact(added, last)
    assert not is_intact(replace(added, reason=reason + " "), last)
    assert not is_intact(replace(added, after={**after, "planted": True}), last)
