"""The files of the checkout, without what is installed, cached or built in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".lab", ".venv", "node_modules", "__pycache__", "build", ".hypothesis", ".terraform"}


def project_files() -> Iterator[Path]:
    """Yield every file of the project; read from disk, so that a source archive without git is checked as well."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(name for name in subfolders if name not in NOT_OURS and not name.endswith("_cache"))
        for name in sorted(names):
            if name != "local.settings.json" and not name.endswith(".pyc"):
                yield Path(folder) / name


def text_of(path: Path) -> str | None:
    """Return the file's text, or None for a picture or another binary file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
