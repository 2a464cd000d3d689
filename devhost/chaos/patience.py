"""Who has to wait for whom while a lost authority is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Patience:
    """Lets one fault be alone, and operators wait before they restore an authority."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._busy = 0
        self._is_alone = False
        self._until_s = 0.0

    def hold(self, for_s: float) -> None:
        """Let nobody restore an authority for so long."""
        self._until_s = time.monotonic() + for_s

    def wait(self) -> None:
        """Wait until an authority may be restored."""
        time.sleep(max(0.0, self._until_s - time.monotonic()))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold off while somebody wants to be alone; others may be here at the same time."""
        with self._free:
            self._free.wait_for(lambda: not self._is_alone)
            self._busy += 1
        try:
            yield
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else is here, and let nobody in."""
        with self._free:
            self._free.wait_for(lambda: not self._is_alone)
            self._is_alone = True
            self._free.wait_for(lambda: self._busy == 0)
        try:
            yield
        finally:
            with self._free:
                self._is_alone = False
                self._free.notify_all()
