"""When silence means failed, and when it only means that nobody was listening.

HeartbeatTimeout is 120 s and FailureThreshold is 3 (runbook, overview).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gateways import Gateway
from shared.domain.health import GAPS_KEPT, Gap, Health, Sight, Verdict, is_fresh, judge, tick
from shared.domain.policy import Policy
from tests.unit.builders import POLICY, PROPERTY, SECOND, T0, dr_gateway, primary_gateway, sight

AN_HOUR_OF_SIGHT = 3600.0


def silent_for(seconds: float) -> Gateway:
    """Return a gateway that was last heard that long before T0."""
    return primary_gateway(last_heartbeat=T0 - timedelta(seconds=seconds))


def verdict_after(
    seconds: float, *, watched_s: float = AN_HOUR_OF_SIGHT, cold: bool = False, policy: Policy = POLICY
) -> Health:
    """Return the verdict at T0 on a gateway silent for that long, by a monitor that has just ticked."""
    return judge(silent_for(seconds), sight=sight(watched_s=watched_s), cold=cold, now=T0, policy=policy)


@pytest.mark.parametrize(
    ("silent_s", "verdict", "missed"),
    [
        (0, Verdict.HEALTHY, 0),
        (119.999, Verdict.HEALTHY, 0),
        (120, Verdict.SUSPECT, 1),
        (239.999, Verdict.SUSPECT, 1),
        (240, Verdict.SUSPECT, 2),
        (359.999, Verdict.SUSPECT, 2),
        (360, Verdict.FAILED, 3),
        (3000, Verdict.FAILED, 25),
    ],
)
def test_each_whole_heartbeat_timeout_of_silence_is_one_missed_heartbeat_and_the_third_is_failure(
    silent_s: float, verdict: Verdict, missed: int
) -> None:
    health = verdict_after(silent_s)

    assert (health.verdict, health.consecutive_failures, health.heartbeat_age_s) == (verdict, missed, silent_s)


def test_a_verdict_says_what_it_came_from() -> None:
    assert verdict_after(3).reason == "last heartbeat 3.0 s ago"
    assert verdict_after(250).reason == "silent for 250.0 s: 2 missed heartbeats, 3 are failure"
    assert verdict_after(400).reason == "silent for 400.0 s: 3 missed heartbeats"


def test_the_threshold_is_the_policys() -> None:
    assert verdict_after(360, policy=Policy(failure_threshold=4)).verdict is Verdict.SUSPECT
    assert verdict_after(120, policy=Policy(failure_threshold=1)).verdict is Verdict.FAILED


def test_a_monitor_that_never_ticked_knows_nothing_of_a_silent_gateway() -> None:
    health = judge(silent_for(400), sight=None, cold=False, now=T0, policy=POLICY)

    assert health.verdict is Verdict.UNKNOWN
    assert health.reason == "the health monitor has not ticked lately"


def test_a_fresh_heartbeat_needs_no_monitor() -> None:
    assert judge(silent_for(3), sight=None, cold=False, now=T0, policy=POLICY).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(("ago", "verdict"), [(120, Verdict.FAILED), (120.001, Verdict.UNKNOWN)])
def test_a_monitor_that_has_not_ticked_for_over_one_timeout_is_blind(ago: float, verdict: Verdict) -> None:
    stale = Sight(last_tick_at=T0 - timedelta(seconds=ago), watching_since=T0 - 3600 * SECOND)

    assert judge(silent_for(400), sight=stale, cold=False, now=T0, policy=POLICY).verdict is verdict


@pytest.mark.parametrize(
    ("watched_s", "verdict"),
    [
        (0, Verdict.UNKNOWN),
        (119.999, Verdict.UNKNOWN),
        (120, Verdict.SUSPECT),
        (359.999, Verdict.SUSPECT),
        (360, Verdict.FAILED),
    ],
)
def test_silence_counts_only_while_the_monitor_was_watching(watched_s: float, verdict: Verdict) -> None:
    assert verdict_after(86_400, watched_s=watched_s).verdict is verdict


def test_the_first_window_after_a_start_gives_no_verdict_on_silence() -> None:
    started = tick(None, now=T0 - 119 * SECOND, policy=POLICY)

    health = judge(silent_for(400), sight=started, cold=False, now=T0, policy=POLICY)

    assert health.verdict is Verdict.UNKNOWN
    assert health.reason == "the health monitor has seen 119.0 s of its silence only"


def test_a_stopped_standby_is_cold_however_long_it_is_silent() -> None:
    for silent_s in (120, 400, 86_400):
        health = verdict_after(silent_s, cold=True)
        assert (health.verdict, health.consecutive_failures) == (Verdict.COLD, 0)


def test_a_stopped_standby_is_cold_even_to_a_blind_monitor() -> None:
    assert judge(silent_for(400), sight=None, cold=True, now=T0, policy=POLICY).verdict is Verdict.COLD


def test_a_standby_that_beats_is_healthy_and_not_cold() -> None:
    assert verdict_after(3, cold=True).verdict is Verdict.HEALTHY


def test_a_standby_that_was_never_heard_is_cold() -> None:
    never = dr_gateway(last_heartbeat=None)

    health = judge(never, sight=sight(), cold=True, now=T0, policy=POLICY)

    assert (health.verdict, health.heartbeat_age_s) == (Verdict.COLD, None)


@pytest.mark.parametrize(
    ("watched_s", "verdict", "missed"),
    [(119, Verdict.UNKNOWN, 0), (120, Verdict.SUSPECT, 1), (360, Verdict.FAILED, 3), (400, Verdict.FAILED, 3)],
)
def test_a_gateway_that_was_never_heard_is_judged_by_how_long_the_monitor_has_listened(
    watched_s: float, verdict: Verdict, missed: int
) -> None:
    never = primary_gateway(last_heartbeat=None)

    health = judge(never, sight=sight(watched_s=watched_s), cold=False, now=T0, policy=POLICY)

    assert (health.verdict, health.consecutive_failures, health.heartbeat_age_s) == (verdict, missed, None)


@pytest.mark.parametrize(
    ("registered_s", "verdict", "missed"),
    [
        (-5, Verdict.UNKNOWN, 0),  # the clock stepped back after it registered
        (1, Verdict.UNKNOWN, 0),
        (119.999, Verdict.UNKNOWN, 0),
        (120, Verdict.SUSPECT, 1),
        (359.999, Verdict.SUSPECT, 2),
        (360, Verdict.FAILED, 3),
    ],
)
def test_a_gateway_that_has_just_registered_is_not_failed_for_the_time_before_it_existed(
    registered_s: float, verdict: Verdict, missed: int
) -> None:
    new = primary_gateway(last_heartbeat=None, registered_at=T0 - timedelta(seconds=registered_s))

    health = judge(new, sight=sight(watched_s=AN_HOUR_OF_SIGHT), cold=False, now=T0, policy=POLICY)

    assert (health.verdict, health.consecutive_failures) == (verdict, missed)


def test_time_in_which_nobody_listened_is_not_shown_as_missed_heartbeats() -> None:
    health = verdict_after(4000, watched_s=130)

    assert (health.verdict, health.consecutive_failures, health.heartbeat_age_s) == (Verdict.SUSPECT, 1, 4000)
    assert health.reason == "silent for 130.0 s: 1 missed heartbeats, 3 are failure"


def test_a_blind_monitor_counts_no_missed_heartbeats() -> None:
    assert judge(silent_for(4000), sight=None, cold=False, now=T0, policy=POLICY).consecutive_failures == 0


@pytest.mark.parametrize(
    ("ahead_s", "verdict"),
    [(30, Verdict.HEALTHY), (119.999, Verdict.HEALTHY), (120, Verdict.UNKNOWN), (3600, Verdict.UNKNOWN)],
)
def test_a_heartbeat_from_the_future_is_believed_for_one_timeout_and_counts_no_missed_one(
    ahead_s: float, verdict: Verdict
) -> None:
    """The receiver's clock stepped back after the heartbeat: a small step is life, a large one proves nothing."""
    ahead = silent_for(-ahead_s)

    health = judge(ahead, sight=sight(), cold=False, now=T0, policy=POLICY)

    assert (health.verdict, health.consecutive_failures, health.heartbeat_age_s) == (verdict, 0, -ahead_s)
    if verdict is Verdict.UNKNOWN:
        assert health.reason == "the health monitor has seen 0.0 s of its silence only"


