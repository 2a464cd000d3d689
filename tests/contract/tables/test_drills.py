"""What `DrillStore` promises, on both backends."""

import pytest

from shared.domain.faults import Conflict
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import drill_slot, fresh_environment


def test_before_the_first_drill_there_is_no_slot(stores: Stores) -> None:
    assert stores.drills.read(fresh_environment()) is None


def test_a_slot_comes_back_exactly_with_the_version_the_write_gave(stores: Stores) -> None:
    environment = fresh_environment()
    written = stores.drills.insert(drill_slot(environment))
    assert stores.drills.read(environment) == written
    replaced = stores.drills.replace(drill_slot(environment, write_id="w2"), etag=written.etag)
    assert stores.drills.read(environment) == replaced


def test_of_two_writers_that_read_the_same_slot_one_writes(stores: Stores) -> None:
    environment = fresh_environment()
    first = stores.drills.insert(drill_slot(environment))
    with pytest.raises(Conflict):
        stores.drills.insert(drill_slot(environment, write_id="other"))
    second = stores.drills.replace(drill_slot(environment, write_id="w2"), etag=first.etag)
    with pytest.raises(Conflict):
        stores.drills.replace(drill_slot(environment, write_id="w3"), etag=first.etag)
    assert stores.drills.read(environment) == second
