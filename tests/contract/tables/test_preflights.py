"""What `PreflightStore` promises, on both backends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.faults import Conflict
from shared.domain.preflight import Check, CheckName, CheckStatus, Preflight
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, fresh_environment


def every_check(environment: str) -> Preflight:
    """Return a preflight with every check there is."""
    checks = tuple(
        Check(name=name, status=CheckStatus.FAIL, summary="výpadek", evidence={"deep": [1, None, {"x": "y"}]})
        for name in CheckName
    )
    return Preflight(environment=environment, checked_at=NOON, checks=checks)


def test_before_the_first_preflight_there_is_none(stores: Stores) -> None:
    assert stores.preflights.read(fresh_environment()) is None


def test_the_newest_preflight_comes_back_with_its_version(stores: Stores) -> None:
    first = stores.preflights.write(every_check(fresh_environment()), etag=None)
    environment = first.value.environment
    assert stores.preflights.read(environment) == first
    later = replace(first.value, checked_at=NOON + timedelta(minutes=15), checks=first.value.checks[:1])
    second = stores.preflights.write(later, etag=first.etag)
    assert stores.preflights.read(environment) == second


def test_of_two_writers_that_read_the_same_preflight_one_writes(stores: Stores) -> None:
    first = stores.preflights.write(every_check(fresh_environment()), etag=None)
    with pytest.raises(Conflict):
        stores.preflights.write(first.value, etag=None)
    second = stores.preflights.write(first.value, etag=first.etag)
    with pytest.raises(Conflict):
        stores.preflights.write(first.value, etag=first.etag)
    assert stores.preflights.read(first.value.environment) == second
