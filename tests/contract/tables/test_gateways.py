"""What `GatewayStore` promises, on both backends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.environments import Role
from shared.domain.faults import Conflict
from shared.domain.gateways import Gateway, Identity
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, fresh_environment, gateway


def test_a_gateway_that_never_registered_is_none(stores: Stores) -> None:
    assert stores.gateways.read(fresh_environment(), "gw-pro-primary") is None


def test_a_gateway_comes_back_exactly_with_the_version_the_write_gave(stores: Stores) -> None:
    written = stores.gateways.insert(gateway(fresh_environment(), "gw-pro-primary"))
    assert stores.gateways.read(written.value.environment, "gw-pro-primary") == written


def test_a_gateway_that_was_never_heard_comes_back_exactly(stores: Stores) -> None:
    silent = Gateway(
        id="gw",
        environment=fresh_environment(),
        role=Role.DR_STANDBY,
        identity=Identity(tenant_id="t", object_id="o"),
        registered_at=NOON,
    )
    written = stores.gateways.insert(silent)
    assert stores.gateways.read(silent.environment, "gw") == written


def test_the_primary_is_listed_first_then_the_others_by_id(stores: Stores) -> None:
    environment = fresh_environment()
    for gateway_id, role in (("gw-c", Role.DR_STANDBY), ("gw-z", Role.PRIMARY), ("gw-a", Role.DR_STANDBY)):
        stores.gateways.insert(gateway(environment, gateway_id, role=role))
    assert [found.id for found in stores.gateways.list(environment)] == ["gw-z", "gw-a", "gw-c"]


def test_the_gateways_of_another_environment_are_not_listed(stores: Stores) -> None:
    stores.gateways.insert(gateway(fresh_environment(), "gw"))
    assert list(stores.gateways.list(fresh_environment())) == []


def test_a_second_registration_conflicts_and_changes_nothing(stores: Stores) -> None:
    first = stores.gateways.insert(gateway(fresh_environment(), "gw"))
    with pytest.raises(Conflict):
        stores.gateways.insert(replace(first.value, boot_id="other"))
    assert stores.gateways.read(first.value.environment, "gw") == first


def test_a_stale_heartbeat_conflicts_and_changes_nothing(stores: Stores) -> None:
    first = stores.gateways.insert(gateway(fresh_environment(), "gw"))
    newer = replace(first.value, last_heartbeat=NOON + timedelta(seconds=15))
    second = stores.gateways.replace(newer, etag=first.etag)
    with pytest.raises(Conflict):
        stores.gateways.replace(replace(first.value, last_heartbeat=NOON), etag=first.etag)
    assert stores.gateways.read(first.value.environment, "gw") == second


def test_a_heartbeat_of_a_gateway_that_is_missing_conflicts(stores: Stores) -> None:
    known = stores.gateways.insert(gateway(fresh_environment(), "gw"))
    with pytest.raises(Conflict):
        stores.gateways.replace(replace(known.value, id="gw-missing"), etag=known.etag)
    assert stores.gateways.read(known.value.environment, "gw-missing") is None


@pytest.mark.parametrize("gateway_id", ["a/b", "a\\b", "a#b", "a?b", "a\nb", "a\x85b"])
def test_an_id_that_cannot_be_a_key_has_no_gateway(stores: Stores, gateway_id: str) -> None:
    assert stores.gateways.read(fresh_environment(), gateway_id) is None


@pytest.mark.parametrize("gateway_id", ["it's", "100%25", "a b", "a+b", "a;b=c&d", "brána-ž", "😀"])
def test_an_unusual_id_names_one_gateway_and_no_other(stores: Stores, gateway_id: str) -> None:
    environment = fresh_environment()
    plain = stores.gateways.insert(gateway(environment, "gw"))
    written = stores.gateways.insert(gateway(environment, gateway_id))
    changed = stores.gateways.replace(replace(written.value, boot_id="next"), etag=written.etag)
    assert stores.gateways.read(environment, gateway_id) == changed
    assert stores.gateways.read(environment, "gw") == plain


def test_the_gateways_of_several_environments_come_in_one_look_each_as_its_own_list(stores: Stores) -> None:
    first, second, empty, other = (fresh_environment() for _ in range(4))
    for environment in (first, second, other):
        stores.gateways.insert(gateway(environment, "gw-a", role=Role.DR_STANDBY))
        stores.gateways.insert(gateway(environment, "gw-z", role=Role.PRIMARY))
    found = stores.gateways.list_all([first, second, empty])
    assert found == {name: stores.gateways.list(name) for name in (first, second, empty)}
    assert [one.id for one in found[second]] == ["gw-z", "gw-a"]
