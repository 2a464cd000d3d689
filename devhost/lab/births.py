"""Name processes so that a recycled process id is never mistaken for the process it once was."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One process of a lab: its part's name, number and birth, and the signal that asks it to end."""

    name: str
    pid: int
    birth: str
    first: int = signal.SIGTERM

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs."""
        return birth_of(self.pid) == self.birth

    def send(self, number: int) -> bool:
        """Send a signal to exactly this process; return whether it was there to get it."""
        if not self.alive:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def as_json(self) -> dict[str, str | int]:
        """Return it as the members of a JSON object, which `Named(**members)` reads back."""
        return asdict(self)


def name_process(name: str, pid: int, *, first: int = signal.SIGTERM) -> Named:
    """Return the record of a process that runs now; one that has ended already gets a birth that nothing matches."""
    return Named(name=name, pid=pid, birth=birth_of(pid) or "ended", first=int(first))


def birth_of(pid: int) -> str | None:
    """Return when a process was born, as a text that no other process of the same number shares; None if it is gone.

    On Linux the birth is in clock ticks since this boot of the machine (proc(5), `starttime`), which no change of the
    clock moves. A zombie counts as gone: it does nothing any more.
    """
    if platform.system() == "Linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, *rest = stat[stat.rindex(")") + 2 :].split()  # the name before it may hold spaces and parentheses
        return None if state in "ZX" else f"{_boot()}:{rest[18]}"
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.NoSuchProcess:
        return None


def end_all(processes: Iterable[Named], *, grace_s: float) -> list[Named]:
    """Ask every process that still runs to end, kill those that have not after `grace_s`, and return those it ended."""
    ended = [process for process in processes if process.alive]
    for process in ended:
        process.send(signal.SIGCONT)  # a frozen process would not see the request
        process.send(process.first)
    wait_until_gone(ended, within_s=grace_s)
    for process in ended:
        process.send(signal.SIGKILL)
    wait_until_gone(ended, within_s=2.0)
    return ended


def wait_until_gone(processes: Iterable[Named], *, within_s: float) -> bool:
    """Return whether all of them ended before `within_s` was over."""
    gives_up_at = time.monotonic() + within_s
    left = [process for process in processes if process.alive]
    while left and time.monotonic() < gives_up_at:
        time.sleep(POLL_S)
        left = [process for process in left if process.alive]
    return not left


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
