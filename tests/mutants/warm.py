"""A process that has imported what no mutant changes, and forks for every run: a run starts at once and is on its own.

Started as a file, so that nothing of the project is imported before a run has gone to its own copy of the tree. Reads
one run per line of standard input, as JSON, and answers with its exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

import aiohttp  # noqa: F401
import azure.data.tables  # noqa: F401
import httpx2  # noqa: F401
import hypothesis.strategies  # noqa: F401
import jwt  # noqa: F401
import psutil  # noqa: F401
import psycopg.rows  # noqa: F401
import psycopg_pool  # noqa: F401
import pydantic  # noqa: F401
import pytest
import stamina  # noqa: F401

SIMULATION_S = 100


def run(order: dict[str, Any]) -> int:
    """Be the process of one run, and return its exit code."""
    os.chdir(order["tree"])
    sys.path[0] = order["tree"]
    os.environ.clear()
    os.environ.update(order["environment"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(theirs, ours)
    if order["what"] == "tests":
        return int(pytest.main(order["arguments"]))
    from devhost.simulation.command import simulate

    signal.alarm(SIMULATION_S)
    try:
        simulate(order["arguments"])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def main() -> None:
    """Carry out runs until standard input ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                code = run(json.loads(line))
            finally:
                if sys.exc_info()[0] is not None:
                    traceback.print_exc()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
