"""Makes hosts: `python -m tests.e2e.kills.nursery COMMANDS REPORTS ARGUMENTS...`, with two descriptors of pipes.

For every line of commands it forks a process that becomes `python -m devhost.host ARGUMENTS...`, and reports two: with
its process id and, when it has ended, with its exit code. All imports are done before, as a platform keeps warm
workers: they cost a second of processor time, which seventy hosts need not spend again.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import runpy
import signal
import sys
from typing import NoReturn

IMPORTS = (
    "azure.data.tables",
    "azure.identity",
    "azure.mgmt.containerservice",
    "devhost.host.server",
    "devhost.lab.crashing",
    "function_app",
)
PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Make hosts one after the other until there are no more commands."""
    commands, reports, arguments = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    for name in IMPORTS:
        importlib.import_module(name)
    with open(commands, encoding="ascii") as orders, open(reports, "w", encoding="ascii", buffering=1) as answers:
        for _ in orders:
            pid = os.fork()
            if pid == 0:
                os.closerange(min(commands, reports), max(commands, reports) + 1)
                become_host(arguments)
            answers.write(f"{pid}\n")
            answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")


def become_host(arguments: list[str]) -> NoReturn:
    """Run the host in this process, which ends with it, and no later than the nursery."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    sys.argv = ["devhost.host", *arguments]
    try:
        runpy.run_module("devhost.host", run_name="__main__", alter_sys=True)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
