"""The function host as the platform keeps it: whenever it dies, another takes over at once, on the same journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devhost.backends.processes import end, log_tail, spawn

ROOT = Path(__file__).resolve().parents[3]
HOOK = "devhost.lab.crashing:install"
DIES_WITHIN_S = 30.0
SERVES_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The end of one host process; `code` is minus the signal that ended it."""

    pid: int
    code: int


class KeptHost:
    """The host, its crash file, and everything it has died of. Safe to use from several threads."""

    def __init__(self, folder: Path, *, port: int, settings: Mapping[str, str]) -> None:
        self.log = folder / "host.log"
        self.deaths: list[Death] = []
        self._crash_file = folder / "crash.json"
        self._ready_file = folder / "ready.json"
        self._settings = settings
        self._arguments: list[str | Path] = [
            *("--app", ROOT, "--port", str(port)),
            *("--journal", folder / "journal.sqlite", "--ready-file", self._ready_file),
            *("--crash-file", self._crash_file, "--prepare", HOOK),
        ]
        self._changed = threading.Condition()
        self._pid: int | None = None
        self._keeper = threading.Thread(target=self._keep, name="platform", daemon=True)
        self._nursery: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it serves."""
        self._keeper.start()
        self.wait_until_it_serves()

    def stop(self) -> None:
        """End it for good."""
        with self._changed:
            if self._pid is not None:
                os.kill(self._pid, signal.SIGTERM)
        if self._keeper.is_alive():
            self._keeper.join(10)
        if self._nursery is not None:
            end(self._nursery, first=signal.SIGTERM, grace_s=5)

    def doom(self, crash: Mapping[str, object]) -> int:
        """Put the crash file in place, whole, and return how many deaths there were before."""
        deaths = len(self.deaths)
        part = self._crash_file.with_suffix(".part")
        part.write_text(json.dumps(crash), encoding="utf-8")
        part.replace(self._crash_file)
        return deaths

    def pardon(self) -> None:
        """Take a crash file away that nothing has died of."""
        self._crash_file.unlink(missing_ok=True)

    def next_death(self, deaths: int) -> Death | None:
        """Return the first death after that many, or None when nothing dies in time."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.deaths) > deaths, DIES_WITHIN_S)
            return self.deaths[deaths] if len(self.deaths) > deaths else None

    def wait_until_it_serves(self) -> int:
        """Return the process id of a host that serves."""
        gives_up_at = time.monotonic() + SERVES_WITHIN_S
        while (pid := self._served_by()) is None:
            kept = self._keeper.is_alive() and time.monotonic() < gives_up_at
            assert kept, f"the host does not serve:\n{log_tail(self.log)}"
            time.sleep(0.01)
        return pid

    def _served_by(self) -> int | None:
        try:
            pid = int(json.loads(self._ready_file.read_text(encoding="utf-8"))["pid"])
        except FileNotFoundError:
            return None
        with self._changed:
            return pid if self._pid == pid else None

    def _keep(self) -> None:
        commands, orders = os.pipe()
        answers, reports = os.pipe()
        argv = (sys.executable, "-u", "-m", "tests.e2e.kills.nursery", str(commands), str(reports), *self._arguments)
        kept = (commands, reports)
        self._nursery = spawn(argv, log=self.log, cwd=ROOT, env=self._settings, keep_open=kept)
        for descriptor in kept:
            os.close(descriptor)
        with open(orders, "w", encoding="ascii", buffering=1) as asking, open(answers, encoding="ascii") as told:
            asking.write("a host\n")
            while pid := told.readline():
                with self._changed:
                    self._pid = int(pid)
                code = int(told.readline() or 0)
                with self._changed:
                    self._pid = None
                    self.deaths.append(Death(pid=int(pid), code=code))
                    self._changed.notify_all()
                if code != -signal.SIGKILL:
                    # It was asked to end, or cannot be hosted at all: another one would not fare better.
                    return
                asking.write("another\n")
