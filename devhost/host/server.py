"""Put the host together, serve until asked to stop, and take it apart again."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from devhost.host.client_api import ClientApi
from devhost.host.dispatcher import Dispatcher
from devhost.host.front import RPC_PATH, Front, rpc_application
from devhost.host.invoker import Invoker
from devhost.host.journal import Journal
from devhost.host.loader import TIMER, HostedFunction, LoadError
from devhost.host.router import Router
from devhost.host.schedules import ScheduleError, parse_schedule
from devhost.host.settings import HostSettings, SettingsError, resolve
from devhost.host.status import client_binding
from devhost.host.ticking import Ticker

LOG = logging.getLogger(__name__)
_LOOPBACK = "127.0.0.1"
# How long an open request may take to end when the host stops.
_REQUEST_GRACE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A loaded application and where to serve it; port 0 takes a free one."""

    functions: tuple[HostedFunction, ...]
    settings: HostSettings
    port: int
    ready_file: Path | None


async def serve(application: Application, journal: Journal) -> None:
    """Host the application until SIGINT or SIGTERM. A defect of the host itself comes through as its exception."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    invoker = Invoker(application.settings.function_timeout_s)
    dispatcher = Dispatcher(journal, invoker, application.functions, application.settings, _now)
    tickers = _tickers(application.functions, journal, invoker)
    front = Front(application.functions, Router(application.functions, application.settings.route_prefix), invoker)
    listener = _bind(application.port)
    origin = f"http://{_LOOPBACK}:{listener.getsockname()[1]}"
    api = ClientApi(journal, dispatcher, application.settings, _now, origin)
    rpc = _bind(0)
    rpc_base = f"http://{_LOOPBACK}:{rpc.getsockname()[1]}{RPC_PATH}"
    invoker.offer_client(client_binding(origin, rpc_base, application.settings))
    # Before the listeners serve: an activity queued by an early request must not be taken up twice. Requests that come
    # meanwhile wait in the sockets' backlogs.
    dispatcher.start()
    runners = [await _listen(front.application(api), listener), await _listen(rpc_application(api), rpc)]
    ticking = [loop.create_task(ticker.run()) for ticker in tickers]
    _announce(origin, application)
    try:
        await _until(stop, dispatcher, ticking)
    finally:
        for task in ticking:
            task.cancel()
        await asyncio.gather(*ticking, return_exceptions=True)
        await asyncio.gather(dispatcher.stop(), *(runner.cleanup() for runner in runners))
        invoker.stop()


async def _until(stop: asyncio.Event, dispatcher: Dispatcher, ticking: Sequence[asyncio.Task[None]]) -> None:
    stopped = asyncio.ensure_future(stop.wait())
    watched: set[asyncio.Future[Any]] = {stopped, dispatcher.failed, *ticking}
    done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for finished in done - {stopped}:
        finished.result()


def _tickers(functions: Sequence[HostedFunction], journal: Journal, invoker: Invoker) -> list[Ticker]:
    tickers = []
    for function in functions:
        if function.trigger_type == TIMER:
            try:
                schedule = parse_schedule(resolve(function.trigger.schedule, os.environ), _zone())
                tickers.append(Ticker(function, schedule, journal, invoker, _now))
            except ScheduleError as error:
                raise LoadError(f"function {function.name}: {error}") from error
    return tickers


def _bind(port: int) -> socket.socket:
    return socket.create_server((_LOOPBACK, port), backlog=128)


def _zone() -> tzinfo:
    name = os.environ.get("WEBSITE_TIME_ZONE") or os.environ.get("TZ")
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"{name!r} in WEBSITE_TIME_ZONE or TZ is not the name of a time zone") from error


def _now() -> datetime:
    return datetime.now(UTC)


async def _listen(app: web.Application, listener: socket.socket) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_REQUEST_GRACE_S)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner


def _announce(origin: str, application: Application) -> None:
    if application.ready_file is not None:
        part = application.ready_file.with_name(application.ready_file.name + ".part")
        part.write_text(json.dumps({"url": origin, "pid": os.getpid()}), encoding="utf-8")
        part.replace(application.ready_file)
    LOG.info("%d functions ready at %s", len(application.functions), origin)
