"""What `AlertStore` and `AutomaticStore` promise, on both backends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.alerts import Alert, AlertCondition, AlertKind
from shared.domain.automatic import AutomaticRun, AutomaticRuns
from shared.domain.faults import Conflict
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, fresh_environment

SECOND = timedelta(seconds=1)


def alert(environment: str, number: int = 0) -> Alert:
    """Return an alert with every field filled; those with a higher number came later."""
    return Alert(
        id=f"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/{number}?#\\",
        condition=AlertCondition.FIRED, environment=environment, intent="primary-failed",
        kind=AlertKind.SERVICE_HEALTH, received_at=NOON + number * SECOND, fired_at=NOON - 30 * SECOND,
        recovered=True, rule="pravidlo / rule", severity="Sev1", details={"title": "výpadek", "threshold": "25"},
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )  # fmt: skip


def test_an_alert_is_kept_once_per_condition_and_comes_back_as_it_first_came(stores: Stores) -> None:
    first = alert(fresh_environment())
    stores.alerts.insert(first)
    with pytest.raises(Conflict):
        stores.alerts.insert(replace(first, received_at=NOON + SECOND, severity="Sev4"))
    resolved = replace(first, condition=AlertCondition.RESOLVED)
    stores.alerts.insert(resolved)
    assert stores.alerts.read(first.environment, first.key) == first
    assert stores.alerts.read(first.environment, resolved.key) == resolved


def test_what_was_never_kept_is_not_there(stores: Stores) -> None:
    environment = fresh_environment()
    assert stores.alerts.read(environment, alert(environment).key) is None
    assert list(stores.alerts.evidence(environment, since=NOON, limit=10)) == []


def test_a_kept_alert_is_evidence_only_once_it_is_listed_and_is_listed_once(stores: Stores) -> None:
    one = alert(fresh_environment())
    stores.alerts.insert(one)
    assert list(stores.alerts.evidence(one.environment, since=NOON, limit=10)) == []
    stores.alerts.list_as_evidence(one)
    with pytest.raises(Conflict):
        stores.alerts.list_as_evidence(one)
    assert list(stores.alerts.evidence(one.environment, since=NOON, limit=10)) == [one]


def test_evidence_comes_newest_first_from_an_instant_on(stores: Stores) -> None:
    environment = fresh_environment()
    alerts = [alert(environment, number) for number in range(12)]
    for one in alerts:
        stores.alerts.list_as_evidence(one)
    since = NOON + 4 * SECOND
    assert list(stores.alerts.evidence(environment, since=since, limit=100)) == alerts[:3:-1]
    assert list(stores.alerts.evidence(environment, since=since, limit=2)) == [alerts[11], alerts[10]]
    assert list(stores.alerts.evidence(environment, since=NOON + 11.5 * SECOND, limit=9)) == []
    assert list(stores.alerts.evidence(environment, since=NOON - timedelta(days=400), limit=100)) == alerts[::-1]


def test_each_environment_has_evidence_of_its_own(stores: Stores) -> None:
    one, other = alert(fresh_environment()), alert(fresh_environment())
    stores.alerts.list_as_evidence(one)
    stores.alerts.list_as_evidence(other)
    assert list(stores.alerts.evidence(one.environment, since=NOON, limit=9)) == [one]


def runs() -> AutomaticRuns:
    run = AutomaticRun(
        environment="PRO", operation_id="PRO-1", lock_etag="W/\"datetime'2026-11-23T12%3A00%3A00Z'\"", began_at=NOON
    )
    return AutomaticRuns(running=(run,), last_began={"PRO": NOON, "NPR": NOON - timedelta(hours=1)})


def test_before_the_first_automatic_failover_there_are_no_runs(stores: Stores) -> None:
    assert stores.automatic.read() is None


def test_runs_come_back_exactly_with_the_version_the_write_gave(stores: Stores) -> None:
    written = stores.automatic.write(runs(), etag=None)
    assert stores.automatic.read() == written
    empty = stores.automatic.write(AutomaticRuns(), etag=written.etag)
    assert stores.automatic.read() == empty


def test_of_two_that_read_the_same_runs_one_writes(stores: Stores) -> None:
    first = stores.automatic.write(AutomaticRuns(), etag=None)
    with pytest.raises(Conflict):
        stores.automatic.write(runs(), etag=None)
    second = stores.automatic.write(runs(), etag=first.etag)
    with pytest.raises(Conflict):
        stores.automatic.write(AutomaticRuns(), etag=first.etag)
    assert stores.automatic.read() == second


def test_the_last_runs_of_very_many_environments_fit(stores: Stores) -> None:
    many = AutomaticRuns(last_began={f"ENVIRONMENT_{number:04d}": NOON for number in range(2000)})
    written = stores.automatic.write(many, etag=None)
    assert stores.automatic.read() == written
