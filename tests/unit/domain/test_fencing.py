"""Tokens rise for ever, whatever the clock and the stores have forgotten."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.faults import InvariantViolation
from shared.domain.fencing import LARGEST_TOKEN, FencingToken, mint
from tests.unit.builders import PROPERTY

KNOWN = st.none() | st.integers(1, LARGEST_TOKEN - 1).map(FencingToken)
NOW = 1_772_366_400_000_000_000


def test_the_first_token_is_the_time_in_nanoseconds() -> None:
    assert mint(stored=None, mirrored=None, now_unix_ns=NOW) == NOW


def test_the_clock_keeps_tokens_unique_after_a_lost_write() -> None:
    assert mint(stored=FencingToken(7), mirrored=FencingToken(7), now_unix_ns=NOW) == NOW


def test_a_clock_that_stepped_back_does_not_lower_the_token() -> None:
    assert mint(stored=FencingToken(NOW), mirrored=None, now_unix_ns=NOW - 3600 * 10**9) == NOW + 1


def test_a_lock_restored_from_an_old_copy_does_not_repeat_a_token_the_mirror_has_seen() -> None:
    assert mint(stored=FencingToken(7), mirrored=FencingToken(NOW), now_unix_ns=NOW - 5) == NOW + 1


def test_two_tokens_minted_in_the_same_nanosecond_differ() -> None:
    first = mint(stored=None, mirrored=None, now_unix_ns=NOW)

    assert mint(stored=first, mirrored=None, now_unix_ns=NOW) == NOW + 1


@PROPERTY
@given(stored=KNOWN, mirrored=KNOWN, now_unix_ns=st.integers(0, LARGEST_TOKEN))
@example(stored=FencingToken(5), mirrored=FencingToken(5), now_unix_ns=5)
@example(stored=FencingToken(5), mirrored=FencingToken(9), now_unix_ns=9)
@example(stored=FencingToken(9), mirrored=FencingToken(5), now_unix_ns=9)
def test_a_token_is_above_every_known_one_and_never_behind_the_clock(
    stored: FencingToken | None, mirrored: FencingToken | None, now_unix_ns: int
) -> None:
    token = mint(stored=stored, mirrored=mirrored, now_unix_ns=now_unix_ns)

    assert token > (stored or 0)
    assert token > (mirrored or 0)
    assert now_unix_ns <= token <= LARGEST_TOKEN
    # Nor is it higher than it has to be: a token that runs ahead of the clock burns the clock's uniqueness.
    assert token in {now_unix_ns, (stored or 0) + 1, (mirrored or 0) + 1}


@PROPERTY
@given(clock=st.lists(st.integers(0, 2 * NOW), min_size=2, max_size=20), lost=st.sets(st.integers(0, 19)))
def test_tokens_rise_while_the_clock_jumps_and_either_store_loses_writes(clock: list[int], lost: set[int]) -> None:
    stored = mirrored = None
    tokens = []
    for turn, now_unix_ns in enumerate(clock):
        token = mint(stored=stored, mirrored=mirrored, now_unix_ns=now_unix_ns)
        tokens.append(token)
        # At most one of the two stores misses a write.
        stored, mirrored = (stored, token) if turn in lost else (token, mirrored)

    assert tokens == sorted(set(tokens))


def test_the_largest_token_is_still_given_out() -> None:
    assert mint(stored=FencingToken(LARGEST_TOKEN - 1), mirrored=None, now_unix_ns=1) == LARGEST_TOKEN


@pytest.mark.parametrize(
    ("stored", "mirrored", "now_unix_ns"),
    [(LARGEST_TOKEN, None, 1), (None, LARGEST_TOKEN, 1), (None, None, LARGEST_TOKEN + 1)],
)
def test_a_token_that_does_not_fit_64_bits_is_never_given_out(
    stored: int | None, mirrored: int | None, now_unix_ns: int
) -> None:
    known = FencingToken(stored) if stored else None
    copied = FencingToken(mirrored) if mirrored else None

    with pytest.raises(InvariantViolation, match=rf"fencing token {LARGEST_TOKEN + 1} does not fit 64 bits"):
        mint(stored=known, mirrored=copied, now_unix_ns=now_unix_ns)
