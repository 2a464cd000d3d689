"""Become another program: give up rights, bind one's life to the parent's, then `exec`.

Run as a script by `processes.spawn`; it stays the same process throughout, so the caller's process id is the
program's. It runs with `-I -S`, hence imports nothing but the standard library.

    python -I -S launch.py PARENT_PID SIGNAL UID GID PIPE -- PROGRAM ARGUMENT...

UID and GID may be `-`: keep the caller's. PIPE is a descriptor that the caller reads at the other end: it closes when
the program takes over, which tells the caller that from here on not even a frozen child outlives it. The order
matters: the kernel forgets the parent-death signal whenever the credentials change, so the signal is asked for after
`setuid` (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def drop_rights(uid: str, gid: str) -> None:
    """Leave the process with exactly this user and group, and no supplementary group."""
    if uid == "-":
        return
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))


def die_with_parent(parent: int, signal_number: int) -> None:
    """Ask the kernel to send `signal_number` when the parent ends; exit at once if it has ended already.

    Elsewhere than on Linux nothing is asked for: there a child of a killed parent has to be ended by hand.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Replace this process by the program named after `--`."""
    parent, signal_number, uid, gid, pipe, separator, *program = arguments
    if separator != "--" or not program:
        raise SystemExit("launch.py PARENT_PID SIGNAL UID GID PIPE -- PROGRAM ARGUMENT...")
    drop_rights(uid, gid)
    die_with_parent(int(parent), int(signal_number))
    os.set_inheritable(int(pipe), False)
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
