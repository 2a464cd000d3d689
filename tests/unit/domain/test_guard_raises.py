"""Bringing the mirror up to the authority: it never falls, and the next holder waits out the former lease."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fencing import FencingToken
from shared.domain.guard import (
    Absent,
    AuthorityReading,
    Denied,
    GuardSnapshot,
    Mirror,
    Present,
    Purpose,
    SyncOutcome,
    Unreachable,
    decide_guard,
    decide_sync,
    not_before_after_raise,
    not_before_on_new_timeline,
)
from shared.domain.policy import Policy
from shared.domain.tasks import TaskRefusal
from tests.unit.builders import DR, POLICY, PRIMARY, PROPERTY, SECOND, T0, TOKEN, above, caller, lock, mirror

UNREACHABLE = Unreachable()
SECONDS = st.integers(-600, 600)
MOMENTS = st.none() | SECONDS.map(lambda s: T0 + s * SECOND)
MIRRORS = st.builds(
    lambda token, holder, lease_until, not_before: mirror(
        token=FencingToken(TOKEN + token), holder=holder, lease_until=lease_until, not_before=not_before
    ),
    st.integers(-2, 2),
    st.sampled_from([PRIMARY, DR, None]),
    MOMENTS,
    MOMENTS,
)
READINGS = st.sampled_from([Absent(), UNREACHABLE]) | st.builds(
    lambda token, holder: Present(lock(token=FencingToken(TOKEN + token), holder=holder)),
    st.integers(-2, 2),
    st.sampled_from([PRIMARY, DR, None]),
)


@pytest.mark.parametrize(
    ("row", "authority", "outcome"),
    [
        (None, Present(lock()), SyncOutcome.RAISED),
        (mirror(), Present(lock(token=above(TOKEN), holder=DR)), SyncOutcome.RAISED),
        (mirror(), Present(lock()), SyncOutcome.CURRENT),
        (mirror(), Present(lock(token=FencingToken(TOKEN - 1))), SyncOutcome.REGRESSED),
        (mirror(), Present(lock(holder=DR)), SyncOutcome.REGRESSED),
        (mirror(), Present(lock(holder=None)), SyncOutcome.REGRESSED),
        (mirror(), Absent(), SyncOutcome.REGRESSED),
        (None, Absent(), SyncOutcome.CURRENT),
        (mirror(), UNREACHABLE, SyncOutcome.UNREACHABLE),
        (None, UNREACHABLE, SyncOutcome.UNREACHABLE),
    ],
)
def test_the_mirror_follows_an_authority_that_is_ahead_and_nothing_else(
    row: Mirror | None, authority: AuthorityReading, outcome: SyncOutcome
) -> None:
    assert decide_sync(row, authority) is outcome


@PROPERTY
@given(row=MIRRORS, readings=st.lists(READINGS, max_size=20))
def test_the_mirror_never_falls_and_a_token_never_changes_its_holder(
    row: Mirror, readings: list[AuthorityReading]
) -> None:
    holders = {row.token: row.holder}
    for reading in readings:
        before = row
        if decide_sync(row, reading) is SyncOutcome.RAISED and isinstance(reading, Present):
            row = replace(row, token=reading.lock.token, holder=reading.lock.holder)
            assert decide_sync(row, reading) is SyncOutcome.CURRENT  # a second raise is no raise
        assert row.token >= before.token
        assert holders.setdefault(row.token, row.holder) == row.holder


@pytest.mark.parametrize(
    ("lease_s", "former_wait_s", "wait_s"),
    [
        (60, None, 70),
        (60, 20, 70),
        (60, 90, 90),
        (-600, None, -590),  # looks long over; the former holder counts on another clock
        (None, 90, 90),
        (None, None, None),
    ],
)
def test_the_next_holder_waits_for_the_former_lease_and_the_margin(
    lease_s: int | None, former_wait_s: int | None, wait_s: int | None
) -> None:
    row = mirror(
        lease_until=None if lease_s is None else T0 + lease_s * SECOND,
        not_before=None if former_wait_s is None else T0 + former_wait_s * SECOND,
    )

    expected = None if wait_s is None else T0 + wait_s * SECOND
    assert not_before_after_raise(row, policy=POLICY) == expected


def test_an_environment_that_was_never_mirrored_has_no_lease_to_wait_for() -> None:
    assert not_before_after_raise(None, policy=POLICY) is None


def test_the_margin_is_the_policys() -> None:
    row = mirror(lease_until=T0)

    assert not_before_after_raise(row, policy=Policy(server_margin_s=33)) == T0 + 33 * SECOND


@PROPERTY
@given(row=MIRRORS)
def test_not_before_is_never_earlier_than_the_former_lease_and_margin_nor_than_the_former_wait(row: Mirror) -> None:
    wait = not_before_after_raise(row, policy=POLICY)

    if row.lease_until is not None:
        assert wait is not None
        assert wait >= row.lease_until + timedelta(seconds=POLICY.server_margin_s)
    if row.not_before is not None:
        assert wait is not None
        assert wait >= row.not_before


@PROPERTY
@given(row=MIRRORS, leases=st.lists(MOMENTS, min_size=1, max_size=8))
def test_no_holder_in_a_row_of_hand_overs_gets_a_lease_before_every_former_one_is_over(
    row: Mirror, leases: list[datetime | None]
) -> None:
    """A hand-over that forgets the wait of the one before lets the first holder's lease overlap the third's."""
    over = None
    for lease_until in leases:
        row = replace(row, lease_until=lease_until)
        if row.lease_until is not None:
            ends = row.lease_until + timedelta(seconds=POLICY.server_margin_s)
            over = max(over, ends) if over else ends
        # What a raise writes: no lease under the new token, and the wait.
        wait = not_before_after_raise(row, policy=POLICY)
        row = replace(row, token=above(row.token), holder=DR, lease_until=None, not_before=wait)
        if over is None:
            continue
        asks = GuardSnapshot(
            caller=caller(DR, token=row.token),
            purpose=Purpose.BEAT,
            mirror=row,
            authority=Present(lock(token=row.token, holder=DR)),
            timeline=row.validated_timeline,
            now=over - timedelta(microseconds=1),
        )
        assert decide_guard(asks) == Denied(TaskRefusal.NOT_BEFORE)


def test_on_a_new_timeline_everybody_waits_for_a_lease_it_may_have_lost() -> None:
    assert not_before_on_new_timeline(mirror(lease_until=None), now=T0, policy=POLICY) == T0 + 70 * SECOND


@PROPERTY
@given(row=MIRRORS)
def test_a_new_timeline_never_shortens_a_wait(row: Mirror) -> None:
    wait = not_before_on_new_timeline(row, now=T0, policy=POLICY)

    assert wait >= T0 + timedelta(seconds=POLICY.lease_s + POLICY.server_margin_s)
    assert row.not_before is None or wait >= row.not_before
