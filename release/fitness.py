"""Whether a package and a function app fit each other: compiled wheels of one Python version do not load in another."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

from release.archive import digest
from release.calls import NoAnswer, call

MIGRATIONS: Final = "shared/adapters/sql/migrations/"
API_VERSION: Final = "2024-04-01"
_COMPILED_APP: Final = re.compile(r"__pycache__/function_app\.cpython-3(\d+)\.pyc")


class Unfit(Exception):
    """The package must not be deployed to this app; the text says why."""


def describe(package: Path) -> str:
    """Return digest, size and Python version of a package as one line. Raises Unfit."""
    return f"{digest(package)}, {package.stat().st_size / 1e6:.1f} MB, for Python {python_of(package)}"


def python_of(package: Path) -> str:
    """Return the Python version a package was built for. Raises Unfit when it is not one of `make package`."""
    try:
        with zipfile.ZipFile(package) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile) as fault:
        raise Unfit(f"{package}: {fault}") from fault
    for name in names:
        if match := _COMPILED_APP.fullmatch(name):
            return f"3.{match[1]}"
    raise Unfit(f"{package} was not built by `make package`: it has no compiled function_app")


def check_migrations(package: Path, checkout: Path) -> None:
    """Return if this checkout can bring the database to the package's schema. Raises Unfit."""
    with zipfile.ZipFile(package) as archive:
        shipped = {name: archive.read(name) for name in archive.namelist() if name.startswith(MIGRATIONS)}
    for name, text in shipped.items():
        here = checkout / name
        if not here.is_file() or here.read_bytes() != text:
            raise Unfit(f"this checkout lacks {name} as the package has it; deploy from the package's own commit")


def check_runtime(package: Path, *, arm_url: str, app_id: str, token: str) -> None:
    """Return if the app runs the Python version of the package. Raises Unfit, also when nobody can tell."""
    url = f"{arm_url}{app_id}?api-version={API_VERSION}"
    try:
        answer = call("GET", url, token=token)
    except NoAnswer as fault:
        raise Unfit(f"the app's Python version is not known: {fault}") from fault
    document = answer.document()
    try:
        runtime = document["properties"]["functionAppConfig"]["runtime"]
        configured = f"{runtime['name']} {runtime['version']}"
    except (KeyError, TypeError) as fault:
        raise Unfit(f"the app's Python version is not known: {answer}") from fault
    wanted = f"python {python_of(package)}"
    if configured != wanted:
        raise Unfit(
            f"the app runs {configured}, the package is for {wanted}; "
            f"build it again after `make clean` and `make setup PYTHON=...` with {configured}"
        )
