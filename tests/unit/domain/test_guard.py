"""Who may act right now: anything unclear is a no."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fencing import FencingToken
from shared.domain.guard import (
    Absent,
    AuthorityReading,
    Denied,
    Granted,
    GuardSnapshot,
    Mirror,
    Present,
    Purpose,
    SyncFirst,
    Unreachable,
    decide_guard,
)
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import OperationKind
from shared.domain.tasks import TaskRefusal
from tests.unit.builders import DR, PRIMARY, PROPERTY, SECOND, T0, TOKEN, above, caller, lock, mark, mirror, request

EVERY_PURPOSE = pytest.mark.parametrize("purpose", list(Purpose))
EVERY_TIMELINE = pytest.mark.parametrize("timeline", ["00000001", "00000002"])
WORK = pytest.mark.parametrize("purpose", [Purpose.CLAIM, Purpose.REPORT])
UNREACHABLE = Unreachable("timed out")
A_MICROSECOND = timedelta(microseconds=1)
MIRRORED = mirror()
HELD = Present(lock())


def asked(
    purpose: Purpose = Purpose.CLAIM,
    *,
    by: str = PRIMARY,
    token: int = TOKEN,
    row: Mirror | None = MIRRORED,
    authority: AuthorityReading = HELD,
    timeline: str = "00000001",
) -> object:
    """Return the guard's answer at T0, to the holder unless told otherwise."""
    return decide_guard(
        GuardSnapshot(
            caller=caller(by, token=token), purpose=purpose, mirror=row, authority=authority, timeline=timeline, now=T0
        )
    )


@EVERY_PURPOSE
def test_the_holder_may_act_under_its_token(purpose: Purpose) -> None:
    assert asked(purpose) is Granted.GRANTED


@EVERY_PURPOSE
def test_a_gateway_that_does_not_hold_the_environment_may_not_act(purpose: Purpose) -> None:
    assert asked(purpose, by=DR) == Denied(TaskRefusal.NOT_HOLDER)


@EVERY_PURPOSE
def test_nobody_may_act_while_nobody_holds_the_environment(purpose: Purpose) -> None:
    answer = asked(purpose, row=mirror(holder=None), authority=Present(lock(holder=None)))

    assert answer == Denied(TaskRefusal.NOT_HOLDER)


@EVERY_PURPOSE
@pytest.mark.parametrize("token", [TOKEN - 1, TOKEN + 1, 0])
def test_the_holder_may_not_act_under_any_other_token(purpose: Purpose, token: int) -> None:
    assert asked(purpose, token=token) == Denied(TaskRefusal.STALE_TOKEN)


@EVERY_PURPOSE
@pytest.mark.parametrize("authority", [Present(lock()), UNREACHABLE])
def test_the_new_holder_waits_until_the_former_lease_is_over(purpose: Purpose, authority: AuthorityReading) -> None:
    waits = mirror(not_before=T0 + A_MICROSECOND)
    over = mirror(not_before=T0)

    assert asked(purpose, row=waits, authority=authority) == Denied(TaskRefusal.NOT_BEFORE)
    assert asked(purpose, row=over, authority=authority) is Granted.GRANTED


@WORK
@pytest.mark.parametrize("authority", [Present(lock()), UNREACHABLE])
def test_no_work_is_handed_out_or_accepted_after_the_lease(purpose: Purpose, authority: AuthorityReading) -> None:
    for row in (mirror(lease_until=T0), mirror(lease_until=T0 - 60 * SECOND), mirror(lease_until=None)):
        assert asked(purpose, row=row, authority=authority) == Denied(TaskRefusal.LEASE_EXPIRED)
    assert asked(purpose, row=mirror(lease_until=T0 + A_MICROSECOND), authority=authority) is Granted.GRANTED


@pytest.mark.parametrize("lease_until", [None, T0, T0 - 60 * SECOND])
def test_a_heartbeat_needs_no_lease_because_it_gets_one(lease_until: object) -> None:
    assert asked(Purpose.BEAT, row=mirror(lease_until=lease_until)) is Granted.GRANTED


@EVERY_PURPOSE
def test_a_holder_marked_failed_may_not_act(purpose: Purpose) -> None:
    failed = lock(failed=(mark(),))

    assert asked(purpose, authority=Present(failed)) == Denied(TaskRefusal.HOLDER_FAILED)


def test_a_mark_of_an_older_token_does_not_stop_the_holder() -> None:
    judged_before = lock(failed=(mark(token=FencingToken(TOKEN - 1)),))

    assert asked(authority=Present(judged_before)) is Granted.GRANTED


