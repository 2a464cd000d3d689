"""A zip whose bytes depend on nothing but the names and the contents of its files, and the list of what is in it."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold
MODE: Final = 0o100644 << 16  # a regular file that its owner writes and everybody reads, whatever the umask was
UNIX: Final = 3
LEVEL: Final = 9


def write_archive(folder: Path, target: Path) -> None:
    """Write every file below `folder` into the zip `target`, in order of names, without folders, owners or dates."""
    unfinished = target.with_name(f"{target.name}.new")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name in files_of(folder):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr, entry.compress_type = UNIX, MODE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, (folder / name).read_bytes(), compresslevel=LEVEL)
    unfinished.replace(target)


def files_of(folder: Path) -> list[str]:
    """Return every file below a folder as sorted relative paths with `/`."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def manifest(folder: Path, names: Iterable[str]) -> str:
    """Return one line per file, digest first, as `sha256sum --check` reads it in the unpacked package."""
    return "".join(f"{digest(folder / name)}  {name}\n" for name in names)


def digest(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
