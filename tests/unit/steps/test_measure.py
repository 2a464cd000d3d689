"""Metrics say what the stores say, and a store that says nothing costs its own metrics only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from devhost.simulation.world import PRO, World
from shared.domain.faults import InvariantViolation, LockStoreUnavailable
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.metrics import METRICS, RECENT_OPERATIONS
from shared.domain.operations import OperationKind, OperationStatus, begin
from shared.domain.tasks import RotationConfig
from shared.ports import Ports
from shared.steps.measure import measure
from shared.web.metrics_text import metrics_text
from tests.unit.builders import SECOND, above, request
from tests.unit.steps.acting import begun, failed_over

PRIMARY = {"environment": "PRO", "gateway": "gw-pro-primary", "role": "primary"}
DR = {"environment": "PRO", "gateway": "gw-pro-dr", "role": "dr-standby"}
NAMES = {
    "mvdr_store_up": "gauge",
    "mvdr_gateway_activation_status": "gauge",
    "mvdr_gateway_verdict": "gauge",
    "mvdr_gateway_lock_holder": "gauge",
    "mvdr_gateway_heartbeat_age_seconds": "gauge",
    "mvdr_gateway_missed_heartbeats": "gauge",
    "mvdr_environment_active_gateways": "gauge",
    "mvdr_fencing_token_age_seconds": "gauge",
    "mvdr_operation_running": "gauge",
    "mvdr_recent_operations": "gauge",
    "mvdr_last_recovery_seconds": "gauge",
    "mvdr_recovery_target_seconds": "gauge",
    "mvdr_monitor_last_tick_age_seconds": "gauge",
    "mvdr_audit_entries_total": "counter",
    "mvdr_events_total": "counter",
    "mvdr_mirror_lag_seconds": "gauge",
    "mvdr_authority_regressed": "gauge",
    "mvdr_tasks": "gauge",
    "mvdr_oldest_pending_task_age_seconds": "gauge",
}
"""The names are a contract with dashboards and alerts: a change here breaks somebody's."""