@pytest.mark.parametrize(
    ("silent_s", "fresh"),
    [(0, True), (119.999, True), (120, False), (400, False), (-30, True), (-119.999, True), (-120, False)],
)
def test_a_heartbeat_is_fresh_for_less_than_one_timeout(silent_s: float, fresh: bool) -> None:
    assert is_fresh(silent_for(silent_s), now=T0, policy=POLICY) is fresh


def test_a_gateway_that_was_never_heard_is_not_fresh() -> None:
    assert not is_fresh(primary_gateway(last_heartbeat=None), now=T0, policy=POLICY)


def test_the_first_tick_starts_the_sight() -> None:
    assert tick(None, now=T0, policy=POLICY) == Sight(last_tick_at=T0, watching_since=T0)


def test_ticks_extend_the_sight() -> None:
    assert tick(sight(watched_s=60), now=T0 + 15 * SECOND, policy=POLICY) == Sight(
        last_tick_at=T0 + 15 * SECOND, watching_since=T0 - 60 * SECOND
    )


@pytest.mark.parametrize(("gap", "kept"), [(120, True), (120.001, False)])
def test_a_gap_above_one_timeout_starts_the_sight_anew(gap: float, kept: bool) -> None:
    now = T0 + timedelta(seconds=gap)

    after = tick(sight(watched_s=60), now=now, policy=POLICY)

    assert (after.last_tick_at, after.watching_since) == (now, T0 - 60 * SECOND if kept else now)


