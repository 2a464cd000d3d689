"""What a run tells while it goes on: one line per fault and hand-over, and the same into the history."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from devhost.chaos.record import Record


class Told:
    """Counts, prints and records faults. Safe to use from several threads."""

    def __init__(self, record: Record, write: Callable[[str], None]) -> None:
        self.record = record
        self.faults: Counter[str] = Counter()
        self._write = write
        self._began_s = time.monotonic()
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Print one line with the time since the start."""
        with self._lock:
            self._write(f"{time.monotonic() - self._began_s:7.1f} s  {text}")

    @contextmanager
    def fault(self, kind: str, target: str, **members: Any) -> Iterator[None]:
        """Count a fault, and say when it begins; its end goes into the history alone."""
        self.once(kind, target, **members)
        try:
            yield
        finally:
            self.record.note("fault.ended", fault=kind, target=target)

    def once(self, kind: str, target: str, **members: Any) -> None:
        """Count a fault that is over as soon as it has happened."""
        with self._lock:
            self.faults[kind] += 1
        self.record.note("fault", fault=kind, target=target, **members)
        self.say(f"fault    {kind}: {target}" + "".join(f", {name} {value}" for name, value in members.items()))
