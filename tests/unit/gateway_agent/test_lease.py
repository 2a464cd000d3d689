"""The countdown of a lease: from the moment of sending, for the newest heartbeat only, never under a lower token."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.lease import Lease, LeaseAnswer

LEASE_S, MARGIN_S = 60.0, 5.0
SENT_S = 1000.0
GRANT = LeaseAnswer(sequence=1, is_active=True, fencing_token=7, lease_s=LEASE_S)


def granted(at_s: float = SENT_S, answer: LeaseAnswer = GRANT) -> Lease:
    return Lease().sent(at_s).answered(answer, own_margin_s=MARGIN_S)


def test_a_gateway_that_was_told_nothing_may_not_act() -> None:
    assert not Lease().may_act(SENT_S)
    assert not Lease().sent(SENT_S).may_act(SENT_S)
    assert Lease().remaining_s(SENT_S) == 0.0


def test_a_lease_lasts_from_the_moment_of_sending_until_the_margin() -> None:
    lease = granted()
    assert lease.may_act(SENT_S + 54.9)
    assert lease.remaining_s(SENT_S + 15) == 40.0
    assert not lease.may_act(SENT_S + 55)
    assert lease.remaining_s(SENT_S + 56) == 0.0


def test_an_answer_that_took_long_leaves_less_of_the_lease_however_late_it_is_read() -> None:
    beating_again = granted().sent(SENT_S + 15)
    answered = beating_again.answered(replace(GRANT, sequence=2), own_margin_s=MARGIN_S)
    # Read 20 s after it was sent, the answer is worth 35 s; counted from the answer it would be worth 55.
    assert answered.remaining_s(SENT_S + 35) == 35.0
    assert not answered.may_act(SENT_S + 15 + 55)


def test_a_late_answer_is_not_credited_to_a_newer_heartbeat() -> None:
    waiting = Lease().sent(SENT_S).sent(SENT_S + 15)
    assert not waiting.takes(GRANT)
    assert waiting.answered(GRANT, own_margin_s=MARGIN_S) == waiting
    held = granted().sent(SENT_S + 15).sent(SENT_S + 30)
    assert held.answered(replace(GRANT, sequence=2), own_margin_s=MARGIN_S).ends_at_s == SENT_S + 55


def test_an_answer_to_a_heartbeat_that_was_never_sent_counts_for_nothing() -> None:
    assert not Lease().sent(SENT_S).answered(replace(GRANT, sequence=2), own_margin_s=MARGIN_S).may_act(SENT_S)


def test_an_answer_heard_twice_counts_once() -> None:
    assert granted().answered(GRANT, own_margin_s=MARGIN_S) == granted()


def test_an_answer_under_a_lower_token_than_one_seen_counts_for_nothing() -> None:
    lease = granted().sent(SENT_S + 15)
    older = replace(GRANT, sequence=2, fencing_token=6)
    assert lease.answered(older, own_margin_s=MARGIN_S) == lease


def test_the_highest_token_is_remembered_from_an_earlier_boot_and_over_the_loss_of_the_environment() -> None:
    reborn = Lease(highest_token=8).sent(SENT_S)
    assert not reborn.answered(GRANT, own_margin_s=MARGIN_S).may_act(SENT_S)
    lost = granted().sent(SENT_S + 1)
    lost = lost.answered(replace(GRANT, sequence=2, fencing_token=None), own_margin_s=MARGIN_S)
    again = replace(GRANT, sequence=3, fencing_token=6)
    assert not lost.sent(SENT_S + 2).answered(again, own_margin_s=MARGIN_S).may_act(SENT_S + 2)


def test_a_gateway_told_that_it_does_not_hold_the_environment_stops_at_once() -> None:
    told = granted().sent(SENT_S + 15)
    told = told.answered(
        LeaseAnswer(sequence=2, is_active=False, fencing_token=None, lease_s=None), own_margin_s=MARGIN_S
    )
    assert (told.fencing_token, told.may_act(SENT_S + 15)) == (None, False)


def test_a_failed_holder_keeps_its_token_and_no_lease() -> None:
    told = granted().sent(SENT_S + 15).answered(replace(GRANT, sequence=2, is_active=False), own_margin_s=MARGIN_S)
    assert (told.fencing_token, told.may_act(SENT_S + 15)) == (7, False)


def test_a_lease_that_is_not_extended_runs_on_and_ends_when_it_would_have_ended() -> None:
    told = granted().sent(SENT_S + 15).answered(replace(GRANT, sequence=2, lease_s=None), own_margin_s=MARGIN_S)
    assert told.may_act(SENT_S + 54.9)
    assert not told.may_act(SENT_S + 55)


def test_a_new_token_without_a_lease_does_not_inherit_the_old_one() -> None:
    told = granted().sent(SENT_S + 15)
    told = told.answered(replace(GRANT, sequence=2, fencing_token=8, lease_s=None), own_margin_s=MARGIN_S)
    assert (told.fencing_token, told.may_act(SENT_S + 15)) == (8, False)


@pytest.mark.parametrize(
    ("lease_s", "own_margin_s"), [(float("inf"), 5.0), (float("nan"), 5.0), (60.0, -5.0), (5.0, 5.0)]
)
def test_numbers_that_make_no_sense_grant_nothing(lease_s: float, own_margin_s: float) -> None:
    lease = Lease().sent(SENT_S).answered(replace(GRANT, lease_s=lease_s), own_margin_s=own_margin_s)
    assert not lease.may_act(SENT_S)


def test_a_refused_write_ends_the_lease_of_its_own_token_only_and_the_next_heartbeat_may_bring_it_back() -> None:
    lease = granted()
    assert lease.dropped(6) == lease
    dropped = lease.dropped(7)
    assert not dropped.may_act(SENT_S)
    assert dropped.sent(SENT_S + 1).answered(replace(GRANT, sequence=2), own_margin_s=MARGIN_S).may_act(SENT_S + 1)


# One turn: time passes, then a heartbeat leaves, or one of those sent is answered, or a write is refused.
STEP = st.tuples(
    st.floats(0, 40), st.sampled_from(["send", "answer", "drop"]), st.integers(1, 6), st.sampled_from([None, 5, 6, 7])
)


@given(st.lists(STEP, max_size=30))
def test_a_gateway_never_acts_longer_than_some_answer_of_its_token_promised_to_the_heartbeat_it_answered(
    steps: list[tuple[float, str, int, int | None]],
) -> None:
    now_s, lease = 0.0, Lease()
    sent_at_s: dict[int, float] = {}
    promised: list[tuple[int, float]] = []  # token, and until when the control plane keeps others away
    for pause_s, what, sequence, token in steps:
        now_s += pause_s
        if what == "send":
            lease = lease.sent(now_s)
            sent_at_s[lease.newest_sequence] = now_s
        elif what == "answer" and sequence in sent_at_s:
            answer = LeaseAnswer(sequence=sequence, is_active=True, fencing_token=token, lease_s=LEASE_S)
            if token is not None:
                promised.append((token, sent_at_s[sequence] + LEASE_S))
            lease = lease.answered(answer, own_margin_s=MARGIN_S)
        elif what == "drop" and token is not None:
            lease = lease.dropped(token)
        if lease.may_act(now_s):
            assert lease.fencing_token == lease.highest_token
            assert any(token == lease.fencing_token and now_s < until_s - MARGIN_S for token, until_s in promised)
