"""The locked libraries, installed beside the product, and everything compiled as it will be imported.

Source of the folder's name: Azure Functions, "Python developer reference guide", folder structure. Why the libraries
are in the package at all: ADR 0019.
"""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = ".python_packages/lib/site-packages"
DEPLOYED_AT: Final = "/home/site/wwwroot"  # where the platform mounts the package: what tracebacks will say
PLATFORM: Final = "x86_64-manylinux2014"  # the oldest C library that every locked wheel supports
INSTALL_TIMEOUT_S: Final = 300.0
COMPILE_TIMEOUT_S: Final = 300.0
# Console scripts name the interpreter that installed them; some wheels install their tests at the top.
NEVER_IMPORTED: Final = ("bin", "tests")


class NoLibraries(Exception):
    """The libraries could not be installed or compiled; the text has the end of what was printed."""


def install(requirements: Path, target: Path, *, uv: Path, platform: str = PLATFORM) -> None:
    """Install the locked wheels for `platform` and this Python version into `target`, each checked against its hash.

    Raises NoLibraries.
    """
    if not uv.exists():
        raise NoLibraries(
            f"{uv} is missing: `make setup` could not install uv, and only uv installs for another platform"
        )
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target)]
    command += ["--python-version", version, "--python-platform", platform]
    command += ["--only-binary", ":all:", "--require-hashes", "--no-deps", "-r", str(requirements)]
    _run(command, timeout_s=INSTALL_TIMEOUT_S, variables={"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"})


def remove_what_is_never_imported(target: Path) -> None:
    """Take console scripts, tests and foreign compiled files out of an installed folder."""
    for name in NEVER_IMPORTED:
        shutil.rmtree(target / name, ignore_errors=True)
    for folder in [path for path in target.rglob("*") if path.is_dir() and path.name in ("__pycache__", "tests")]:
        shutil.rmtree(folder, ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)


def compile_all(folder: Path) -> None:
    """Put a compiled file next to every Python source below `folder`, in a process of its own.

    The files carry the hash of their source and are never checked against it: the package's dates mean nothing, and
    the mounted package cannot be written to (https://docs.python.org/3/reference/import.html#pyc-invalidation). A
    library's source for another Python version stays as it is. Raises NoLibraries.
    """
    command = [sys.executable, "-s", "-S", "-P", str(Path(__file__).resolve()), str(folder)]
    _run(command, timeout_s=COMPILE_TIMEOUT_S, variables={"PYTHONDONTWRITEBYTECODE": "1"})


def _run(command: list[str], *, timeout_s: float, variables: dict[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            command, env=environment | variables, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as fault:
        raise NoLibraries(f"{Path(command[0]).name} did not end within {timeout_s:.0f} s") from fault
    if done.returncode != 0:
        printed = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise NoLibraries(f"{Path(command[0]).name} ended with {done.returncode}:\n{printed}")


def _compile(folder: Path) -> None:
    for source in sorted(folder.rglob("*.py")):
        name = source.relative_to(folder).as_posix()
        try:
            py_compile.compile(
                str(source),
                dfile=f"{DEPLOYED_AT}/{name}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError:
            if not name.startswith(FOLDER):  # a library may carry sources for other versions; ours may not
                raise


if __name__ == "__main__":
    _compile(Path(sys.argv[1]))
