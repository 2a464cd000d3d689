"""A trend is claimed only where enough operations stand on each side, and only when it is more than noise."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.operations import Operation, OperationKind, OperationStatus, begin
from shared.domain.recovery_history import LEAST_COMPARED, MOST_COMPARED, trend_of
from tests.unit.builders import SECOND, T0, request

FAILOVER = OperationKind.FAILOVER


def took(seconds: float, *, status: OperationStatus = OperationStatus.SUCCEEDED, known: bool = True) -> Operation:
    """Return a failover that took that long from the last heartbeat to its end."""
    return replace(
        begin(request()),
        status=status,
        outage_started_at=T0 - 400 * SECOND if known else None,
        failed_at=T0,
        ended_at=T0 + timedelta(seconds=seconds) - 400 * SECOND,
    )


def test_below_the_least_number_there_is_no_trend() -> None:
    trend = trend_of(FAILOVER, [took(700)] * (2 * LEAST_COMPARED - 1))
    assert (trend.direction, trend.newest_ms, trend.before_ms, trend.change) == (None, None, None, None)
    assert trend.counted == 2 * LEAST_COMPARED - 1


@pytest.mark.parametrize(("newest", "direction"), [(500, "faster"), (700, "steady"), (720, "steady"), (900, "slower")])
def test_the_newest_are_compared_with_those_before_them(newest: float, direction: str) -> None:
    trend = trend_of(FAILOVER, [took(newest)] * 3 + [took(700)] * 3)
    assert (trend.direction, trend.compared) == (direction, 3)
    assert (trend.newest_ms, trend.before_ms) == (newest * 1000, 700_000)


def test_one_accident_on_either_side_changes_no_median() -> None:
    assert trend_of(FAILOVER, [took(9000), took(700), took(700), took(700), took(700), took(500)]).direction == "steady"


def test_failed_operations_unknown_times_and_other_kinds_do_not_count() -> None:
    others = [
        took(700, status=OperationStatus.FAILED),
        took(700, known=False),
        replace(took(700), request=request(OperationKind.FAILBACK)),
    ]
    assert trend_of(FAILOVER, others * 5).counted == 0


def test_what_is_long_past_is_left_out() -> None:
    trend = trend_of(FAILOVER, [took(500)] * MOST_COMPARED + [took(700)] * MOST_COMPARED + [took(5000)] * 50)
    assert (trend.compared, trend.newest_ms, trend.before_ms) == (MOST_COMPARED, 500_000, 700_000)
