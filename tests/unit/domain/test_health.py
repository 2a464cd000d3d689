"""When silence means failed, and when it only means that nobody was listening.

HeartbeatTimeout is 120 s and FailureThreshold is 3 (runbook, overview).
"""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gateways import Gateway
from shared.domain.health import Health, Sight, Verdict, blinded, is_fresh, judge, tick
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
    assert verdict_after(250).reason == "silent for 250.0 s: 2 of 3 missed"
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
    assert health.reason == "the health monitor has watched for 119.0 s only"


def test_a_stopped_standby_is_cold_however_long_it_is_silent() -> None:
    for silent_s in (120, 400, 86_400):
        assert verdict_after(silent_s, cold=True).verdict is Verdict.COLD


def test_a_stopped_standby_is_cold_even_to_a_blind_monitor() -> None:
    assert judge(silent_for(400), sight=None, cold=True, now=T0, policy=POLICY).verdict is Verdict.COLD


def test_a_standby_that_beats_is_healthy_and_not_cold() -> None:
    assert verdict_after(3, cold=True).verdict is Verdict.HEALTHY


def test_a_standby_that_was_never_heard_is_cold() -> None:
    never = dr_gateway(last_heartbeat=None)

    health = judge(never, sight=sight(), cold=True, now=T0, policy=POLICY)

    assert (health.verdict, health.heartbeat_age_s) == (Verdict.COLD, None)


@pytest.mark.parametrize(
    ("watched_s", "verdict"), [(119, Verdict.UNKNOWN), (120, Verdict.SUSPECT), (360, Verdict.FAILED)]
)
def test_a_gateway_that_was_never_heard_is_judged_by_how_long_the_monitor_has_listened(
    watched_s: float, verdict: Verdict
) -> None:
    never = primary_gateway(last_heartbeat=None)

    health = judge(never, sight=sight(watched_s=watched_s), cold=False, now=T0, policy=POLICY)

    assert (health.verdict, health.heartbeat_age_s) == (verdict, None)


def test_a_heartbeat_from_the_future_is_fresh_and_counts_no_missed_one() -> None:
    """The receiver's clock stepped back after the heartbeat; the safe reading is that the gateway lives."""
    ahead = silent_for(-30)

    health = judge(ahead, sight=sight(), cold=False, now=T0, policy=POLICY)

    assert (health.verdict, health.consecutive_failures, health.heartbeat_age_s) == (Verdict.HEALTHY, 0, -30.0)
    assert is_fresh(ahead, now=T0, policy=POLICY)


@pytest.mark.parametrize(("silent_s", "fresh"), [(0, True), (119.999, True), (120, False), (400, False)])
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

    assert after == Sight(last_tick_at=now, watching_since=T0 - 60 * SECOND if kept else now)


def test_a_tick_that_arrives_late_changes_nothing() -> None:
    before = sight()

    assert tick(before, now=T0 - 45 * SECOND, policy=POLICY) == before


def test_a_tick_that_could_not_see_restarts_the_sight() -> None:
    dark = blinded(sight(), now=T0 + 15 * SECOND)

    assert dark == Sight(last_tick_at=T0 + 15 * SECOND, watching_since=T0 + 15 * SECOND)


def test_a_blind_tick_that_arrives_late_restarts_the_sight_without_moving_time_back() -> None:
    assert blinded(sight(), now=T0 - 45 * SECOND) == Sight(last_tick_at=T0, watching_since=T0)


def test_a_monitor_whose_first_tick_is_blind_has_watched_for_no_time() -> None:
    assert blinded(None, now=T0) == Sight(last_tick_at=T0, watching_since=T0)


def test_a_blind_tick_silences_the_verdict_for_one_timeout() -> None:
    dark = blinded(sight(), now=T0 + 15 * SECOND)
    seen = tick(dark, now=T0 + 30 * SECOND, policy=POLICY)

    for now, verdict in ((T0 + 134 * SECOND, Verdict.UNKNOWN), (T0 + 150 * SECOND, Verdict.SUSPECT)):
        seen = tick(seen, now=now, policy=POLICY)
        assert judge(silent_for(400), sight=seen, cold=False, now=now, policy=POLICY).verdict is verdict


def seen_after(ticks: list[datetime]) -> Sight | None:
    """Return the sight after good ticks in this order."""
    seen: Sight | None = None
    for now in ticks:
        seen = tick(seen, now=now, policy=POLICY)
    return seen


@st.composite
def rounds_of_ticks(draw: st.DrawFn) -> tuple[list[datetime], list[datetime]]:
    """Draw some ticks a window or less apart, and the same hour with more ticks: doubled, extra and late ones."""
    gaps = draw(st.lists(st.integers(1, 120), min_size=1, max_size=12))
    few = [T0 + sum(gaps[:index]) * SECOND for index in range(len(gaps) + 1)]
    many = [few[0]]
    for begin, end in pairwise(few):
        span = int((end - begin).total_seconds())
        many += [begin + extra * SECOND for extra in draw(st.lists(st.integers(-60, span), max_size=5))] + [end]
    return few, many


@PROPERTY
@given(rounds=rounds_of_ticks(), silent_s=st.integers(-60, 3000), waited_s=st.integers(0, 200), cold=st.booleans())
def test_a_verdict_does_not_depend_on_how_many_ticks_ran_or_in_which_order(
    rounds: tuple[list[datetime], list[datetime]], silent_s: int, waited_s: int, cold: bool
) -> None:
    few, many = rounds
    now = few[-1] + waited_s * SECOND
    gateway = primary_gateway(last_heartbeat=now - silent_s * SECOND)

    verdicts = [judge(gateway, sight=seen_after(t), cold=cold, now=now, policy=POLICY) for t in (few, many)]

    assert verdicts[0] == verdicts[1]


@PROPERTY
@given(silent_s=st.integers(-60, 3000), watched_s=st.integers(0, 3000), tick_age_s=st.integers(0, 300))
def test_a_gateway_is_failed_only_when_it_was_silent_and_watched_for_the_whole_detection_time(
    silent_s: int, watched_s: int, tick_age_s: int
) -> None:
    last_tick = T0 - tick_age_s * SECOND
    seen = Sight(last_tick_at=last_tick, watching_since=min(last_tick, T0 - watched_s * SECOND))

    health = judge(silent_for(silent_s), sight=seen, cold=False, now=T0, policy=POLICY)

    watched = (T0 - seen.watching_since).total_seconds()
    assert (health.verdict is Verdict.FAILED) == (silent_s >= 360 and watched >= 360 and tick_age_s <= 120)