def test_while_the_holder_drains_it_may_finish_its_work_and_get_no_new_work() -> None:
    draining = Present(lock(operation=request(OperationKind.FAILBACK, draining=True)))

    assert asked(Purpose.CLAIM, authority=draining) == Denied(TaskRefusal.DRAINING)
    assert asked(Purpose.REPORT, authority=draining) is Granted.GRANTED
    assert asked(Purpose.BEAT, authority=draining) is Granted.GRANTED


def test_a_standby_that_claims_while_the_holder_drains_is_told_it_is_not_the_holder() -> None:
    draining = Present(lock(operation=request(OperationKind.FAILBACK, draining=True)))

    assert asked(Purpose.CLAIM, by=DR, authority=draining) == Denied(TaskRefusal.NOT_HOLDER)


@EVERY_PURPOSE
def test_a_gateway_that_lost_the_environment_when_it_failed_is_told_it_is_not_the_holder(purpose: Purpose) -> None:
    moved = Present(lock(failed=(mark(DR),)))

    assert asked(purpose, by=DR, authority=moved) == Denied(TaskRefusal.NOT_HOLDER)


def test_an_operation_that_does_not_drain_stops_no_work() -> None:
    assert asked(Purpose.CLAIM, authority=Present(lock(operation=request()))) is Granted.GRANTED


@EVERY_PURPOSE
def test_a_mirror_that_lags_is_brought_up_to_date_before_anybody_acts(purpose: Purpose) -> None:
    ahead = Present(lock(token=above(TOKEN)))

    for row in (mirror(), None):
        assert asked(purpose, row=row, authority=ahead) is SyncFirst.SYNC_FIRST


@EVERY_PURPOSE
def test_a_new_timeline_is_validated_before_anybody_acts(purpose: Purpose) -> None:
    assert asked(purpose, timeline="00000002") is SyncFirst.SYNC_FIRST


@EVERY_PURPOSE
@EVERY_TIMELINE
def test_an_authority_older_than_the_mirror_stops_everybody(purpose: Purpose, timeline: str) -> None:
    """On a new timeline as well: the mirror cannot be brought up to an older lock, however often it is tried."""
    older = Present(lock(token=FencingToken(TOKEN - 1)))

    for by, token in ((PRIMARY, TOKEN), (PRIMARY, TOKEN - 1), (DR, TOKEN)):
        answer = asked(purpose, by=by, token=token, authority=older, timeline=timeline)
        assert answer == Denied(TaskRefusal.AUTHORITY_REGRESSED)


@EVERY_PURPOSE
@EVERY_TIMELINE
@pytest.mark.parametrize("other", [DR, None])
def test_an_authority_that_names_another_holder_for_the_same_token_stops_everybody(
    purpose: Purpose, timeline: str, other: str | None
) -> None:
    for by in (PRIMARY, DR):
        answer = asked(purpose, by=by, authority=Present(lock(holder=other)), timeline=timeline)
        assert answer == Denied(TaskRefusal.AUTHORITY_REGRESSED)


@EVERY_PURPOSE
def test_a_lost_lock_stops_everybody_and_an_environment_without_one_has_no_holder(purpose: Purpose) -> None:
    assert asked(purpose, authority=Absent()) == Denied(TaskRefusal.AUTHORITY_REGRESSED)
    assert asked(purpose, row=None, authority=Absent()) == Denied(TaskRefusal.NOT_HOLDER)


@EVERY_PURPOSE
def test_with_the_authority_unreachable_the_present_holder_goes_on(purpose: Purpose) -> None:
    assert asked(purpose, authority=UNREACHABLE) is Granted.GRANTED


@EVERY_PURPOSE
def test_with_the_authority_unreachable_nobody_acts_on_a_timeline_that_was_not_validated(purpose: Purpose) -> None:
    refused = Denied(TaskRefusal.AUTHORITY_UNREACHABLE)

    assert asked(purpose, authority=UNREACHABLE, timeline="00000002") == refused
    assert asked(purpose, row=None, authority=UNREACHABLE) == refused


@EVERY_PURPOSE
def test_with_the_authority_unreachable_neither_another_gateway_nor_an_old_token_gets_through(
    purpose: Purpose,
) -> None:
    assert asked(purpose, by=DR, authority=UNREACHABLE) == Denied(TaskRefusal.NOT_HOLDER)
    assert asked(purpose, token=TOKEN - 1, authority=UNREACHABLE) == Denied(TaskRefusal.STALE_TOKEN)


