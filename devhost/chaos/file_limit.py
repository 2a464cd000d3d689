"""Limit how large files of running processes may grow, with the rights of whoever runs them.

    python -I -S file_limit.py UID GID BYTES PID...

BYTES may be `-`: no limit. A container's root often lacks CAP_SYS_RESOURCE, and then may not touch another account's
processes (prlimit(2)); that account itself may, so the script becomes it first. It runs with `-I -S`, hence imports
nothing but the standard library. Linux only. Exit code 1 when a process could not be limited.
"""

from __future__ import annotations

import os
import resource
import sys


def main(arguments: list[str]) -> int:
    """Limit every process that still runs."""
    uid, gid, largest, *pids = arguments
    if (os.getuid(), os.getgid()) != (int(uid), int(gid)):
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    wanted = resource.RLIM_INFINITY if largest == "-" else int(largest)
    for pid in map(int, pids):
        try:
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (wanted, hard))
        except ProcessLookupError:
            continue  # a backend that has just ended
        except PermissionError as error:
            print(f"process {pid}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
