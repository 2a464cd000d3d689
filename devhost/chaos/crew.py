"""The processes of a chaos run: started, killed, frozen, and written down so that none outlives the run."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import Signals
from typing import Any

from devhost.backends.processes import NotReady, log_tail
from devhost.lab.births import Named, end_all, name_process, wait_until_gone
from devhost.lab.children import Children, Program
from devhost.lab.layout import ROOT, Layout, read_json, write_json
from devhost.lab.settings import clean_environment

POLL_S = 0.02
DIES_WITHIN_S = 5.0
GRACE_S = 3.0


def python_program(name: str, *words: str | Path, extra: Mapping[str, str] | None = None) -> Program:
    """Return how a Python part is started; it dies with the supervisor even while it is frozen."""
    return Program(
        name=name,
        argv=(sys.executable, "-u", *map(str, words)),
        env={**clean_environment(os.environ), **(extra or {})},
        cwd=ROOT,
        on_parent_death=signal.SIGKILL,
    )


class Crew:
    """Every process of a run by the name of its part. Safe to use from several threads.

    `run.json` names them all by process id and birth, so that the next run ends what a killed one could not.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.RLock()
        self._children = Children(layout, on_change=self._write_down)

    def start(self, program: Program) -> Named:
        """Start a part."""
        with self._lock:
            self._children.exit_code(program.name)  # collects the one before, if there was one
            return self._children.start(program)

    def adopt(self, name: str, pid: int, *, first: Signals) -> Named:
        """Write down a process that a store has started for itself."""
        with self._lock:
            return self._children.adopt(name, pid, first=first)

    def find(self, name: str) -> Named | None:
        """Return the process of a part while it runs, else None."""
        with self._lock:
            return self._children.find(name)

    def exit_code(self, name: str) -> int | None:
        """Return the code a part ended with; None while it runs."""
        with self._lock:
            return self._children.exit_code(name)

    def readiness(self, name: str) -> dict[str, Any]:
        """Return what a part has written into its ready file; empty before it has."""
        return read_json(self._layout.ready_file(name))

    def ready(self, name: str, *, within_s: float) -> dict[str, Any]:
        """Return that content as soon as it is there. Raises NotReady when the part ends first or takes too long."""
        gives_up_at = time.monotonic() + within_s
        while not (content := self.readiness(name)):
            with self._lock:
                self._children.raise_if_ended(name)
            if time.monotonic() > gives_up_at:
                raise NotReady(f"{name} was not ready after {within_s:g} s:\n{log_tail(self._layout.log(name))}")
            time.sleep(POLL_S)
        return content

    def signal(self, name: str, number: int) -> bool:
        """Send a signal to a part; return whether it was there to get it."""
        found = self.find(name)
        return found is not None and found.send(number)

    def kill(self, name: str) -> bool:
        """End a part as `kill -9` does; return whether it ran."""
        found = self.find(name)
        if found is None or not found.send(signal.SIGKILL):
            return False
        wait_until_gone([found], within_s=DIES_WITHIN_S)
        self.exit_code(name)
        return True

    def end(self, names: Sequence[str]) -> None:
        """Ask parts to end, and kill those that do not; the order of the names does not matter."""
        with self._lock:
            wanted = [named for named in self._children.named() if named.name in names]
        end_all(wanted, grace_s=GRACE_S)
        for named in wanted:
            self.exit_code(named.name)

    def end_everything(self) -> None:
        """End every part at once and forget the run."""
        with self._lock:
            self.end([named.name for named in self._children.named()])
        self._layout.run_file.unlink(missing_ok=True)

    def _write_down(self) -> None:
        content = {
            "supervisor": name_process("supervisor", os.getpid()).as_json(),
            "children": [named.as_json() for named in self._children.named()],
        }
        write_json(self._layout.run_file, content)
