"""`python -m devhost.host` with its imports done: `python -m tests.e2e.kills.warm_host DESCRIPTOR ARGUMENTS...`.

It waits for one byte from the descriptor before it takes port and journal, as the platform keeps workers warm to
replace one that died. Nothing comes when the other end is closed: then it was not needed, and ends.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys

SLOW_IMPORTS = (
    "azure.data.tables",
    "azure.identity",
    "azure.mgmt.containerservice",
    "devhost.host.server",
    "devhost.lab.crashing",
    "function_app",
)


def main() -> None:
    """Import, wait, and become the host."""
    for name in SLOW_IMPORTS:
        importlib.import_module(name)
    if os.read(int(sys.argv[1]), 1):
        sys.argv[1:2] = []
        runpy.run_module("devhost.host", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
