"""What `SightStore` promises, on both backends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.faults import Conflict
from shared.domain.health import Verdict
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, sight


def test_before_the_first_tick_there_is_no_sight(stores: Stores) -> None:
    assert stores.sight.read() is None


def test_a_sight_comes_back_exactly_with_the_version_the_write_gave(stores: Stores) -> None:
    written = stores.sight.write(sight(), etag=None)
    assert stores.sight.read() == written


def test_a_second_first_sight_conflicts_and_changes_nothing(stores: Stores) -> None:
    first = stores.sight.write(sight(), etag=None)
    with pytest.raises(Conflict):
        stores.sight.write(sight(at=NOON + timedelta(seconds=1)), etag=None)
    assert stores.sight.read() == first


def test_of_two_monitors_that_read_the_same_sight_one_writes(stores: Stores) -> None:
    first = stores.sight.write(sight(), etag=None)
    second = stores.sight.write(sight(at=NOON + timedelta(seconds=1)), etag=first.etag)
    with pytest.raises(Conflict):
        stores.sight.write(sight(at=NOON + timedelta(seconds=2)), etag=first.etag)
    assert stores.sight.read() == second


def test_replacing_a_sight_that_is_missing_conflicts(stores: Stores) -> None:
    with pytest.raises(Conflict):
        stores.sight.write(sight(), etag="W/\"datetime'2026-11-23T12%3A00%3A00.0000000Z'\"")
    assert stores.sight.read() is None


def test_a_sight_of_very_many_gateways_with_long_names_fits(stores: Stores) -> None:
    """A row that does not fit would leave the monitor blind for good."""
    names = [f"gw-{number:04d}-" + "x" * 100 for number in range(1500)]
    many = replace(sight(), verdicts=dict.fromkeys(names, Verdict.HEALTHY))
    written = stores.sight.write(many, etag=None)
    assert stores.sight.read() == written