class Scraped:
    """An exposition as the library's own parser reads it."""

    def __init__(self, ports: Ports) -> None:
        self.text = metrics_text(measure(ports))
        self.families = list(text_string_to_metric_families(self.text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float | None:
        found = [sample.value for sample in self.samples if (sample.name, sample.labels) == (name, labels or {})]
        assert len(found) <= 1, f"{name} {labels} stands there {len(found)} times"
        return found[0] if found else None

    def pro(self, name: str, **labels: str) -> float | None:
        return self.value(name, {"environment": "PRO", **labels})

    @property
    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}


def test_the_names_types_and_texts_are_the_golden_ones() -> None:
    scraped = Scraped(failed_over().ports)
    types = {sample.name: family.type for family in scraped.families for sample in family.samples}
    assert types == NAMES
    assert {metric.name for metric in METRICS} == set(NAMES)
    for family in scraped.families:
        assert family.documentation.endswith(".")


def test_after_a_failover_the_numbers_say_so() -> None:
    world = failed_over()
    scraped = Scraped(world.ports)
    for gateway, status in ((PRIMARY, "failed"), (DR, "active")):
        shown = {one: scraped.value("mvdr_gateway_activation_status", {**gateway, "status": one})
                 for one in ("active", "standby", "failed")}  # fmt: skip
        assert shown == {one: float(one == status) for one in shown}
    assert scraped.value("mvdr_gateway_verdict", {**PRIMARY, "verdict": "failed"}) == 1
    assert scraped.value("mvdr_gateway_verdict", {**DR, "verdict": "healthy"}) == 1
    assert scraped.value("mvdr_gateway_lock_holder", PRIMARY) == 0
    assert scraped.value("mvdr_gateway_lock_holder", DR) == 1
    assert scraped.value("mvdr_gateway_heartbeat_age_seconds", PRIMARY) == 636.0
    assert scraped.value("mvdr_gateway_missed_heartbeats", PRIMARY) == 5
    assert scraped.pro("mvdr_environment_active_gateways") == 1
    assert scraped.pro("mvdr_last_recovery_seconds") == 636.0
    assert scraped.pro("mvdr_recovery_target_seconds") == 1800.0
    assert scraped.pro("mvdr_recent_operations", type="failover", status="succeeded") == 1
    assert scraped.pro("mvdr_recent_operations", type="failback", status="succeeded") == 0
    assert scraped.pro("mvdr_operation_running") == 0
    assert scraped.pro("mvdr_mirror_lag_seconds") == 0
    assert scraped.pro("mvdr_authority_regressed") == 0
    entry, (event,) = world.ports.audit.last("PRO"), world.ports.events.newest("PRO", limit=1)
    assert entry is not None
    assert scraped.pro("mvdr_audit_entries_total") == entry.sequence
    assert scraped.pro("mvdr_events_total") == event.sequence


def test_ages_grow_with_the_clock() -> None:
    world = World().founded()
    before = Scraped(world.ports)
    world.clock.time += 15 * SECOND
    after = Scraped(world.ports)
    for name, labels in (
        ("mvdr_monitor_last_tick_age_seconds", {}),
        ("mvdr_gateway_heartbeat_age_seconds", PRIMARY),
        ("mvdr_fencing_token_age_seconds", {"environment": "PRO"}),
    ):
        old, new = before.value(name, labels), after.value(name, labels)
        assert old is not None
        assert new == old + 15.0


def test_tasks_that_have_not_ended_are_counted_and_the_oldest_waits_longest() -> None:
    world = World().founded()
    config = RotationConfig(id="cfg-pro", environment="PRO", name="demo")
    for number in range(3):
        world.work.add_task(config, task_id=f"t{number}", idempotency_key=f"k{number}")
        world.pass_time(15)
    scraped = Scraped(world.ports)
    assert scraped.pro("mvdr_tasks", status="pending") == 3
    assert scraped.pro("mvdr_tasks", status="running") == 0
    assert scraped.pro("mvdr_oldest_pending_task_age_seconds") == 45.0


def test_a_running_operation_and_a_mirror_that_lags_show() -> None:
    world = World().with_failed_primary()
    begun(world)
    stored = world.tables.locks.rows.snapshot().rows["PRO", "lock"]
    moved = replace(stored.value, token=above(stored.value.token), acquired_at=world.clock.time)
    newer = Versioned(moved, stored.etag)
    world.tables.locks.rows.restore(replace(world.tables.locks.rows.snapshot(), rows={("PRO", "lock"): newer}))
    world.clock.time += 7 * SECOND
    scraped = Scraped(world.ports)
    assert scraped.pro("mvdr_operation_running") == 1
    assert scraped.pro("mvdr_mirror_lag_seconds") == 7.0


def test_a_lock_that_lost_writes_shows_and_has_no_lag() -> None:
    world = failed_over()
    older: dict[tuple[str, str], Versioned[EnvironmentLock]] = {}
    world.tables.locks.rows.restore(replace(world.tables.locks.rows.snapshot(), rows=older))
    scraped = Scraped(world.ports)
    assert scraped.pro("mvdr_authority_regressed") == 1
    assert scraped.pro("mvdr_mirror_lag_seconds") is None
    assert scraped.pro("mvdr_environment_active_gateways") == 0


def test_without_postgresql_its_metrics_are_absent_and_the_others_stay() -> None:
    world = failed_over()
    world.work.database.down = True
    scraped = Scraped(world.ports)
    assert scraped.value("mvdr_store_up", {"store": "postgresql"}) == 0
    assert scraped.value("mvdr_store_up", {"store": "table_storage"}) == 1
    gone = {"mvdr_tasks", "mvdr_oldest_pending_task_age_seconds", "mvdr_mirror_lag_seconds", "mvdr_authority_regressed"}
    assert scraped.names == set(NAMES) - gone


@pytest.mark.parametrize(
    "point", ["locks.read", "gateways.list", "operations.list", "audit.list", "events.list", "sight.read"]
)
@pytest.mark.parametrize("fault", [LockStoreUnavailable("away"), InvariantViolation("garbled row")])
def test_without_table_storage_its_metrics_are_absent_and_tasks_stay(point: str, fault: Exception) -> None:
    down: list[bool] = []

    def fail(at: str) -> None:
        if down and at == point:
            raise fault

    world = failed_over(World(fault=fail))
    down.append(True)
    scraped = Scraped(world.ports)
    assert scraped.value("mvdr_store_up", {"store": "table_storage"}) == 0
    assert scraped.value("mvdr_store_up", {"store": "postgresql"}) == 1
    assert scraped.names == {
        "mvdr_store_up", "mvdr_recovery_target_seconds", "mvdr_tasks", "mvdr_oldest_pending_task_age_seconds",
    }  # fmt: skip


def test_an_environment_in_which_nothing_has_happened_makes_nothing_up() -> None:
    scraped = Scraped(World().ports)
    assert scraped.value("mvdr_monitor_last_tick_age_seconds") is None
    assert scraped.pro("mvdr_last_recovery_seconds") is None
    assert scraped.pro("mvdr_fencing_token_age_seconds") is None
    assert scraped.pro("mvdr_tasks", status="pending") == 0
    assert scraped.pro("mvdr_audit_entries_total") == 0


def test_each_environment_has_its_own_target_and_its_own_zeros() -> None:
    world = failed_over()
    npr = replace(PRO, name="NPR", rto_target_s=3600.0)
    scraped = Scraped(replace(world.ports, environments={"PRO": PRO, "NPR": npr}))
    assert scraped.value("mvdr_recovery_target_seconds", {"environment": "NPR"}) == 3600.0
    assert scraped.value("mvdr_tasks", {"environment": "NPR", "status": "pending"}) == 0


def test_labels_have_bounded_values_whatever_happened() -> None:
    world = World().founded()
    for number in range(RECENT_OPERATIONS + 20):
        world.ports.operations.insert(begin(request(id=f"PRO-{number:08d}-a", requested_by=f"somebody {number}")))
    scraped = Scraped(world.ports)
    assert scraped.pro("mvdr_recent_operations", type="failover", status="running") == RECENT_OPERATIONS
    series = [sample for sample in scraped.samples if sample.name == "mvdr_recent_operations"]
    assert len(series) == len(OperationKind) * len(OperationStatus)


def test_what_a_label_holds_is_escaped() -> None:
    world = World().founded()
    named = replace(PRO, name='P"R\\O\n')
    scraped = Scraped(replace(world.ports, environments={named.name: named}))
    assert scraped.value("mvdr_recovery_target_seconds", {"environment": named.name}) == 1800.0
