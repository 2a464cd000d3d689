"""The faults of the stores do what they say: what is lost is lost, what is kept is kept, and a full disk refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from azure.data.tables import TableClient

from devhost.chaos.crew import Crew
from devhost.chaos.database import HAS_LIMITS, REPLICATION, ReplicatedPostgres
from devhost.chaos.links import Links
from devhost.chaos.tables import RestorableTables
from devhost.lab.layout import Layout


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    layout = Layout(folder=tmp_path)
    layout.prepare(keep=False)
    crew = Crew(layout)
    yield crew
    crew.end_everything()


@pytest.fixture
def database(tmp_path: Path, crew: Crew) -> Iterator[ReplicatedPostgres]:
    with Links() as links:
        database = ReplicatedPostgres(tmp_path / "data", crew, links)
        database.start()
        database.add_standby(links.port(REPLICATION))
        with database.connect() as connection:
            connection.execute("create table kept (word text)")
        yield database
        database.stop()


def write(database: ReplicatedPostgres, word: str) -> None:
    with database.connect() as connection:
        connection.execute("insert into kept values (%s)", [word])


def words(database: ReplicatedPostgres) -> set[str]:
    with database.connect() as connection:
        return {row[0] for row in connection.execute("select word from kept").fetchall()}


def test_a_failover_loses_what_the_standby_lacked_and_nothing_else(database: ReplicatedPostgres) -> None:
    write(database, "before")
    since_ns = database.let_standby_lag()
    write(database, "lost")
    assert words(database) == {"before", "lost"}
    assert database.fail_over() > since_ns
    write(database, "after")
    assert words(database) == {"before", "after"}


def test_a_killed_server_has_kept_every_commit(database: ReplicatedPostgres) -> None:
    write(database, "committed")
    database.restart_killed()
    assert words(database) == {"committed"}


def test_a_full_disk_refuses_what_does_not_fit_until_there_is_room(database: ReplicatedPostgres) -> None:
    if not HAS_LIMITS:  # not on Linux: the fault is never drawn
        with pytest.raises(OSError, match="cannot be filled"):
            database.fill_disk()
        return
    database.fill_disk()
    with pytest.raises(psycopg.Error), database.connect() as connection:
        connection.execute("insert into kept select md5(n::text) from generate_series(1, 50000) as n")
    database.free_disk()
    write(database, "room")
    assert words(database) == {"room"}


def test_restored_tables_have_what_was_there_when_they_were_copied(tmp_path: Path, crew: Crew) -> None:
    tables = RestorableTables(tmp_path / "data", crew)
    rows(tables.start()).create_table()
    insert(tables, "old")
    tables.copy()
    insert(tables, "new")
    assert keys(tables) == {"old", "new"}
    tables.restore()
    assert keys(tables) == {"old"}
    tables.stop()


def rows(connection_string: str) -> TableClient:
    return TableClient.from_connection_string(connection_string, "words")


def insert(tables: RestorableTables, key: str) -> None:
    with rows(tables.connection_string) as table:
        table.create_entity({"PartitionKey": "p", "RowKey": key})


def keys(tables: RestorableTables) -> set[str]:
    with rows(tables.connection_string) as table:
        return {str(row["RowKey"]) for row in table.list_entities()}
