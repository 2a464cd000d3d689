"""Ending processes that a dead supervisor wrote down."""

import signal
from dataclasses import replace

from devhost.lab.births import birth_of, end_all, name_process
from tests.devhost.lab.running import SLEEPS, running

IGNORES = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def test_a_recycled_process_id_is_never_signalled() -> None:
    with running(SLEEPS) as process:
        stranger = replace(name_process("host", process.pid), birth="of the process that had this number before")
        assert not stranger.alive
        assert not stranger.send(signal.SIGKILL)
        assert end_all([stranger], grace_s=0.1) == []
        assert process.poll() is None


def test_a_process_keeps_its_birth_for_life_and_loses_it_when_it_ends() -> None:
    with running(SLEEPS) as process:
        named = name_process("host", process.pid)
        assert birth_of(process.pid) == named.birth
        process.kill()
        process.wait()
        assert not named.alive
        assert birth_of(process.pid) is None


def test_a_zombie_counts_as_gone() -> None:
    with running(SLEEPS) as process:
        named = name_process("host", process.pid)
        assert end_all([named], grace_s=5.0) == [named]
        assert not named.alive
        assert process.returncode is None  # nobody has waited for it yet


def test_a_process_that_ignores_the_request_is_killed_after_the_grace_time() -> None:
    with running(IGNORES) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "deaf\n"
        end_all([name_process("host", process.pid)], grace_s=0.1)
        assert process.wait(5) == -signal.SIGKILL


def test_a_frozen_process_is_woken_so_that_it_can_end() -> None:
    with running(SLEEPS) as process:
        process.send_signal(signal.SIGSTOP)
        end_all([name_process("gateway", process.pid)], grace_s=5.0)
        assert process.wait(5) == -signal.SIGTERM


def test_two_processes_of_one_machine_never_share_a_birth_and_a_number() -> None:
    with running(SLEEPS) as one, running(SLEEPS) as other:
        assert (one.pid, birth_of(one.pid)) != (other.pid, birth_of(other.pid))
