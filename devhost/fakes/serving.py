"""Serve an aiohttp application on loopback until told to end, and say in a file where it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = (LOOPBACK, "localhost")
SHUTDOWN_S = 0.5  # long polls are cut off after this


@web.middleware
async def loopback_names_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse requests for any other host name: a web page could point a name of its own at this server."""
    if request.url.host not in LOOPBACK_NAMES:
        return web.json_response({"error": {"code": "MisdirectedRequest", "message": "not this server"}}, status=421)
    return await handler(request)


async def json_body(request: web.Request) -> dict[str, object]:
    """Return the JSON object in the body; an empty body is an empty object.

    The content type has to say JSON, which a web page elsewhere cannot send here unasked. Raises HTTPBadRequest and
    HTTPUnsupportedMediaType.
    """
    text = await request.text()
    if not text:
        return {}
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json")
    try:
        body = json.loads(text)
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="send a JSON object")
    return body


def loopback_socket(port: int) -> socket.socket:
    """Return a socket bound to loopback; port 0 means any free one. Raises OSError when the port is taken."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((LOOPBACK, port))
    return bound


def port_of(bound: socket.socket) -> int:
    """Return the port a socket is bound to."""
    return int(bound.getsockname()[1])


def write_ready_file(file: Path | None, content: Mapping[str, object]) -> None:
    """Write where the server is, as JSON, for its owner alone to read; a reader never sees a part of it."""
    if file is None:
        print(json.dumps(content), flush=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(content, target)
    unfinished.replace(file)


async def serve_until_told_to_end(
    application: web.Application, listener: socket.socket, *, ready_file: Path | None, ready: Mapping[str, object]
) -> None:
    """Serve the application on one socket; say where it is, with the process id, as soon as it answers."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        write_ready_file(ready_file, {**ready, "pid": os.getpid()})
        await until_told_to_end()
    finally:
        await runner.cleanup()


async def until_told_to_end() -> None:
    """Return at the first SIGINT or SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
