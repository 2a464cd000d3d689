"""The history of a run: append-only JSON lines, one file per writer, on the machine's one monotonic clock."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Record:
    """Appends events to a file. A process that is killed right after `note` has written them."""

    def __init__(self, file: Path, **who: str) -> None:
        """`who` becomes part of every line."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._who = who
        self._lock = threading.Lock()

    def note(self, kind: str, **members: Any) -> None:
        """Append one event, stamped now unless it has stamps of its own. Raises OSError."""
        stamps = {"at_ns": time.monotonic_ns(), "at": datetime.now(UTC).isoformat()}
        line = json.dumps({"kind": kind, **stamps, **self._who, **members}, separators=(",", ":"))
        with self._lock:
            os.write(self._descriptor, line.encode() + b"\n")


def read_history(folder: Path) -> list[Line]:
    """Return every event of a run, in the order of their stamps; a line cut short by a kill is left out."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in _lines(file)]
    return sorted(lines, key=lambda line: int(line["at_ns"]))


def _lines(file: Path) -> Iterator[Line]:
    with file.open("rb") as source:
        for raw in source:
            if raw.endswith(b"\n"):
                yield json.loads(raw)
