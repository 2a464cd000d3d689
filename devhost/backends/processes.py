"""Child processes that are ready when asked for, end when asked to, and never outlive their parent."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

LAUNCH = Path(__file__).with_name("launch.py")
LOG_TAIL_LINES = 15

# The parent-death signal follows the *thread* that started the child, not the process (prctl(2)). A worker thread
# that ends would take its children with it, so all of them are started by one thread that lives as long as we do.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawn")


class NotReady(RuntimeError):
    """A child ended, or ran out of time, before it was ready; the message carries the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user and group of this machine, by number."""

    uid: int
    gid: int


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    on_parent_death: Signals = signal.SIGTERM,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own and return its process.

    The session keeps a Ctrl-C at the terminal away from the child, so that the caller ends children in its own order.
    When the caller dies in any way, `kill -9` included, the kernel sends `on_parent_death` to the child (Linux); this
    holds from the return on, even for a child that is frozen at once.
    Output goes to `log`, which is opened with the caller's rights and appended to; `account` needs root.
    `keep_open` are descriptors that the child inherits under the same numbers.
    Raises FileNotFoundError when the program does not exist.
    """
    program = shutil.which(str(argv[0]))
    if program is None:
        raise FileNotFoundError(f"no such program: {argv[0]}")
    log.parent.mkdir(parents=True, exist_ok=True)
    bound, pipe = os.pipe()
    with open(bound, "rb") as bound_child, log.open("ab") as output:
        try:
            process = _STARTER.submit(
                subprocess.Popen,
                [*_launcher(account, on_parent_death, pipe), program, *map(str, argv[1:])],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,
                pass_fds=(*keep_open, pipe),
            ).result()
        finally:
            os.close(pipe)
        bound_child.read()
    return process


def _launcher(account: Account | None, on_parent_death: Signals, pipe: int) -> list[str]:
    uid, gid = ("-", "-") if account is None else (str(account.uid), str(account.gid))
    own = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(on_parent_death))]
    return [*own, uid, gid, str(pipe), "--"]


def free_port() -> int:
    """Return a loopback TCP port that was free a moment ago; another process may take it before it is used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts_tcp(port: int) -> bool:
    """Return whether something on loopback accepts a connection on `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_ready(
    is_ready: Callable[[], bool], *, process: subprocess.Popen[bytes], log: Path, what: str, deadline_s: float
) -> None:
    """Return as soon as `is_ready()` answers true.

    Raises NotReady when the process ends first or `deadline_s` passes.
    """
    ends_at = time.monotonic() + deadline_s
    while not is_ready():
        if (code := process.poll()) is not None:
            raise NotReady(f"{what} ended with code {code}:\n{log_tail(log)}")
        if time.monotonic() > ends_at:
            raise NotReady(f"{what} was not ready after {deadline_s:g} s:\n{log_tail(log)}")
        time.sleep(0.02)


def log_tail(log: Path) -> str:
    """Return the last lines of a log, or an empty text when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])


def end(process: subprocess.Popen[bytes], *, first: Signals, grace_s: float) -> int:
    """Ask the process to end with the signal `first`, kill it after `grace_s`, and return its exit code.

    A code below zero is minus the signal that ended it, as in `subprocess`.
    """
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)  # a frozen process would not see the request
        process.send_signal(first)
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
