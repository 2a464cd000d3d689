"""What the real adapters say when the network breaks between them and the service."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from azure.data.tables import TableServiceClient

from devhost.fakes.fault_proxy import BlackHole, CutNextResponse, Delay, DropNextResponse, FaultProxy, Hold, Pass, Reset
from shared.adapters.tables import LOCKS, connect_string, open_stores
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.locks import EnvironmentLock, Versioned
from tests.contract.tables.conftest import Stores, port_of
from tests.contract.tables.examples import fresh_environment, lock


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Fail when the block takes longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < limit_s


def test_a_replace_whose_answer_is_lost_has_an_unknown_outcome_and_has_landed(
    proxied: Stores, proxy: FaultProxy, table_stores: Stores
) -> None:
    first = proxied.locks.insert(lock(fresh_environment()))
    proxy.set(DropNextResponse())
    with pytest.raises(OutcomeUnknown):
        proxied.locks.replace(replace(first.value, written_by="landed"), etag=first.etag)
    read = table_stores.locks.read(first.value.environment)
    assert proxy.dropped == 1
    assert read is not None
    assert read.value.written_by == "landed"
    assert read.etag != first.etag


def test_an_insert_whose_answer_is_lost_has_an_unknown_outcome_and_has_landed(
    proxied: Stores, proxy: FaultProxy, table_stores: Stores
) -> None:
    wanted = lock(fresh_environment())
    proxy.set(DropNextResponse())
    with pytest.raises(OutcomeUnknown):
        proxied.locks.insert(wanted)
    read = table_stores.locks.read(wanted.environment)
    assert read is not None
    assert read.value == wanted


@pytest.mark.parametrize("after_bytes", [0, 20, 60, 100, 140, 160, 180, 200, 220, 240, 260, 300, 400])
def test_an_answer_to_a_write_cut_short_is_unknown_unless_it_gave_the_whole_version(
    proxied: Stores, proxy: FaultProxy, table_stores: Stores, after_bytes: int
) -> None:
    environment = fresh_environment()
    proxy.set(CutNextResponse(after_bytes))
    inserted = outcome(lambda: proxied.locks.insert(lock(environment)))
    landed = table_stores.locks.read(environment)
    assert landed is not None
    assert inserted in (None, landed)
    proxy.set(CutNextResponse(after_bytes))
    replaced = outcome(lambda: proxied.locks.replace(replace(landed.value, written_by="w2"), etag=landed.etag))
    assert replaced in (None, table_stores.locks.read(environment))
    assert after_bytes > 100 or (inserted, replaced) == (None, None)


@pytest.mark.parametrize("after_bytes", [0, 20, 300, 900])
def test_an_answer_to_a_read_cut_short_means_the_store_is_unavailable(
    proxied: Stores, proxy: FaultProxy, after_bytes: int
) -> None:
    known = proxied.locks.insert(lock(fresh_environment()))
    proxy.set(CutNextResponse(after_bytes))
    with pytest.raises(LockStoreUnavailable):
        proxied.locks.read(known.value.environment)


def test_a_lost_answer_to_a_read_means_the_store_is_unavailable(proxied: Stores, proxy: FaultProxy) -> None:
    proxy.set(DropNextResponse())
    with pytest.raises(LockStoreUnavailable):
        proxied.locks.read(fresh_environment())
    assert proxied.locks.read(fresh_environment()) is None


READS: list[Callable[[Stores, str], object]] = [
    lambda stores, environment: stores.locks.read(environment),
    lambda stores, environment: stores.gateways.read(environment, "gw"),
    lambda stores, environment: stores.gateways.list(environment),
    lambda stores, environment: stores.locks.read_all([environment]),
    lambda stores, environment: stores.gateways.list_all([environment]),
    lambda stores, environment: stores.operations.list(environment, limit=1),
    lambda stores, environment: stores.audit.last(environment),
    lambda stores, environment: stores.sight.read(),  # noqa: ARG005
]


def test_every_read_from_a_service_that_hangs_fails_within_three_seconds(proxied: Stores, proxy: FaultProxy) -> None:
    proxy.set(BlackHole())

    def fault_of(read: Callable[[Stores, str], object]) -> tuple[type[BaseException] | None, bool]:
        began = time.monotonic()
        try:
            read(proxied, "PRO")
        except LockStoreUnavailable as fault:
            return type(fault), time.monotonic() - began < 3.0
        return None, False

    with ThreadPoolExecutor(len(READS)) as pool:
        assert list(pool.map(fault_of, READS)) == [(LockStoreUnavailable, True)] * len(READS)


def test_writing_to_a_service_that_hangs_has_an_unknown_outcome_within_three_seconds(
    proxied: Stores, proxy: FaultProxy
) -> None:
    first = proxied.locks.insert(lock(fresh_environment()))
    proxy.set(BlackHole())
    with within(3.0), pytest.raises(OutcomeUnknown):
        proxied.locks.replace(first.value, etag=first.etag)


def test_a_write_that_was_given_up_may_still_land_later(
    proxied: Stores, proxy: FaultProxy, table_stores: Stores
) -> None:
    first = proxied.locks.insert(lock(fresh_environment()))
    proxy.set(Hold())
    with pytest.raises(OutcomeUnknown):
        proxied.locks.replace(replace(first.value, written_by="late"), etag=first.etag)
    assert table_stores.locks.read(first.value.environment) == first
    proxy.set(Pass())
    assert settled(table_stores, first).value.written_by == "late"


def test_a_held_write_that_another_write_overtakes_changes_nothing(
    proxied: Stores, proxy: FaultProxy, table_stores: Stores
) -> None:
    first = proxied.locks.insert(lock(fresh_environment()))
    proxy.set(Hold())
    with pytest.raises(OutcomeUnknown):
        proxied.locks.replace(replace(first.value, written_by="late"), etag=first.etag)
    second = table_stores.locks.replace(replace(first.value, written_by="overtook"), etag=first.etag)
    proxy.set(Pass())
    time.sleep(0.3)  # far longer than a write takes, so that the held one has been refused
    assert table_stores.locks.read(first.value.environment) == second


def test_a_connection_that_is_reset_means_the_store_is_unavailable_at_once(proxied: Stores, proxy: FaultProxy) -> None:
    proxied.locks.read(fresh_environment())
    proxy.set(Reset())
    with within(1.0), pytest.raises(LockStoreUnavailable):
        proxied.locks.read(fresh_environment())


def test_a_service_that_is_down_is_noticed_at_once_and_nothing_was_written(azurite: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        down = azurite.replace(f":{port_of(azurite)}/", f":{taken.getsockname()[1]}/")
        with connect_string(down) as client:
            stores = open_stores(client)
            with within(0.5), pytest.raises(LockStoreUnavailable):
                stores.locks.read("PRO")
            with within(0.5), pytest.raises(LockStoreUnavailable):
                stores.locks.insert(lock("PRO"))
            with within(0.5), pytest.raises(LockStoreUnavailable):
                stores.locks.replace(lock("PRO"), etag='W/"1"')


def test_a_slow_answer_within_the_time_limit_is_an_answer(proxied: Stores, proxy: FaultProxy) -> None:
    first = proxied.locks.insert(lock(fresh_environment()))
    proxy.set(Delay(0.3))
    began = time.monotonic()
    assert proxied.locks.read(first.value.environment) == first
    assert time.monotonic() - began >= 0.3


def test_a_lost_success_is_not_repeated_into_a_conflict(proxied: Stores, proxy: FaultProxy) -> None:
    first = proxied.locks.insert(lock(fresh_environment()))
    proxy.set(DropNextResponse())
    try:
        proxied.locks.replace(replace(first.value, written_by="mine"), etag=first.etag)
    except Conflict:
        pytest.fail("the client repeated a write by itself and lost against its own success")
    except OutcomeUnknown:
        pass
    read = proxied.locks.read(first.value.environment)
    assert read is not None
    assert read.value.written_by == "mine"


def test_a_missing_table_does_not_pass_for_a_missing_lock(table_client: TableServiceClient) -> None:
    stores = open_stores(table_client)
    known = stores.locks.insert(lock(fresh_environment()))
    table_client.delete_table(LOCKS)
    try:
        with pytest.raises(LockStoreUnavailable):
            stores.locks.read("PRO")
        with pytest.raises(LockStoreUnavailable):
            stores.locks.insert(lock("PRO"))
        with pytest.raises(LockStoreUnavailable):
            stores.locks.replace(known.value, etag=known.etag)
    finally:
        table_client.create_table(LOCKS)


def test_a_wrong_account_key_means_the_store_is_unavailable(azurite: str) -> None:
    with connect_string(azurite.replace("AccountKey=Eby8", "AccountKey=AAAA")) as client:
        stores = open_stores(client)
        with pytest.raises(LockStoreUnavailable):
            stores.locks.read("PRO")
        with pytest.raises(LockStoreUnavailable):
            stores.locks.insert(lock("PRO"))


def outcome(write: Callable[[], Versioned[EnvironmentLock]]) -> Versioned[EnvironmentLock] | None:
    """Return what the write returned, or None when its outcome is unknown."""
    try:
        return write()
    except OutcomeUnknown:
        return None


def settled(stores: Stores, before: Versioned[EnvironmentLock]) -> Versioned[EnvironmentLock]:
    """Return the lock as soon as it has another version than `before`."""
    ends_at = time.monotonic() + 5
    while time.monotonic() < ends_at:
        read = stores.locks.read(before.value.environment)
        assert read is not None
        if read.etag != before.etag:
            return read
        time.sleep(0.02)
    pytest.fail("the held write never landed")
