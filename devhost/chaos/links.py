"""Every link between the parts of a run, by name, each a proxy that can break it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from devhost.fakes.fault_proxy import BlackHole, DropAnswers, FaultProxy, Mode, Pass, Reset

LOSING = (BlackHole, DropAnswers)  # connections that lived through these have lost bytes


class Links:
    """The links of a run; use it as a context manager. Safe to use from several threads."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._proxies: dict[str, FaultProxy] = {}
        self._broken: dict[str, Mode] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def open(self, name: str, upstream: Callable[[], int]) -> int:
        """Open a link and return its port on loopback; `upstream` says for each connection where it leads (0: down)."""
        proxy = self._stack.enter_context(FaultProxy(upstream))
        self._proxies[name] = proxy
        return proxy.port

    def port(self, name: str) -> int:
        """Return the port of a link."""
        return self._proxies[name].port

    def names(self) -> Sequence[str]:
        """Return the names of all links, in the order they were opened."""
        return list(self._proxies)

    def whole(self) -> Sequence[str]:
        """Return the names of the links that nothing is wrong with."""
        with self._lock:
            return [name for name in self._proxies if name not in self._broken]

    def break_(self, name: str, mode: Mode) -> None:
        """Break a link until it is healed."""
        with self._lock:
            self._broken[name] = mode
        self._proxies[name].set(mode)

    def lose_next_answer(self, name: str, mode: Mode) -> None:
        """Let the next answer on a link be lost; nothing is to be healed afterwards."""
        self._proxies[name].set(mode)

    def heal(self, name: str) -> None:
        """Let everything pass again.

        TCP never goes on after lost bytes: connections that have lost some are reset first, as the peers' own time-outs
        would have done on a real network.
        """
        with self._lock:
            mode = self._broken.pop(name, None)
        if isinstance(mode, LOSING):
            self._proxies[name].set(Reset())
        self._proxies[name].set(Pass())

    def reset_connections(self, name: str) -> None:
        """Reset every open connection of a link once."""
        self._proxies[name].set(Reset())
        with self._lock:
            mode = self._broken.get(name, Pass())
        self._proxies[name].set(mode)
