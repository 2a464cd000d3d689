"""Builds packages for tests: the locked libraries are copied from this environment, so nothing is downloaded."""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path

from release.contents import product_files
from release.package import Package, build
from tests.tidy.test_locks import locked

ROOT = Path(__file__).resolve().parents[2]


def copy_installed(requirements: Path, target: Path) -> None:
    """Install what a lock file names and nothing else; what is locked for other platforms is not installed here."""
    for name in locked(requirements):
        try:
            files = importlib.metadata.distribution(name).files or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for file in files:
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target / file)


def no_libraries(_requirements: Path, target: Path) -> None:
    (target / "one.py").write_text("x = {'a', 'b', 'c', 'd'}\n", encoding="utf-8")


def checkout(folder: Path) -> Path:
    """Return a copy of the product's files alone."""
    for name in product_files(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def built(root: Path, target: Path) -> Package:
    return build(root, target, install_libraries=copy_installed, platform="this machine")