def test_a_tick_that_arrives_late_changes_nothing() -> None:
    before = sight()

    assert tick(before, now=T0 - 45 * SECOND, policy=POLICY) == before


@pytest.mark.parametrize(("gap", "gaps"), [(25, ()), (25.001, 1), (120, 1)])
def test_a_gap_above_the_longest_time_between_ticks_is_kept_as_blind_time(gap: float, gaps: object) -> None:
    now = T0 + timedelta(seconds=gap)

    after = tick(sight(), now=now, policy=POLICY)

    assert after.gaps == ((Gap(start=T0, end=now),) if gaps else ())
    assert after.watching_since == sight().watching_since


def test_blind_time_is_counted_where_it_overlaps_and_nowhere_else() -> None:
    dark = Sight(
        last_tick_at=T0,
        watching_since=T0 - 3600 * SECOND,
        gaps=(Gap(start=T0 - 300 * SECOND, end=T0 - 200 * SECOND), Gap(start=T0 - 100 * SECOND, end=T0 - 50 * SECOND)),
    )

    for since_s, blind_s in ((3600, 150), (300, 150), (250, 100), (150, 50), (75, 25), (50, 0), (10, 0)):
        assert dark.blind_s(T0 - since_s * SECOND, T0) == blind_s


@pytest.mark.parametrize(
    ("blind_s", "silent_s", "verdict"),
    [
        (0, 360, Verdict.FAILED),
        (100, 360, Verdict.SUSPECT),
        (100, 459.999, Verdict.SUSPECT),
        (100, 460, Verdict.FAILED),
        (100, 220, Verdict.SUSPECT),
        (100, 219.999, Verdict.UNKNOWN),
    ],
)
def test_silence_in_a_gap_of_the_monitor_does_not_count(blind_s: float, silent_s: float, verdict: Verdict) -> None:
    gap = Gap(start=T0 - timedelta(seconds=15 + blind_s), end=T0 - 15 * SECOND)
    seen = replace(sight(), gaps=(gap,) if blind_s else ())

    assert judge(silent_for(silent_s), sight=seen, cold=False, now=T0, policy=POLICY).verdict is verdict


def test_a_gap_from_before_the_last_heartbeat_takes_nothing_from_the_silence() -> None:
    seen = replace(sight(), gaps=(Gap(start=T0 - 500 * SECOND, end=T0 - 400 * SECOND),))

    assert judge(silent_for(360), sight=seen, cold=False, now=T0, policy=POLICY).verdict is Verdict.FAILED


def seen_after(seconds: Sequence[float], *, before: Sight | None = None) -> Sight | None:
    """Return the sight after good ticks at these seconds after T0, in this order."""
    seen = before
    for second in seconds:
        seen = tick(seen, now=T0 + timedelta(seconds=second), policy=POLICY)
    return seen


def test_gaps_do_not_pile_up_and_what_a_forgotten_one_hid_is_not_seen() -> None:
    seen = seen_after(range(0, 36_001, 60))  # every minute between two ticks is a gap

    assert seen is not None
    first_kept = T0 + (36_000 - 60 * GAPS_KEPT) * SECOND
    assert (len(seen.gaps), seen.gaps[0].start, seen.watching_since) == (GAPS_KEPT, first_kept, first_kept)


def test_as_many_gaps_as_are_kept_are_all_remembered() -> None:
    seen = seen_after(range(0, 60 * GAPS_KEPT + 1, 60))

    assert seen is not None
    assert (len(seen.gaps), seen.watching_since) == (GAPS_KEPT, T0)


