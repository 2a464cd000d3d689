"""Where everything of one lab lies, and how its files are written."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT = ROOT / ".lab"
AZURITE_PACKAGE = DEFAULT / "azurite"  # filled by `make setup`, shared by every lab of this checkout


class LabRuns(RuntimeError):
    """A lab runs in this directory already; the message says how to end it."""


class LabUnusable(RuntimeError):
    """The directory cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The directory of one lab."""

    folder: Path

    @property
    def data(self) -> Path:
        """The data of the stores, fakes and gateways, and the host's journal."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.folder / "log"

    @property
    def lab_file(self) -> Path:
        """What others need to use the lab; exists while it is ready."""
        return self.folder / "lab.json"

    @property
    def run_file(self) -> Path:
        """What the lab's own commands need: processes, control port, secret."""
        return self.folder / "run.json"

    @property
    def events_file(self) -> Path:
        """Everything that was told or could have been, one JSON object per line."""
        return self.folder / "events.jsonl"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"

    def ready_file(self, name: str) -> Path:
        """Where one process says that it is ready, and where it listens."""
        return self.data / "ready" / f"{name}.json"

    def prepare(self, *, keep: bool) -> None:
        """Make the directories. Logs of the lab before are kept for one more run; its data only if `keep`.

        Raises LabUnusable when what the lab before left belongs to another user.
        """
        try:
            if not keep:
                _remove(self.data)
            _remove(self.data / "ready")
            _set_aside((self.logs, self.events_file), self.folder / "previous")
            for folder in (self.data, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise LabUnusable(
                f"{error.filename} belongs to another user. Remove {self.folder}/data and {self.folder}/log as that "
                "user, or choose another directory with --dir."
            ) from error
        azurite = self.data / "azurite.log"  # the emulator logs next to its data; the log belongs to the others
        if not azurite.is_symlink():
            azurite.symlink_to(self.log("azurite"))
        postgres = self.data / "postgres.log"
        if not postgres.is_symlink():
            postgres.symlink_to(self.log("postgres"))

    @contextmanager
    def only_one(self) -> Iterator[None]:
        """Hold the directory for one supervisor; the kernel frees it however that ends. Raises LabRuns, LabUnusable."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise LabUnusable(
                f"{error.filename} belongs to another user; choose another directory with --dir"
            ) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LabRuns(self._who_runs()) from None
            yield
        finally:
            os.close(lock)

    def _who_runs(self) -> str:
        run, lab = read_json(self.run_file), read_json(self.lab_file)
        pid = run.get("supervisor", {}).get("pid", "?")
        where = f", {lab['url']}" if "url" in lab else ""
        return (
            f"a lab runs in {self.folder} already (process {pid}{where}). "
            'End it with Ctrl-C where it runs or with `make lab ARGS="down"`, or choose another directory with --dir.'
        )


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Replace a file for its owner alone to read; a reader sees the old content or the new, never a part."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(content, target, indent=2)
        target.write("\n")
    unfinished.replace(file)


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file; an empty one when there is no such file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _set_aside(paths: tuple[Path, ...], target: Path) -> None:
    _remove(target)
    for path in paths:
        if path.exists():
            target.mkdir(parents=True, exist_ok=True)
            path.rename(target / path.name)
