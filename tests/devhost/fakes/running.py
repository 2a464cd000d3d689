"""Start a fake as the lab does, as a process of its own, and end it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devhost.backends.processes import end, spawn, wait_until_ready

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def running(module: str, arguments: Sequence[str | Path], folder: Path) -> Iterator[dict[str, str]]:
    """Give what the fake wrote into its ready file; the fake has ended when this is left."""
    ready_file, log = folder / "ready.json", folder / "fake.log"
    ready_file.unlink(missing_ok=True)
    process = spawn([sys.executable, "-m", module, "--ready-file", ready_file, *arguments], log=log, cwd=ROOT)
    try:
        wait_until_ready(ready_file.exists, process=process, log=log, what=module, deadline_s=20)
        yield json.loads(ready_file.read_text(encoding="utf-8"))
    finally:
        code = end(process, first=signal.SIGTERM, grace_s=10)
    assert code == 0, log.read_text(encoding="utf-8")
