"""Several function hosts of one app, as scaled-out instances are, and the front that spreads calls over them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from devhost.chaos.crew import Crew, python_program
from devhost.lab.layout import ROOT, Layout

SERVES_WITHIN_S = 60.0


class Hosts:
    """The hosts of a run by name. Each has a journal of its own, and with it an orchestration engine of its own.

    Safe to use from several threads.
    """

    def __init__(self, layout: Layout, crew: Crew, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._layout, self._crew = layout, crew
        self._settings: dict[str, Mapping[str, str]] = {}
        self._turn = 0
        self._lock = threading.Lock()

    def start(self, name: str, settings: Mapping[str, str] | None = None) -> None:
        """Start a host, the first time with its settings; returns before it serves."""
        if settings is not None:
            self._settings[name] = settings
        data = self._layout.data
        words: list[str | Path] = [
            *("-m", "devhost.host", "--app", ROOT, "--port", "0"),
            *("--journal", data / f"{name}.sqlite", "--ready-file", self._layout.ready_file(name)),
        ]
        self._crew.start(python_program(name, *words, extra=self._settings[name]))

    def wait_until_they_serve(self) -> None:
        """Return once all of them do. Raises NotReady."""
        for name in self.names:
            self._crew.ready(name, within_s=SERVES_WITHIN_S)

    def port(self, name: str) -> int:
        """Return where a host listens; 0 while it does not."""
        if self._crew.find(name) is None:
            return 0
        return urlsplit(str(self._crew.readiness(name).get("url", ""))).port or 0

    def pick(self) -> int:
        """Return the port of the next host that lives, in turn, as a load balancer with a health probe; 0 if none."""
        with self._lock:
            for _ in self.names:
                self._turn = (self._turn + 1) % len(self.names)
                if port := self.port(self.names[self._turn]):
                    return port
        return 0
