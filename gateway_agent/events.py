"""Tell a listener what changed, in the order it changed, without ever making the one who tells wait."""

import queue
import threading
from typing import Protocol


class Listener(Protocol):
    """Gets one event at a time, on one thread. It must not raise: one that does hears nothing more."""

    def __call__(self, name: str, /, **fields: object) -> None:
        """Take an event, `lease.lost` for instance, with its fields."""


def deaf(name: str, /, **fields: object) -> None:
    """Listen to nothing."""


class Events:
    """A queue between the agent, which must not be held up in looking at its lease, and a listener that may block."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._queue: queue.SimpleQueue[tuple[str, dict[str, object]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gateway-events", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def tell(self, name: str, /, **fields: object) -> None:
        """Queue an event; returns at once."""
        self._queue.put((name, fields))

    def stop(self, *, within_s: float) -> None:
        """Tell what is queued, for at most `within_s`, and end."""
        self._queue.put(None)
        self._thread.join(within_s)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            name, fields = event
            self._listener(name, **fields)