MOMENTS = [None, *(T0 + offset * SECOND for offset in (-60, -1, 0, 1, 60))]
HOLDERS = [PRIMARY, DR, None]
TIMELINES = ["00000001", "00000002"]
TOKENS = [FencingToken(TOKEN + step) for step in (-1, 0, 1)]
LOCKS = [
    lock(token=token, holder=holder, failed=failed, operation=operation)
    for token, holder, failed, operation in product(
        TOKENS,
        HOLDERS,
        [(), (mark(),), (mark(DR, token=above(TOKEN)),)],
        [None, request(), request(OperationKind.FAILBACK, draining=True)],
    )
]
SNAPSHOTS = st.builds(
    GuardSnapshot,
    caller=st.builds(caller, st.sampled_from([PRIMARY, DR]), token=st.sampled_from(TOKENS)),
    purpose=st.sampled_from(Purpose),
    mirror=st.none()
    | st.builds(
        Mirror,
        environment=st.just("PRO"),
        token=st.sampled_from(TOKENS),
        holder=st.sampled_from(HOLDERS),
        lease_until=st.sampled_from(MOMENTS),
        not_before=st.sampled_from(MOMENTS),
        validated_timeline=st.sampled_from(TIMELINES),
    ),
    authority=st.just(Absent()) | st.just(UNREACHABLE) | st.builds(Present, st.sampled_from(LOCKS)),
    timeline=st.sampled_from(TIMELINES),
    now=st.just(T0),
)


def authority_agrees(snapshot: GuardSnapshot, row: Mirror) -> bool:
    """Whether what the authority said, or its silence, leaves room for a yes."""
    match snapshot.authority:
        case Present(found):
            failed = any(m.gateway == snapshot.caller.gateway_id and m.token == found.token for m in found.failed)
            drains = snapshot.purpose is Purpose.CLAIM and found.operation is not None and found.operation.draining
            return (found.token, found.holder) == (row.token, row.holder) and not failed and not drains
        case Absent():
            return False
        case Unreachable():
            return True


def may_act(snapshot: GuardSnapshot) -> bool:
    """Say independently of the guard when acting is safe: every clause is a rule that must hold at once."""
    row = snapshot.mirror
    if row is None:
        return False
    leased = row.lease_until is not None and snapshot.now < row.lease_until
    return (
        row.holder == snapshot.caller.gateway_id
        and row.token == snapshot.caller.token
        and not (row.not_before is not None and snapshot.now < row.not_before)
        and (leased or snapshot.purpose is Purpose.BEAT)
        and row.validated_timeline == snapshot.timeline
        and authority_agrees(snapshot, row)
    )


@PROPERTY
@given(snapshot=SNAPSHOTS)
def test_the_guard_says_yes_only_when_every_rule_holds(snapshot: GuardSnapshot) -> None:
    granted = decide_guard(snapshot) is Granted.GRANTED

    assert granted == may_act(snapshot)


@PROPERTY
@given(purpose=st.sampled_from(Purpose), by=st.sampled_from([PRIMARY, DR]), readable=st.booleans(), snapshot=SNAPSHOTS)
def test_no_single_wrong_field_gets_past_the_guard(
    purpose: Purpose, by: str, readable: bool, snapshot: GuardSnapshot
) -> None:
    """Starts from a yes and takes over one field after another from a snapshot drawn at will."""
    held: EnvironmentLock = lock(holder=by)
    good = GuardSnapshot(
        caller=caller(by),
        purpose=purpose,
        mirror=mirror(holder=by),
        authority=Present(held) if readable else UNREACHABLE,
        timeline="00000001",
        now=T0,
    )
    assert decide_guard(good) is Granted.GRANTED
    for name in ("caller", "purpose", "mirror", "authority", "timeline"):
        changed = replace(good, **{name: getattr(snapshot, name)})
        assert (decide_guard(changed) is Granted.GRANTED) == may_act(changed), name
    for name in ("token", "holder", "lease_until", "not_before", "validated_timeline"):
        if snapshot.mirror is not None and good.mirror is not None:
            changed = replace(good, mirror=replace(good.mirror, **{name: getattr(snapshot.mirror, name)}))
            assert (decide_guard(changed) is Granted.GRANTED) == may_act(changed), name


def test_every_small_world_is_judged_as_the_rules_say() -> None:
    """All combinations of two gateways, two tokens, two timelines and three instants: nothing is left to chance."""
    rows = [None] + [
        mirror(token=token, holder=holder, lease_until=lease, not_before=wait, validated_timeline=timeline)
        for token, holder, lease, wait, timeline in product(
            TOKENS[1:], [PRIMARY, None], [None, T0, T0 + SECOND], [None, T0, T0 + SECOND], TIMELINES
        )
    ]
    readings: list[AuthorityReading] = [Absent(), UNREACHABLE]
    readings += [Present(found) for found in LOCKS if found.holder != DR]
    granted = 0
    for row, reading, purpose in product(rows, readings, Purpose):
        snapshot = GuardSnapshot(
            caller=caller(), purpose=purpose, mirror=row, authority=reading, timeline="00000001", now=T0
        )
        answer = decide_guard(snapshot) is Granted.GRANTED
        assert answer == may_act(snapshot), snapshot
        granted += answer

    assert granted > 0
