"""Follow log files as they grow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.1
LONGEST_READ_BYTES = 1 << 20


class Follower:
    """Gives every complete line of a set of files, in the order of each file."""

    def __init__(self, on_line: Callable[[str, str], None]) -> None:
        """Follow nothing yet; `on_line` gets the name a file was followed under, and the line without its end."""
        self._on_line = on_line
        self._files: dict[str, Path] = {}
        self._offsets: dict[str, int] = {}

    def follow(self, name: str, file: Path) -> None:
        """Follow a file from its beginning; it may not exist yet. Following it again changes nothing."""
        self._files.setdefault(name, file)

    async def run(self) -> None:
        """Read whatever comes; runs until cancelled."""
        while True:
            self.read()
            await asyncio.sleep(POLL_S)

    def read(self) -> None:
        """Give the lines that are complete now."""
        for name, file in self._files.items():
            for line in self._new_lines(name, file):
                self._on_line(name, line)

    def _new_lines(self, name: str, file: Path) -> list[str]:
        try:
            with file.open("rb") as source:
                source.seek(self._offsets.get(name, 0))
                text = source.read(LONGEST_READ_BYTES)
        except FileNotFoundError:
            return []
        end = text.rfind(b"\n") + 1
        if end == 0 and len(text) == LONGEST_READ_BYTES:
            end = len(text)  # a line longer than we read is given in pieces rather than never
        self._offsets[name] = self._offsets.get(name, 0) + end
        return text[:end].decode("utf-8", errors="replace").splitlines()
