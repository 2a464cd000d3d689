"""The real adapters at the limits of Azure."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.codec import LONGEST_TEXT_BYTES, DoesNotFit
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import fresh_environment, gateway, lock

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_a_lock_that_does_not_fit_is_refused_and_nothing_changes(table_stores: Stores) -> None:
    first = table_stores.locks.insert(lock(fresh_environment()))
    too_long = replace(first.value, written_by="x" * (LONGEST_TEXT_BYTES // 2 + 1))
    with pytest.raises(DoesNotFit, match="written_by"):
        table_stores.locks.replace(too_long, etag=first.etag)
    assert table_stores.locks.read(first.value.environment) == first


def test_a_text_of_the_largest_size_is_kept(table_stores: Stores) -> None:
    largest = replace(lock(fresh_environment()), written_by="ž" * (LONGEST_TEXT_BYTES // 2))
    written = table_stores.locks.insert(largest)
    assert table_stores.locks.read(largest.environment) == written


@pytest.mark.parametrize("gateway_id", ["a/b", "a#b", "a?b", "a\nb", "x" * 513])
def test_an_id_that_cannot_be_a_key_is_refused(table_stores: Stores, gateway_id: str) -> None:
    with pytest.raises(DoesNotFit):
        table_stores.gateways.insert(gateway(fresh_environment(), gateway_id))


@pytest.mark.parametrize("etag", ["", "*"])
def test_a_replace_at_no_version_is_refused(table_stores: Stores, etag: str) -> None:
    first = table_stores.locks.insert(lock(fresh_environment()))
    with pytest.raises(Exception, match="at a version"):
        table_stores.locks.replace(replace(first.value, written_by="blind"), etag=etag)
    assert table_stores.locks.read(first.value.environment) == first


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=TEXT, version=TEXT, checks=st.dictionaries(TEXT, TEXT, max_size=3))
def test_any_text_survives_the_service(table_stores: Stores, reason: str, version: str, checks: dict[str, str]) -> None:
    wanted = replace(gateway(fresh_environment(), "gw"), version=version, region=reason, checks=checks)
    written = table_stores.gateways.insert(wanted)
    assert table_stores.gateways.read(wanted.environment, "gw") == written
