"""The arithmetic of a month: checked by hand for one plan, and by its shape for all."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.usage.bill import MONTH_S, OPERATIONS, Bill, Plan, Section, bill, billed_s
from devhost.usage.derived import HostRequests, HubSettings, hub_settings, of_awake_worker, of_idle_host, of_operation
from devhost.usage.figures import Figures, Piece, kept_figures
from devhost.usage.prices import load_prices
from tests.unit.builders import PROPERTY

PRICES: Final = load_prices()
HUB: Final = HubSettings(partitions=1, longest_poll_s=2.0)
QUICK: Final = 0.1
LOCK_ACCOUNT: Final = "requests to the lock account's tables"


def piece(requests: int, **calls: float) -> Piece:
    return Piece(table_requests={"all": requests}, longest_s=QUICK, **calls)  # type: ignore[arg-type]


FIGURES: Final = Figures(
    pieces={
        "heartbeat_holder": piece(3, http_calls=1),
        "claim_of_nothing": piece(2, http_calls=1),
        "timeout_pass": piece(0, timer_calls=1),
        "notification_pass": piece(3, timer_calls=1),
        "failover": piece(100, http_calls=1, activities=20, durable_timers=10, lasts_s=300.0),
        "failback": piece(50, http_calls=1, activities=10, durable_timers=5, lasts_s=10.0),
        "stop_dr_cluster": piece(30, activities=5, durable_timers=4, lasts_s=60.0),
    },
    monitor_pass={1: piece(2), 2: piece(2)},
    mirror_pass={1: piece(3), 2: piece(6)},
)
PLAN: Final = Plan(drills_a_month=0.0)


def line(made: Bill, what: str) -> tuple[float, float]:
    (found,) = [one for one in made.lines if one.what == what]
    return found.quantity, found.usd


def test_a_month_of_two_environments_by_hand() -> None:
    made = bill(PLAN, FIGURES, PRICES, HUB)
    ticks = 2_628_000 / 15  # 175,200: a month of 730 h in steps of 15 s
    assert line(made, "memory of functions on demand") == pytest.approx((3.5 * ticks * 1 * 2, 29.2864))
    assert line(made, "executions on demand") == pytest.approx((613_200, (613_200 - 250_000) * 0.40 / 1e6))
    assert line(made, "executions on always-ready instances") == pytest.approx((4 * ticks, 4 * ticks * 0.40 / 1e6))
    # heartbeats 3, looks for work 2, for two environments; monitor 2, reconciler 6, time-outs 0;
    # notifications 3, half as often
    requests = ticks * (2 * 3 + 2 * 2 + 2 + 6 + 3 / 2)
    assert line(made, LOCK_ACCOUNT) == pytest.approx((requests, requests * 0.00036 / 1e4))
    assert line(made, "2 HTTP, existing") == pytest.approx((2 * 2_628_000 * 2, 42.048))
    assert line(made, "HTTP, executing") == pytest.approx((4 * ticks * 2, 4 * ticks * 2 * 0.000016))
    assert line(made, "1 Durable, existing") == pytest.approx((2_628_000 * 2, 21.024))
    # scale controller: 2 queues x 2 calls in 10 s; the awake worker: 2 queues in 2 s
    queues = 2_628_000 * (0.4 + 1.0)
    assert line(made, "queue requests of the Functions host and Durable") == pytest.approx(
        (queues, queues * 0.004 / 1e4)
    )
    assert made.usd_by_use_per_environment == pytest.approx(made.usd(Section.BY_USE) / 2)


def test_drills_are_billed_for_every_environment() -> None:
    quiet, drilled = (bill(replace(PLAN, drills_a_month=rate), FIGURES, PRICES, HUB) for rate in (0.0, 1.0))
    more, before = (line(made, LOCK_ACCOUNT)[0] for made in (drilled, quiet))
    assert more - before == pytest.approx(2 * (100 + 50 + 30))
    # 35 activities, 19 timers, 3 starts: 35 + (35 + 19 + 3) executions of a second each, of 2 GB, twice
    assert line(drilled, "Durable, executing")[0] == pytest.approx(2 * (35 + 57) * 2)
    waits = line(drilled, "HTTP, executing")[0] - line(quiet, "HTTP, executing")[0]
    assert waits == pytest.approx(2 * (25 + 10) * 2)  # the caller waits 25 s at most, or until the end


def test_without_always_ready_instances_everything_is_on_demand_and_nothing_is_left_out() -> None:
    ready = bill(PLAN, FIGURES, PRICES, HUB)
    none = bill(replace(PLAN, always_ready_http=0, always_ready_durable=0), FIGURES, PRICES, HUB)
    assert none.usd(Section.ALWAYS_READY) == 0
    calls = "executions on demand", "executions on always-ready instances"
    assert sum(line(none, what)[0] for what in calls) == pytest.approx(sum(line(ready, what)[0] for what in calls))
    assert line(none, "memory of functions on demand")[0] == pytest.approx(7.5 * 175_200 * 2)


@pytest.mark.parametrize(("took_s", "billed"), [(0.1, 1.0), (1.0, 1.0), (1.01, 1.1), (1.1, 1.1), (25.0, 25.0)])
def test_an_execution_is_billed_for_a_second_at_least_and_then_in_steps_of_100_ms(took_s: float, billed: float) -> None:
    assert billed_s(took_s) == pytest.approx(billed)


def test_what_durable_asks_is_messages_episodes_and_polling() -> None:
    operation = piece(0, activities=20, durable_timers=10, lasts_s=300.0)
    assert operation.episodes == 31
    asked = of_operation(operation, HUB)
    assert asked.queue == pytest.approx(3 * (31 + 20) + 300 * 2 / 2)
    assert asked.table == pytest.approx(3 * 31 + 2 + 300 * 2 / 10)
    assert of_operation(piece(0), HUB) == HostRequests()
    assert of_awake_worker(HUB).queue == 1.0
    assert of_idle_host(HUB, timers=3).queue == pytest.approx(0.4)
    assert of_idle_host(HUB, timers=3).blob == pytest.approx(3 / 30 + 1 / 12)


def test_the_task_hub_is_read_from_the_file_that_is_shipped() -> None:
    assert hub_settings() == HubSettings(partitions=1, longest_poll_s=2.0)


INTERVALS = st.floats(1.0, 300.0)
PLANS = st.builds(
    Plan, environments=st.integers(1, 40), heartbeat_s=INTERVALS, monitor_s=INTERVALS, mirror_s=INTERVALS,
    timeouts_s=INTERVALS, notification_s=INTERVALS, claim_s=INTERVALS, memory_gb=st.sampled_from((0.5, 2.0, 4.0)),
    always_ready_http=st.integers(0, 3), always_ready_durable=st.integers(0, 2),
    drills_a_month=st.sampled_from((0.0, 1 / 3, 1.0, 3.0)),
)  # fmt: skip


def total(plan: Plan) -> float:
    made = bill(plan, kept_figures(), PRICES, HUB)
    return made.usd(Section.BY_USE) + made.usd(Section.ALWAYS_READY)


@PROPERTY
@given(PLANS, st.integers(1, 10))
def test_another_environment_never_makes_a_month_cheaper(plan: Plan, more: int) -> None:
    assert total(replace(plan, environments=plan.environments + more)) >= total(plan)


@PROPERTY
@given(
    PLANS,
    st.sampled_from(("heartbeat_s", "monitor_s", "mirror_s", "timeouts_s", "notification_s", "claim_s")),
    st.floats(1.0, 9.0),
)
def test_doing_anything_more_often_never_makes_a_month_cheaper(plan: Plan, what: str, factor: float) -> None:
    assert total(replace(plan, **{what: getattr(plan, what) / factor})) >= total(plan) - 1e-9


@PROPERTY
@given(PLANS)
def test_no_line_is_below_zero_and_only_grants_are_free(plan: Plan) -> None:
    for one in bill(plan, kept_figures(), PRICES, HUB).lines:
        assert one.quantity >= 0
        assert one.usd >= 0
        assert one.usd > 0 or one.quantity == 0 or "on demand" in one.what


@pytest.mark.parametrize("change", [{"environments": 0}, {"heartbeat_s": 0.0}, {"claim_s": -1.0}])
def test_a_plan_that_nobody_can_run_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="environments"):
        bill(replace(PLAN, **change), FIGURES, PRICES, HUB)  # type: ignore[arg-type]


def test_every_price_names_its_unit_and_source_and_costs_something() -> None:
    assert PRICES.currency == "USD"
    for price in PRICES.prices.values():
        assert price.price > 0
        assert price.per >= 1
        assert price.unit
        assert price.seen
    assert not PRICES.checked or not any("recalled" in price.seen for price in PRICES.prices.values())


def test_a_month_has_730_hours_and_every_operation_was_counted() -> None:
    assert MONTH_S == 2_628_000
    assert set(OPERATIONS) <= kept_figures().pieces.keys()


def test_a_number_of_environments_that_was_not_counted_gets_the_next_larger_or_goes_on_in_line() -> None:
    figures = replace(
        FIGURES, mirror_pass={1: piece(3), 2: piece(6), 4: piece(12)}, monitor_pass={1: piece(2), 4: piece(2)}
    )
    apart = replace(PLAN, heartbeat_s=1e9, claim_s=1e9, notification_s=1e9)  # leaves the passes
    requests = {
        number: line(bill(replace(apart, environments=number), figures, PRICES, HUB), LOCK_ACCOUNT)[0] / 175_200
        for number in (2, 3, 4, 5, 10)
    }
    assert requests == pytest.approx({2: 6 + 2, 3: 12 + 2, 4: 12 + 2, 5: 15 + 2, 10: 30 + 2}, abs=0.01)