def test_a_monitor_that_sees_for_an_instant_every_two_minutes_never_finds_a_gateway_failed() -> None:
    seen = None
    for second in range(0, 119 * 60, 119):
        now = T0 + second * SECOND
        seen = tick(seen, now=now, policy=POLICY)

        health = judge(primary_gateway(last_heartbeat=T0), sight=seen, cold=False, now=now, policy=POLICY)

        assert health.verdict in (Verdict.HEALTHY, Verdict.UNKNOWN), (second, health)


@PROPERTY
@given(gaps=st.lists(st.sampled_from([5, 15, 25, 26, 60, 119, 120, 121]), max_size=120))
def test_a_gateway_is_never_failed_for_more_silence_than_ticks_on_time_have_seen(gaps: list[int]) -> None:
    seen, second, heard_s, blinks = tick(None, now=T0, policy=POLICY), 0, 0, 0
    for gap in gaps:
        second += gap
        seen = tick(seen, now=T0 + second * SECOND, policy=POLICY)
        heard_s = 0 if gap > 120 else heard_s + (gap if gap <= 25 else 0)
        blinks = 0 if gap > 120 else blinks + (gap > 25)

    silent = primary_gateway(last_heartbeat=None, registered_at=T0)
    health = judge(silent, sight=seen, cold=False, now=T0 + second * SECOND, policy=POLICY)

    assert health.consecutive_failures <= heard_s // 120
    if blinks <= GAPS_KEPT:
        assert health.consecutive_failures == heard_s // 120
    assert (health.verdict is Verdict.FAILED) == (health.consecutive_failures >= 3)


def test_a_doubled_tick_changes_nothing() -> None:
    assert seen_after([0, 15, 15, 30, 30, 30]) == seen_after([0, 15, 30])


@st.composite
def ticks_on_time(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Draw some ticks on time, and the same time with more of them: doubled, extra and late ones."""
    gaps = draw(st.lists(st.integers(1, 25), min_size=1, max_size=30))
    few = [sum(gaps[:index]) for index in range(len(gaps) + 1)]
    many = [0]
    for begin, end in pairwise(few):
        many += [begin + extra for extra in draw(st.lists(st.integers(-60, end - begin), max_size=4))] + [end]
    return few, many


@PROPERTY
@given(rounds=ticks_on_time(), silent_s=st.integers(-60, 900), waited_s=st.integers(0, 200), cold=st.booleans())
def test_a_verdict_does_not_depend_on_how_many_ticks_ran_or_in_which_order(
    rounds: tuple[list[int], list[int]], silent_s: int, waited_s: int, cold: bool
) -> None:
    few, many = rounds
    now = T0 + (few[-1] + waited_s) * SECOND
    gateway = primary_gateway(last_heartbeat=now - silent_s * SECOND)

    verdicts = [judge(gateway, sight=seen_after(t), cold=cold, now=now, policy=POLICY) for t in (few, many)]

    assert verdicts[0] == verdicts[1]


@PROPERTY
@given(ticks=st.sets(st.integers(1, 40), max_size=40), lost=st.sets(st.integers(1, 40)), silent_s=st.integers(0, 600))
def test_a_tick_that_was_skipped_never_makes_the_monitor_surer(ticks: set[int], lost: set[int], silent_s: int) -> None:
    now = T0 + 600 * SECOND
    gateway = primary_gateway(last_heartbeat=now - silent_s * SECOND)
    verdicts = []
    for kept in (ticks, ticks - lost):
        seen = seen_after([15 * turn for turn in sorted(kept)], before=sight())
        verdicts.append(judge(gateway, sight=seen, cold=False, now=now, policy=POLICY).verdict)

    surer = [Verdict.HEALTHY, Verdict.UNKNOWN, Verdict.SUSPECT, Verdict.FAILED]
    assert surer.index(verdicts[1]) <= surer.index(verdicts[0])


@PROPERTY
@given(silent_s=st.integers(-3000, 3000), watched_s=st.integers(0, 3000), tick_age_s=st.integers(0, 300))
def test_a_gateway_is_failed_only_when_it_was_silent_and_watched_for_the_whole_detection_time(
    silent_s: int, watched_s: int, tick_age_s: int
) -> None:
    last_tick = T0 - tick_age_s * SECOND
    seen = Sight(last_tick_at=last_tick, watching_since=min(last_tick, T0 - watched_s * SECOND))

    health = judge(silent_for(silent_s), sight=seen, cold=False, now=T0, policy=POLICY)

    watched = (T0 - seen.watching_since).total_seconds()
    assert (health.verdict is Verdict.FAILED) == (silent_s >= 360 and watched >= 360 and tick_age_s <= 120)
