"""A copy of a running PostgreSQL that follows it by streaming replication, as an asynchronous standby does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from devhost.backends.postgres_data import ENVIRONMENT, DataDirectoryUnusable, opened
from devhost.backends.processes import Account, log_tail, spawn

PROGRAM = "pg_basebackup"


def copy_as_standby(data_dir: Path, *, folder: Path, account: Account | None, source: str, password: str) -> None:
    """Fill `data_dir` from the server that the connection string `source` names; the copy knows how to follow it.

    `folder` holds the programs of the server's own version; `account` runs them and will own the copy. Raises
    DataDirectoryUnusable when the directory is not empty or the server cannot be copied.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(data_dir.iterdir()):
        raise DataDirectoryUnusable(f"{data_dir} is not empty")
    data_dir.chmod(0o700)
    if account is not None:
        os.chown(data_dir, account.uid, account.gid)
    log = data_dir.with_name(f"{data_dir.name}.log")
    options = ("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-password")
    with opened(data_dir, account) as directory:
        process = spawn(
            [folder / PROGRAM, *("-D", directory.name), *("-d", source), *options],
            log=log,
            cwd=Path("/"),
            # The list of processes would show a password among the arguments.
            env={**ENVIRONMENT, "PGPASSWORD": password},
            account=account,
            on_parent_death=signal.SIGKILL,
            keep_open=directory.keep_open,
        )
        code = process.wait()
    if code != 0:
        raise DataDirectoryUnusable(f"{PROGRAM} ended with code {code}:\n{log_tail(log)}")
