"""Children are ready when said to be, and end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from devhost.backends.processes import Account, NotReady, accepts_tcp, end, free_port, spawn, wait_until_ready

ROOT = Path(__file__).resolve().parents[3]
PARENT = """
    import signal, sys, time
    from pathlib import Path
    from devhost.backends.processes import spawn
    child = spawn(["sleep", "300"], log=Path(sys.argv[1]), on_parent_death=signal.Signals(int(sys.argv[2])))
    if sys.argv[2] == "9":
        child.send_signal(signal.SIGSTOP)
    print(child.pid, flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "frozen as soon as started"])
def test_a_killed_parent_leaves_no_child_behind(tmp_path: Path, signal_number: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "log"), str(int(signal_number))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()

    _, alive = psutil.wait_procs([child], timeout=5)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    children: list[subprocess.Popen[bytes]] = []

    def ask_and_leave() -> None:
        children.append(spawn(["sleep", "300"], log=tmp_path / "log"))

    thread = threading.Thread(target=ask_and_leave)
    thread.start()
    thread.join()

    time.sleep(0.5)
    assert children[0].poll() is None
    assert end(children[0], first=signal.SIGTERM, grace_s=5) == -signal.SIGTERM


def test_a_child_is_its_program_as_soon_as_it_is_returned(tmp_path: Path) -> None:
    child = spawn(["sleep", "300"], log=tmp_path / "log")

    assert psutil.Process(child.pid).name() == "sleep"
    end(child, first=signal.SIGTERM, grace_s=5)


def test_a_child_is_in_a_session_of_its_own(tmp_path: Path) -> None:
    child = spawn(["sleep", "300"], log=tmp_path / "log")

    assert os.getsid(child.pid) == child.pid
    end(child, first=signal.SIGTERM, grace_s=5)


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = spawn(["sh", "-c", "trap '' INT; echo deaf; while :; do sleep 0.1; done"], log=log)
    wait_until_ready(lambda: "deaf" in log.read_text(), process=child, log=log, what="sh", deadline_s=5)

    assert end(child, first=signal.SIGINT, grace_s=0.3) == -signal.SIGKILL


def test_a_frozen_child_can_be_ended(tmp_path: Path) -> None:
    child = spawn(["sleep", "300"], log=tmp_path / "log")
    child.send_signal(signal.SIGSTOP)

    assert end(child, first=signal.SIGTERM, grace_s=5) == -signal.SIGTERM


def test_a_child_that_ends_too_early_is_reported_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = spawn(["sh", "-c", "echo the disk is full; exit 3"], log=log)

    with pytest.raises(NotReady, match=r"store ended with code 3:\nthe disk is full"):
        wait_until_ready(lambda: False, process=child, log=log, what="store", deadline_s=10)


def test_a_child_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    child = spawn(["sleep", "300"], log=tmp_path / "log")

    with pytest.raises(NotReady, match=r"not ready after 0\.1 s"):
        wait_until_ready(lambda: False, process=child, log=tmp_path / "log", what="store", deadline_s=0.1)
    end(child, first=signal.SIGTERM, grace_s=5)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        spawn(["no-such-program"], log=tmp_path / "log")


def test_a_child_runs_as_the_account_it_was_given(tmp_path: Path) -> None:
    """Only root can give another account; everybody else can give their own, without supplementary groups."""
    root = os.geteuid() == 0
    account = Account(uid=65534, gid=65534) if root else None
    log = tmp_path / "log"

    assert spawn(["sh", "-c", "id -u; id -G"], log=log, account=account, cwd=Path("/")).wait() == 0

    uid, groups = log.read_text().splitlines()
    assert int(uid) == (65534 if root else os.geteuid())
    assert groups == "65534" if root else str(os.getegid()) in groups.split()


def test_a_free_port_accepts_nobody() -> None:
    assert not accepts_tcp(free_port())
