"""The lab's two stores: Azurite, and PostgreSQL or a database of its own on the server that DATABASE_URL names."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from devhost.backends.azurite import Azurite
from devhost.backends.postgres import Postgres
from devhost.backends.processes import NotReady, log_tail
from devhost.lab.children import Children, Program
from devhost.lab.layout import AZURITE_PACKAGE, Layout
from devhost.lab.parts import AZURITE, MIGRATION, POSTGRES, TABLES, Parts

PREPARED_WITHIN_S = 60.0


async def start_tables(layout: Layout, children: Children, parts: Parts) -> str:
    """Start the storage emulator and return its connection string. Raises NotReady, NoNode, FileNotFoundError."""
    azurite = Azurite(layout.data / "azurite", package=AZURITE_PACKAGE)
    connection_string = await asyncio.to_thread(azurite.start)
    # SIGINT is the only signal on which it saves its tables before it ends.
    children.adopt(AZURITE, azurite.pid, first=signal.SIGINT)
    await _prepare(connection_string, parts.tables(), layout.log(TABLES))
    return connection_string


async def start_database(
    layout: Layout, children: Children, parts: Parts, environment: Mapping[str, str], *, keep: bool
) -> str:
    """Return the URL of a database with the wanted schema. Raises NotReady, NoPostgres, psycopg.Error."""
    given = environment.get("DATABASE_URL", "")
    if given:
        url = await asyncio.to_thread(own_database, given, layout, keep=keep)
    else:
        postgres = Postgres(layout.data / "postgres")
        url = await asyncio.to_thread(postgres.start)
        children.adopt(POSTGRES, postgres.pid, first=signal.SIGINT)
    await _prepare(url, parts.migration(), layout.log(MIGRATION))
    return url


async def _prepare(address: str, program: Program, log: Path) -> None:
    """Run a program that prepares the store at this address. Raises NotReady."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *program.argv, stdin=PIPE, stdout=output, stderr=output, cwd=program.cwd, env=dict(program.env)
        )
    try:
        # The address holds a password, which the list of processes would show.
        await asyncio.wait_for(process.communicate(address.encode() + b"\n"), PREPARED_WITHIN_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise NotReady(f"{program.name} ended with code {process.returncode}:\n{log_tail(log)}")


def own_database(server_url: str, layout: Layout, *, keep: bool) -> str:
    """Make this lab's database on a server, empty unless `keep`, and return its URL.

    The database named in `server_url` is only used to connect. A fresh lab must not meet the fence of an older one,
    which by design can never be lowered; and nobody's own database is touched.
    """
    name = "mazevault_lab_" + hashlib.sha256(os.fsencode(layout.folder.resolve())).hexdigest()[:8]
    with psycopg.connect(server_url, autocommit=True, connect_timeout=5) as connection:
        if not keep:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
