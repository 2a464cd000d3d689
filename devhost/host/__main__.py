"""`python -m devhost.host`: host one application on this machine."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from devhost.host.crash import CRASH_FILE_VARIABLE
from devhost.host.lines import log_to_stderr

if TYPE_CHECKING:
    from devhost.host.loader import HostedFunction

LOG = logging.getLogger("devhost.host")


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped. The result is 0 after a stop signal and 1 if the application cannot be hosted."""
    options = _options(arguments)
    log_to_stderr()
    if options.crash_file is not None:
        os.environ[CRASH_FILE_VARIABLE] = str(options.crash_file.resolve())
    if options.ready_file is not None:
        options.ready_file = options.ready_file.resolve()
        # One left by a killed host would announce an address nobody serves.
        options.ready_file.unlink(missing_ok=True)
    # The Durable library reads ./host.json while it is imported, so the directory changes before it can be.
    journal_path = options.journal.resolve()
    app_dir = options.app.resolve()
    if not app_dir.is_dir():
        LOG.error("there is no application directory %s", app_dir)
        return 1
    os.chdir(app_dir)
    return _host(app_dir, journal_path, options)


def _host(app_dir: Path, journal_path: Path, options: argparse.Namespace) -> int:
    from devhost.host.database import JournalInUse
    from devhost.host.journal import Journal
    from devhost.host.loader import LoadError, load_functions
    from devhost.host.server import Application, serve
    from devhost.host.settings import SettingsError, read_settings

    try:
        settings = read_settings(app_dir, os.environ)
        functions = _prepared(load_functions(app_dir), options.prepare)
        journal = Journal(journal_path)
        application = Application(
            functions=functions, settings=settings, port=options.port, ready_file=options.ready_file
        )
        asyncio.run(serve(application, journal))
    except (LoadError, SettingsError, JournalInUse, OSError) as error:
        LOG.error("cannot host %s: %s", app_dir, error)
        return 1
    journal.close()
    LOG.info("stopped")
    return 0


def _prepared(functions: tuple[HostedFunction, ...], hook: str | None) -> tuple[HostedFunction, ...]:
    """Return what the hook `MODULE:FUNCTION` makes of the application's functions; without a hook, themselves."""
    if hook is None:
        return functions
    module, _, name = hook.partition(":")
    made: tuple[HostedFunction, ...] = getattr(importlib.import_module(module), name)(functions)
    return made


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devhost.host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="directory that holds function_app.py and host.json")
    parser.add_argument("--port", type=int, default=0, help="port of the public listener; 0 takes a free one")
    parser.add_argument("--journal", type=Path, required=True, help="SQLite file that keeps all durable state")
    parser.add_argument("--ready-file", type=Path, help="written once requests are served: the address and the pid")
    parser.add_argument(
        "--prepare", metavar="MODULE:FUNCTION", help="called with the loaded functions; returns those to host"
    )
    parser.add_argument("--crash-file", type=Path, help="names a point to die at; see devhost.host.crash")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        code = main()
    except BaseException:
        LOG.exception("the host failed")
        code = 1
    logging.shutdown()
    sys.stderr.flush()
    # A synchronous function may still hold a thread, which a normal exit would wait for.
    os._exit(code)
