"""Table Storage that can be frozen, and put back to an older state as a storage account restored from a copy."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from pathlib import Path

from devhost.backends.azurite import Azurite
from devhost.chaos.crew import Crew
from devhost.lab.layout import AZURITE_PACKAGE

NAME = "azurite"


class RestorableTables:
    """Azurite and one copy of its data. Use from one thread at a time."""

    def __init__(self, folder: Path, crew: Crew) -> None:
        self._data, self._copy, self._crew = folder / "azurite", folder / "azurite-copy", crew
        self._azurite = self._new()
        self._is_up = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens; 0 while it is down."""
        return self._azurite.port if self._is_up.is_set() else 0

    @property
    def connection_string(self) -> str:
        """Where it is, past every link."""
        return self._azurite.connection_string

    def start(self) -> str:
        """Start it and return the connection string."""
        connection_string = self._azurite.start()
        self._crew.adopt(NAME, self._azurite.pid, first=signal.SIGINT)
        self._is_up.set()
        return connection_string

    def freeze(self) -> None:
        """Stop answering."""
        self._azurite.freeze()

    def thaw(self) -> None:
        """Answer again."""
        self._azurite.thaw()

    def copy(self) -> int:
        """Keep a copy of everything stored, and return the instant (monotonic, ns) it was complete.

        The emulator keeps its tables in memory and saves them now and then; only when it ends is the copy whole.
        """
        self._stop()
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._data, self._copy)
        taken_ns = time.monotonic_ns()
        self._start_again()
        return taken_ns

    def restore(self) -> None:
        """Go on with the copy; everything written since is gone."""
        self._stop()
        shutil.rmtree(self._data)
        shutil.copytree(self._copy, self._data)
        self._start_again()

    def revive(self) -> None:
        """Start it again if it is down. Raises NotReady."""
        if not self._is_up.is_set():
            self._azurite.stop()
            self._start_again()

    def stop(self) -> None:
        """End it."""
        self._stop()

    def _stop(self) -> None:
        self._is_up.clear()
        self._azurite.stop()

    def _start_again(self) -> None:
        self._azurite = self._new()  # on another port: the old one may be taken by now
        self.start()

    def _new(self) -> Azurite:
        # One that is frozen when the supervisor dies notices nothing gentler; the data of a chaos run is not kept.
        return Azurite(self._data, package=AZURITE_PACKAGE, on_parent_death=signal.SIGKILL)
