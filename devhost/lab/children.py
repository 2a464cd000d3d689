"""The processes of a lab: started, watched, ended, and written down the moment any of it happens."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any

from devhost.backends.processes import NotReady, log_tail, spawn
from devhost.lab.births import Named, end_all, name_process
from devhost.lab.layout import Layout, read_json

POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How one part is started. Its output goes to the log of its name."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    first: Signals = signal.SIGTERM  # what asks it to end
    on_parent_death: Signals = signal.SIGTERM


class Children:
    """Every process of a lab by the name of its part, those that ended unasked included until started again."""

    def __init__(self, layout: Layout, *, on_change: Callable[[], None]) -> None:
        """Begin with none; `on_change` is called after every start and end."""
        self._layout = layout
        self._on_change = on_change
        self._named: dict[str, Named] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def named(self) -> list[Named]:
        """Return every process known, running or not."""
        return list(self._named.values())

    def find(self, name: str) -> Named | None:
        """Return the process of a part while it runs, else None."""
        found = self._named.get(name)
        return found if found is not None and found.alive else None

    def start(self, program: Program) -> Named:
        """Start a part and return its process; a ready file of an earlier one is removed first."""
        self._layout.ready_file(program.name).unlink(missing_ok=True)
        process = spawn(
            program.argv,
            log=self._layout.log(program.name),
            cwd=program.cwd,
            env=program.env,
            on_parent_death=program.on_parent_death,
        )
        self._processes[program.name] = process
        return self.adopt(program.name, process.pid, first=program.first)

    def adopt(self, name: str, pid: int, *, first: Signals) -> Named:
        """Write down a process that somebody else started for the lab."""
        named = name_process(name, pid, first=first)
        self._named[name] = named
        self._on_change()
        return named

    async def ready(self, name: str, *, within_s: float) -> dict[str, Any]:
        """Return what a part wrote into its ready file, as soon as it did.

        Raises NotReady, with the end of its log, when it ends first or takes too long.
        """
        gives_up_at = asyncio.get_running_loop().time() + within_s
        file, log = self._layout.ready_file(name), self._layout.log(name)
        while not file.exists():
            self.raise_if_ended(name)
            if asyncio.get_running_loop().time() > gives_up_at:
                raise NotReady(f"{name} was not ready after {within_s:g} s:\n{log_tail(log)}")
            await asyncio.sleep(POLL_S)
        return read_json(file)

    def raise_if_ended(self, name: str) -> None:
        """Raise NotReady, with the end of its log, if a part that was started has ended."""
        code = self.exit_code(name)
        if code is not None:
            said = log_tail(self._layout.log(name)).replace("\\n", "\n")  # the host folds a stack into one line
            raise NotReady(f"{name} ended with code {code}:\n{said}")

    def exit_code(self, name: str) -> int | None:
        """Return the code a part ended with (below zero: minus a signal); None while it runs or if it is not ours."""
        process = self._processes.get(name)
        return None if process is None else process.poll()

    def forget(self, name: str) -> None:
        """Take a part that has ended off the list."""
        self._named.pop(name, None)
        self._processes.pop(name, None)
        self._on_change()

    async def end(self, names: Sequence[str], *, grace_s: float) -> None:
        """End some parts at once and take them off the list; what has not ended after `grace_s` is killed."""
        wanted = [self._named[name] for name in names if name in self._named]
        await asyncio.to_thread(end_all, wanted, grace_s=grace_s)
        for named in wanted:
            process = self._processes.get(named.name)
            if process is not None:
                process.poll()
            self.forget(named.name)
