"""Runs of tests and of the simulation in copies of the tree, each in a process of its own that starts warm."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Final

WARM: Final = Path(__file__).with_name("warm.py")
LONGEST_TEST_S: Final = 60


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended, and all it printed."""

    code: int
    output: str


class Runs:
    """As many runs at once as there are warm processes; further ones wait. Use it in a `with` statement."""

    def __init__(self, at_once: int, environment: dict[str, str]) -> None:
        self._environment = environment
        self._processes = [_started() for _ in range(at_once)]
        self._idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        for process in self._processes:
            self._idle.put(process)

    def __enter__(self) -> Runs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.communicate()  # closes its input, which ends it

    def test(self, tests: Sequence[str], tree: Path) -> Run:
        """Run tests of the tree, up to the first red one."""
        # What is warm was imported before pytest could rewrite its assertions; nobody needs them.
        warm = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        options = ["--maxfail=1", "--tb=short", f"--timeout={LONGEST_TEST_S}", *warm]
        return self._run("tests", [*options, *tests], tree)

    def simulate(self, arguments: Sequence[str], tree: Path) -> Run:
        """Run the tree's simulation."""
        return self._run("simulate", arguments, tree)

    def _run(self, what: str, arguments: Sequence[str], tree: Path) -> Run:
        process = self._idle.get()
        try:
            with tempfile.NamedTemporaryFile(prefix="mutant-run-") as output:
                order = {
                    "what": what, "arguments": list(arguments), "tree": str(tree), "output": output.name,
                    "environment": self._environment,
                }  # fmt: skip
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
                code = int(process.stdout.readline() or "-1")
                return Run(code, Path(output.name).read_text(encoding="utf-8", errors="replace"))
        finally:
            self._idle.put(process)


def _started() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(WARM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
