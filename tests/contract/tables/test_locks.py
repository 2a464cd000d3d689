"""What `LockStore` promises, on both backends."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from azure.data.tables import TableServiceClient

from shared.adapters.tables import LOCKS
from shared.domain.faults import Conflict
from shared.domain.fencing import LARGEST_TOKEN, FencingToken
from shared.domain.locks import EnvironmentLock, Versioned, founded
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import ABOVE_2_53, NOON, fresh_environment, lock


def test_a_lock_that_was_never_written_is_none(stores: Stores) -> None:
    assert stores.locks.read(fresh_environment()) is None


def test_a_lock_comes_back_exactly_with_the_version_the_write_gave(stores: Stores) -> None:
    written = stores.locks.insert(lock(fresh_environment()))
    assert stores.locks.read(written.value.environment) == written


def test_a_lock_without_optional_fields_comes_back_exactly(stores: Stores) -> None:
    first = founded(environment=fresh_environment(), holder="gw", token=FencingToken(1), write_id="w", now=NOON)
    vacant = replace(first, holder=None)
    stores.locks.insert(vacant)
    read = stores.locks.read(first.environment)
    assert read is not None
    assert read.value == vacant


@pytest.mark.parametrize("token", [ABOVE_2_53, FencingToken(LARGEST_TOKEN), FencingToken(1)])
def test_tokens_keep_all_64_bits(stores: Stores, token: FencingToken) -> None:
    written = stores.locks.insert(lock(fresh_environment(), token=token))
    read = stores.locks.read(written.value.environment)
    assert read is not None
    assert (read.value.token, read.value.failed[0].token) == (token, token)


def test_a_second_insert_conflicts_and_changes_nothing(stores: Stores) -> None:
    first = stores.locks.insert(lock(fresh_environment(), write_id="first"))
    with pytest.raises(Conflict):
        stores.locks.insert(replace(first.value, written_by="second"))
    assert stores.locks.read(first.value.environment) == first


def test_a_replace_at_the_version_read_succeeds_and_changes_the_version(stores: Stores) -> None:
    version = stores.locks.insert(lock(fresh_environment()))
    seen = {version.etag}
    for number in range(5):
        version = stores.locks.replace(replace(version.value, written_by=f"w{number}"), etag=version.etag)
        assert stores.locks.read(version.value.environment) == version
        seen.add(version.etag)
    assert len(seen) == 6


def test_a_replace_with_the_same_content_changes_the_version(stores: Stores) -> None:
    first = stores.locks.insert(lock(fresh_environment()))
    second = stores.locks.replace(first.value, etag=first.etag)
    assert second.etag != first.etag


def test_a_stale_replace_conflicts_and_changes_nothing(stores: Stores) -> None:
    first = stores.locks.insert(lock(fresh_environment()))
    second = stores.locks.replace(replace(first.value, written_by="second"), etag=first.etag)
    with pytest.raises(Conflict):
        stores.locks.replace(replace(first.value, written_by="stale"), etag=first.etag)
    assert stores.locks.read(first.value.environment) == second


def test_replacing_a_lock_that_is_missing_conflicts_and_creates_nothing(stores: Stores) -> None:
    known = stores.locks.insert(lock(fresh_environment()))
    missing = lock(fresh_environment())
    with pytest.raises(Conflict):
        stores.locks.replace(missing, etag=known.etag)
    assert stores.locks.read(missing.environment) is None


def test_a_replace_drops_what_the_new_lock_does_not_have(stores: Stores) -> None:
    full = stores.locks.insert(lock(fresh_environment()))
    bare = replace(full.value, holder=None, operation=None, failed=(), stop_dr_due_at=None, previous_token=None)
    stores.locks.replace(bare, etag=full.etag)
    read = stores.locks.read(bare.environment)
    assert read is not None
    assert read.value == bare


def test_environments_do_not_share_a_lock(stores: Stores) -> None:
    one, other = (stores.locks.insert(lock(fresh_environment())) for _ in range(2))
    stores.locks.replace(replace(one.value, written_by="changed"), etag=one.etag)
    assert stores.locks.read(other.value.environment) == other


def test_of_writers_racing_to_insert_exactly_one_wins(stores: Stores) -> None:
    environment = fresh_environment()
    winners = race([lambda name=name: stores.locks.insert(lock(environment, write_id=name)) for name in NAMES])
    read = stores.locks.read(environment)
    assert [winner.value.written_by for winner in winners] == [read.value.written_by if read else None]


def test_of_writers_racing_to_replace_one_version_exactly_one_wins(stores: Stores) -> None:
    first = stores.locks.insert(lock(fresh_environment()))
    winners = race(
        [
            lambda name=name: stores.locks.replace(replace(first.value, written_by=name), etag=first.etag)
            for name in NAMES
        ]
    )
    assert winners == [stores.locks.read(first.value.environment)]


NAMES = [f"writer{number}" for number in range(8)]


def race(writes: "list[object]") -> list[Versioned[EnvironmentLock]]:
    """Run the writes at once and return what the winners wrote."""
    barrier = Barrier(len(writes))

    def attempt(write: object) -> Versioned[EnvironmentLock] | None:
        assert callable(write)
        barrier.wait(10)
        try:
            written: Versioned[EnvironmentLock] = write()
        except Conflict:
            return None
        return written

    with ThreadPoolExecutor(len(writes)) as pool:
        return [written for written in pool.map(attempt, writes) if written is not None]


def test_the_locks_of_several_environments_come_in_one_look_with_their_versions(stores: Stores) -> None:
    written = {name: stores.locks.insert(lock(name)) for name in (fresh_environment(), fresh_environment())}
    missing = fresh_environment()
    assert stores.locks.read_all([*written, missing]) == written


def test_the_lock_of_an_environment_that_was_not_asked_for_is_left_out(stores: Stores) -> None:
    wanted, other = (stores.locks.insert(lock(fresh_environment())) for _ in range(2))
    assert stores.locks.read_all([wanted.value.environment]) == {wanted.value.environment: wanted}
    assert stores.locks.read_all([other.value.environment]) == {other.value.environment: other}


def test_a_row_nobody_asked_for_that_cannot_be_read_blinds_nobody(
    table_client: TableServiceClient, table_stores: Stores
) -> None:
    wanted = table_stores.locks.insert(lock(fresh_environment()))
    removed = {"PartitionKey": fresh_environment(), "RowKey": "lock", "from": "an older release"}
    table_client.get_table_client(LOCKS).create_entity(removed)
    assert table_stores.locks.read_all([wanted.value.environment]) == {wanted.value.environment: wanted}
