"""What `OperationStore` promises, on both backends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.faults import Conflict
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, ended, fresh_environment, operation


def test_an_operation_comes_back_exactly_with_the_version_the_write_gave(stores: Stores) -> None:
    written = stores.operations.insert(operation(fresh_environment()))
    assert stores.operations.read(written.value.request.id) == written


def test_an_ended_operation_comes_back_exactly(stores: Stores) -> None:
    environment = fresh_environment()
    begun = stores.operations.insert(operation(environment))
    done = stores.operations.replace(ended(environment), etag=begun.etag)
    assert stores.operations.read(done.value.request.id) == done


@pytest.mark.parametrize("operation_id", ["", "PRO", "PRO-1", "--", "a/b-1-2", "PRO-20261123T201500123Z-a1b2c3"])
def test_an_id_nobody_gave_is_none(stores: Stores, operation_id: str) -> None:
    assert stores.operations.read(operation_id) is None


def test_an_environment_may_have_dashes(stores: Stores) -> None:
    environment = f"{fresh_environment()}-west-2"
    written = stores.operations.insert(operation(environment))
    assert stores.operations.read(written.value.request.id) == written
    assert list(stores.operations.list(environment, limit=5)) == [written.value]


def test_the_newest_operations_are_listed_first_and_no_more_than_asked_for(stores: Stores) -> None:
    environment = fresh_environment()
    offsets_s = [0.0, 86_400.0, 0.001, 3600.0, -30 * 86_400.0]
    for offset_s in offsets_s:
        stores.operations.insert(operation(environment, at=NOON + timedelta(seconds=offset_s)))

    def listed(limit: int) -> list[float]:
        found = stores.operations.list(environment, limit=limit)
        return [(one.request.requested_at - NOON).total_seconds() for one in found]

    assert listed(10) == sorted(offsets_s, reverse=True)
    assert listed(2) == [86_400.0, 3600.0]
    assert listed(0) == []


def test_two_operations_of_one_millisecond_are_two(stores: Stores) -> None:
    environment = fresh_environment()
    for chance in ("b00002", "a00001"):
        stores.operations.insert(operation(environment, chance=chance))
    assert [one.request.id[-6:] for one in stores.operations.list(environment, limit=5)] == ["a00001", "b00002"]


def test_the_operations_of_an_environment_with_a_longer_name_are_not_listed(stores: Stores) -> None:
    environment = fresh_environment()
    stores.operations.insert(operation(f"{environment}2"))
    assert list(stores.operations.list(environment, limit=5)) == []


def test_a_second_insert_and_a_stale_replace_conflict_and_change_nothing(stores: Stores) -> None:
    first = stores.operations.insert(operation(fresh_environment()))
    with pytest.raises(Conflict):
        stores.operations.insert(first.value)
    second = stores.operations.replace(replace(first.value, updated_at=NOON + timedelta(seconds=1)), etag=first.etag)
    with pytest.raises(Conflict):
        stores.operations.replace(first.value, etag=first.etag)
    assert stores.operations.read(first.value.request.id) == second


def test_replacing_an_operation_that_is_missing_conflicts(stores: Stores) -> None:
    known = stores.operations.insert(operation(fresh_environment()))
    missing = operation(fresh_environment())
    with pytest.raises(Conflict):
        stores.operations.replace(missing, etag=known.etag)
    assert stores.operations.read(missing.request.id) is None
