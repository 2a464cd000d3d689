"""The table store comes up, keeps its data over an orderly stop, and can be silenced without losing any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ServiceResponseError
from azure.data.tables import TableServiceClient, UpdateMode

from devhost.backends.azurite import Azurite
from devhost.backends.processes import accepts_tcp

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / ".lab" / "azurite"


@pytest.fixture
def azurite(tmp_path: Path) -> Iterator[Azurite]:
    store = Azurite(tmp_path / "tables", package=PACKAGE)
    yield store
    store.stop()


def client(connection_string: str) -> TableServiceClient:
    return TableServiceClient.from_connection_string(
        connection_string, retry_total=0, connection_timeout=1, read_timeout=1
    )


def test_what_was_written_survives_a_stop_and_a_new_start_on_the_same_port(azurite: Azurite) -> None:
    first = azurite.start()
    with client(first) as service:
        table = service.create_table("locks")
        for number in range(20):
            table.create_entity({"PartitionKey": "NPR", "RowKey": f"row-{number}", "token": number})
    azurite.stop()

    assert azurite.start() == first
    with client(first) as service:
        rows = list(service.get_table_client("locks").query_entities("PartitionKey eq 'NPR'"))
    assert sorted(row["token"] for row in rows) == list(range(20))


def test_writes_are_conditional_as_in_azure(azurite: Azurite) -> None:
    with client(azurite.start()) as service:
        table = service.create_table("locks")
        entity = {"PartitionKey": "NPR", "RowKey": "lock", "holder": "primary"}
        etag = str(table.create_entity(entity)["etag"])
        with pytest.raises(ResourceExistsError):
            table.create_entity(entity)
        conditional = {"mode": UpdateMode.REPLACE, "match_condition": MatchConditions.IfNotModified, "etag": etag}
        table.update_entity({**entity, "holder": "dr"}, **conditional)  # type: ignore[arg-type]
        with pytest.raises(ResourceModifiedError):
            table.update_entity({**entity, "holder": "nobody"}, **conditional)  # type: ignore[arg-type]

        assert table.get_entity("NPR", "lock")["holder"] == "dr"


def test_a_frozen_store_is_silent_and_remembers_everything_when_thawed(azurite: Azurite) -> None:
    with client(azurite.start()) as service:
        table = service.create_table("locks")
        table.create_entity({"PartitionKey": "NPR", "RowKey": "lock"})
        azurite.freeze()
        with pytest.raises(ServiceResponseError):
            table.get_entity("NPR", "lock")
        azurite.thaw()

        assert table.get_entity("NPR", "lock")["RowKey"] == "lock"


def test_a_killed_store_is_gone_and_starts_again(azurite: Azurite) -> None:
    connection_string = azurite.start()
    port = int(connection_string.split("127.0.0.1:")[1].split("/")[0])

    azurite.kill()
    assert not accepts_tcp(port)
    with pytest.raises(RuntimeError, match="not running"):
        _ = azurite.pid

    assert azurite.start() == connection_string
    assert accepts_tcp(port)


def test_starting_twice_is_starting_once(azurite: Azurite) -> None:
    azurite.start()
    pid = azurite.pid

    azurite.start()

    assert azurite.pid == pid


def test_a_store_that_is_not_installed_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run `make setup`"):
        Azurite(tmp_path / "tables", package=tmp_path).start()


def test_the_lock_pins_the_emulator_and_names_no_place_to_get_it_from() -> None:
    lock = (ROOT / "devhost" / "azurite" / "package-lock.json").read_text(encoding="utf-8")

    assert '"azurite": "3.35.0"' in lock
    assert '"resolved"' not in lock
