"""The data directory of a local PostgreSQL: who owns it, how the server reaches it, and how it comes to be."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devhost.backends.postgres_programs import reachable
from devhost.backends.processes import Account, log_tail, spawn

SUPERUSER = "postgres"
PASSWORD_FILE = "lab-password"
# Nothing that steers PostgreSQL (PGDATA, PGPORT, ...) comes in from outside; where shared libraries are has to.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"} | {
    name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"
}


class DataDirectoryUnusable(RuntimeError):
    """The data directory cannot be made or used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDirectory:
    """A data directory as the server names it, and the descriptors the server has to inherit for that name."""

    name: str
    keep_open: tuple[int, ...] = ()


def account_for(data_dir: Path) -> Account | None:
    """Return the account that runs the server, or None for the caller's own.

    PostgreSQL refuses to run as root. Root therefore hands it to the owner of the data directory or, before that
    exists, of the nearest directory above it; where that is root too, or a number without a name (which `initdb`
    refuses, and which a directory shared with a container often has), to `nobody`.
    """
    if os.geteuid() != 0:
        return None
    nearest = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    owner = nearest.stat()
    if owner.st_uid != 0 and (nearest == data_dir or _has_name(owner.st_uid)):
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


@contextmanager
def opened(data_dir: Path, account: Account | None) -> Iterator[OpenDirectory]:
    """Give the name under which the server reaches the directory; the descriptors are closed on leaving.

    A checkout below a home directory that only its owner may enter is out of reach for another account. The directory
    is then opened with the caller's rights and inherited: `/proc/self/fd/N` leads into it past the directories above
    (proc(5)), in the server and in each of its backends. Only Linux has this; elsewhere DataDirectoryUnusable is
    raised.
    """
    if account is None or reachable(data_dir, account):
        yield OpenDirectory(name=str(data_dir))
        return
    if not sys.platform.startswith("linux"):
        raise DataDirectoryUnusable(f"user {account.uid}, which runs PostgreSQL, cannot reach {data_dir}")
    descriptor = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield OpenDirectory(name=f"/proc/self/fd/{descriptor}", keep_open=(descriptor,))
    finally:
        os.close(descriptor)


def made_with(data_dir: Path) -> int | None:
    """Return the major version that made the data directory, or None when there is no finished one.

    Raises DataDirectoryUnusable when the directory belongs to another user.
    """
    version = data_dir / "PG_VERSION"
    try:
        if not version.exists() or _unfinished(data_dir).exists():
            return None
        return int(version.read_text(encoding="ascii"))
    except PermissionError as error:
        raise DataDirectoryUnusable(f"{data_dir} belongs to another user; remove it as that user") from error


def read_password(data_dir: Path) -> str:
    """Return the superuser's password that `initialise` made up."""
    return (data_dir / PASSWORD_FILE).read_text(encoding="ascii")


def initialise(data_dir: Path, *, folder: Path, account: Account | None, log: Path) -> None:
    """Make a new database cluster with a random password for the superuser.

    The server runs with its owner's rights and its superuser can start programs, hence a password even on loopback. A
    run that was interrupted is started over. Raises DataDirectoryUnusable when the directory holds anything else, or
    when `initdb` fails.
    """
    unfinished = _unfinished(data_dir)
    if unfinished.exists():
        shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(data_dir.iterdir()):
        raise DataDirectoryUnusable(f"{data_dir} is neither empty nor a PostgreSQL data directory")
    unfinished.touch()
    data_dir.chmod(0o700)
    _give(data_dir, account)
    password = secrets.token_urlsafe(18)
    with opened(data_dir, account) as directory, _password_file(password, account) as password_file:
        _run_initdb(folder / "initdb", directory, password_file, account=account, log=log)
    target = data_dir / PASSWORD_FILE
    target.write_text(password, encoding="ascii")
    target.chmod(0o600)
    _give(target, account)
    unfinished.unlink()


def _run_initdb(
    program: Path, directory: OpenDirectory, password_file: Path, *, account: Account | None, log: Path
) -> None:
    process = spawn(
        [
            *(program, "-D", directory.name, "-U", SUPERUSER, f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        log=log,
        cwd=Path("/"),
        env=ENVIRONMENT,
        account=account,
        on_parent_death=signal.SIGKILL,
        keep_open=directory.keep_open,
    )
    if process.wait() != 0:
        raise DataDirectoryUnusable(f"initdb ended with code {process.returncode}:\n{log_tail(log)}")


@contextmanager
def _password_file(password: str, account: Account | None) -> Iterator[Path]:
    """Give a file with the password that only `account` can read, in a place that it can reach."""
    descriptor, name = tempfile.mkstemp(prefix="postgres-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(password)
        _give(path, account)
        yield path
    finally:
        path.unlink()


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _unfinished(data_dir: Path) -> Path:
    return data_dir.with_name(f"{data_dir.name}.unfinished")
