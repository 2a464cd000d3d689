"""PostgreSQL with an asynchronous standby: killed, filled up, and failed over to the standby's older state."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg

from devhost.backends.postgres import Postgres
from devhost.backends.postgres_data import DataDirectoryUnusable
from devhost.backends.processes import NotReady
from devhost.chaos.crew import Crew
from devhost.chaos.links import Links
from devhost.fakes.fault_proxy import Hold

PRIMARY, STANDBY = "postgres", "postgres-standby"
REPLICATION = "standby>postgres"
DATABASE_LINK = ">database"
CAUGHT_UP_WITHIN_S = 10.0
PROMOTED_WITHIN_S = 20.0
STARTED_WITHIN_S = 30.0
POLL_S = 0.02
FULL_BYTES = 64 << 10  # no file grows beyond this while the disk is "full"; a log segment passes it within seconds
HAS_LIMITS = hasattr(resource, "prlimit")
LIMITER = Path(__file__).with_name("file_limit.py")


class ReplicatedPostgres:
    """One primary and, between failovers, one standby that follows it. Use from one thread at a time."""

    def __init__(self, folder: Path, crew: Crew, links: Links) -> None:
        self._folder, self._crew, self._links = folder, crew, links
        self._copies = 1
        self._primary = Postgres(folder / f"postgres-{self._copies}")
        self._standby: Postgres | None = None
        self._is_up = threading.Event()

    @property
    def port(self) -> int:
        """Where the primary listens; 0 while there is none."""
        return self._primary.port if self._is_up.is_set() else 0

    @property
    def has_standby(self) -> bool:
        """Whether there is something to fail over to."""
        return self._standby is not None

    def connect(self) -> psycopg.Connection:
        """Return a new connection to the primary, past every link. Raises psycopg.Error."""
        return psycopg.connect(self._primary.dsn(), autocommit=True, connect_timeout=5)

    def start(self) -> str:
        """Start the primary and return its connection string."""
        url = self._primary.start()
        self._up()
        self._links.open(REPLICATION, lambda: self.port)
        return url

    def add_standby(self, through_port: int) -> None:
        """Let a copy follow the primary by way of a link's port. Raises NotReady, DataDirectoryUnusable."""
        self._copies += 1
        standby = self._primary.copy_to(self._folder / f"postgres-{self._copies}", through_port=through_port)
        standby.start()
        self._crew.adopt(STANDBY, standby.pid, first=signal.SIGINT)
        self._standby = standby

    def restart_killed(self) -> None:
        """End the primary as `kill -9` of all its processes does, and start it again on the same data."""
        self._down()
        self._primary.kill()
        self._start_again()

    def let_standby_lag(self) -> int:
        """Cut the standby off and return an instant (monotonic, ns) up to which it has everything.

        Raises NotReady when it does not catch up in time.
        """
        synced_ns = time.monotonic_ns()
        with self.connect() as primary:
            row = primary.execute("select pg_current_wal_insert_lsn()::text").fetchone()
        assert row is not None
        self._wait_for_standby(row[0])
        self._links.break_(REPLICATION, Hold())
        return synced_ns

    def fail_over(self) -> int:
        """Kill the primary, let the standby go on from what it has, and return when (ns) the primary was dead.

        What the old primary committed since `let_standby_lag` is gone for good. Raises NotReady.
        """
        assert self._standby is not None
        self._down()
        self._primary.kill()
        for link in self._links.names():
            if link.endswith(DATABASE_LINK):
                self._links.reset_connections(link)  # a backend that has not noticed yet hears nothing more
        killed_ns = time.monotonic_ns()
        standby, self._standby = self._standby, None
        with psycopg.connect(standby.dsn(), autocommit=True, connect_timeout=5) as connection:
            promoted = connection.execute("select pg_promote(true, %s)", [int(PROMOTED_WITHIN_S)]).fetchone()
        if not promoted or not promoted[0]:
            raise NotReady("the standby was not promoted")
        self._primary = standby
        self._up()
        self._links.reset_connections(REPLICATION)  # what hung in it was meant for the old primary
        self._links.heal(REPLICATION)
        return killed_ns

    def drop_standby(self) -> None:
        """End the standby and forget its data and that of former primaries."""
        standby, self._standby = self._standby, None
        if standby is not None:
            standby.stop()
        kept = self._primary.data_dir
        for folder in self._folder.glob("postgres-*"):
            if folder.is_dir() and folder != kept:
                shutil.rmtree(folder, ignore_errors=True)

    def renew_standby(self, through_port: int) -> None:
        """Replace the standby by a fresh copy. One that cannot be made now is made at the next opportunity."""
        self.drop_standby()
        try:
            self.add_standby(through_port)
        except (NotReady, DataDirectoryUnusable, OSError):
            self.drop_standby()

    def fill_disk(self) -> None:
        """Let every write beyond the first pages of a file fail, as on a full disk.

        PostgreSQL ignores SIGXFSZ for exactly this purpose (`postmaster.c`): to it such a file is a full disk. New
        connections inherit the limit. Raises OSError.
        """
        self._limit(str(FULL_BYTES))

    def free_disk(self) -> None:
        """Let writes succeed again; the server is started again if it has given up."""
        self._limit("-")
        self.revive()

    def revive(self) -> None:
        """Start the primary again if it does not answer. Raises NotReady."""
        if not self._answers():
            self._down()
            self._primary.stop()
            self._start_again()

    def stop(self) -> None:
        """End both servers."""
        self._is_up.clear()
        for server in (self._standby, self._primary):
            if server is not None:
                server.stop()

    def _start_again(self) -> None:
        """Start the primary; what a killed one has left may be in the way for a while. Raises NotReady."""
        gives_up_at_s = time.monotonic() + STARTED_WITHIN_S
        while True:
            try:
                self._primary.start()
            except NotReady:
                if time.monotonic() > gives_up_at_s:
                    raise
            else:
                return self._up()

    def _up(self) -> None:
        self._crew.adopt(PRIMARY, self._primary.pid, first=signal.SIGINT)
        self._is_up.set()

    def _down(self) -> None:
        self._is_up.clear()

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._primary.dsn(), autocommit=True, connect_timeout=2) as connection:
                connection.execute("create temporary table room (x int)")
        except psycopg.Error:
            return False
        return True

    def _wait_for_standby(self, position: str) -> None:
        assert self._standby is not None
        gives_up_at_s = time.monotonic() + CAUGHT_UP_WITHIN_S
        with psycopg.connect(self._standby.dsn(), autocommit=True, connect_timeout=5) as standby:
            while time.monotonic() < gives_up_at_s:
                row = standby.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", [position]).fetchone()
                if row is not None and row[0]:
                    return
                time.sleep(POLL_S)
        raise NotReady("the standby does not catch up")

    def _limit(self, largest: str) -> None:
        owner = self._primary.data_dir.stat()
        who = (str(owner.st_uid), str(owner.st_gid))
        command = [sys.executable, "-I", "-S", str(LIMITER), *who, largest, *map(str, self._processes())]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(f"the disk cannot be filled: {done.stderr.strip()}")

    def _processes(self) -> Iterator[int]:
        try:
            postmaster = psutil.Process(self._primary.pid)
            yield postmaster.pid
            yield from (child.pid for child in postmaster.children(recursive=True))
        except (psutil.NoSuchProcess, RuntimeError):
            return
