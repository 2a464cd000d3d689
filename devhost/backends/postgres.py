"""A real PostgreSQL on loopback, started from the machine's programs or from those of a Python package."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from devhost.backends.postgres_copy import copy_as_standby
from devhost.backends.postgres_data import (
    ENVIRONMENT,
    SUPERUSER,
    account_for,
    initialise,
    made_with,
    opened,
    read_password,
)
from devhost.backends.postgres_programs import Programs, copy_for, find_programs, reachable
from devhost.backends.processes import Account, NotReady, end, free_port, spawn, wait_until_ready

START_DEADLINE_S = 30.0  # a tenth of a second when idle; recovery after a kill replays the log first
RETRY_S = 3.0  # after a kill, backends of the killed server hold its memory until they notice, up to 2 s later
STOP_GRACE_S = 10.0
CHILDREN_GONE_WITHIN_S = 5.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a checkout's path may exceed the 107 bytes that a socket's path can have
    "max_connections": "200",
    # Commits survive `kill -9` of every process: they are in the kernel's cache. Only a crash of the machine loses
    # them.
    "fsync": "off",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """One database server: its data directory, its port, and while it runs its process.

    From start to stop and start again it keeps port, data and password. It ends with its parent, however that ends.
    """

    def __init__(self, data_dir: Path, port: int = 0, *, programs: Programs | None = None) -> None:
        """Prepare, start nothing. Port 0 means any free one; `programs` are looked for when not given."""
        self._data_dir = data_dir.absolute()
        self._port = port
        self._programs = programs
        self._copy: Path | None = None
        self._log = self._data_dir.with_name(f"{self._data_dir.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server. Raises RuntimeError when it is not running."""
        return self._running().pid

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the first start if any free one was asked for."""
        return self._port

    @property
    def data_dir(self) -> Path:
        """Where its data is."""
        return self._data_dir

    def dsn(self, database: str = "postgres") -> str:
        """Return the connection string of a database, as superuser, password included."""
        return f"postgresql://{SUPERUSER}:{read_password(self._data_dir)}@127.0.0.1:{self._port}/{database}"

    def start(self) -> str:
        """Start the server, the first time on a new data directory, wait until it answers, and return its `dsn()`.

        Raises NoPostgres without programs, DataDirectoryUnusable, and NotReady when the server does not come up.
        """
        if self._process is not None and self._process.poll() is None:
            return self.dsn()
        account = account_for(self._data_dir)
        made_by = made_with(self._data_dir)
        folder = self._folder_for(self._programs or find_programs(major=made_by), account)
        if made_by is None:
            initialise(self._data_dir, folder=folder, account=account, log=self._log)
        self._port = self._port or free_port()
        gives_up_at = time.monotonic() + RETRY_S
        while True:
            self._remove_misleading_pid_file()
            try:
                self._launch(folder, account)
                return self.dsn()
            except NotReady:
                if time.monotonic() > gives_up_at:
                    self.stop()
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        """Break off open transactions, save everything and end; does nothing when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            end(process, first=signal.SIGINT, grace_s=STOP_GRACE_S)
        if self._copy is not None:
            shutil.rmtree(self._copy)
            self._copy = None

    def kill(self) -> None:
        """End it as `kill -9` does: nothing is saved or said, and committed transactions are kept all the same."""
        process, self._process = self._running(), None
        # Its children notice its death at their next wait, and one that is busy would answer its client until then.
        processes = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(processes, timeout=CHILDREN_GONE_WITHIN_S)

    def copy_to(self, data_dir: Path, *, through_port: int) -> Postgres:
        """Make a copy in `data_dir` that follows this server as an asynchronous standby once it is started.

        It copies and follows by way of `through_port` on loopback, where a proxy may stand. Raises
        DataDirectoryUnusable when the directory is not empty or the copy fails.
        """
        account = account_for(self._data_dir)
        folder = self._folder_for(self._programs or find_programs(major=made_with(self._data_dir)), account)
        source = f"host=127.0.0.1 port={through_port} user={SUPERUSER} application_name={data_dir.name}"
        copy_as_standby(data_dir, folder=folder, account=account, source=source, password=read_password(self._data_dir))
        return Postgres(data_dir, programs=self._programs)

    def clone_database(self, template: str, name: str) -> str:
        """Copy the database `template`, to which nobody may be connected, and return the `dsn()` of the copy.

        Takes some ten milliseconds for a small schema. Raises psycopg.errors.DuplicateDatabase or ObjectInUse.
        """
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Remove a database if it exists, and end the connections to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn(), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)

    def _folder_for(self, programs: Programs, account: Account | None) -> Path:
        """Return where `account` finds the programs: where they are or, out of its reach, in a copy."""
        if account is None or reachable(programs.folder, account):
            return programs.folder
        if self._copy is None:
            self._copy = copy_for(programs)
        assert programs.bundle is not None
        return self._copy / programs.folder.relative_to(programs.bundle)

    def _launch(self, folder: Path, account: Account | None) -> None:
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with opened(self._data_dir, account) as directory:
            self._process = spawn(
                [folder / "postgres", "-D", directory.name, f"--port={self._port}", *settings],
                log=self._log,
                cwd=Path("/"),
                env=ENVIRONMENT,
                account=account,
                on_parent_death=signal.SIGINT,
                keep_open=directory.keep_open,
            )
        wait_until_ready(
            self._answers, process=self._process, log=self._log, what="PostgreSQL", deadline_s=START_DEADLINE_S
        )

    def _answers(self) -> bool:
        """Return whether the server on our port lets us in with our password, which no other server does."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _remove_misleading_pid_file(self) -> None:
        """Remove `postmaster.pid` if the process it names is no living PostgreSQL.

        The server clears up after a killed one by itself, unless that number is somebody else's by now, or still that
        of the dead process because nobody has collected its exit code (containers often have no `init` that would).
        """
        file = self._data_dir / "postmaster.pid"
        try:
            pid = int(file.read_text(encoding="ascii").partition("\n")[0])
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
                file.unlink()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("PostgreSQL is not running")
        return self._process
