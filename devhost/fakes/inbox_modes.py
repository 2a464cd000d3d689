"""Receivers that misbehave: they hang, fail, ask for patience, or answer far too much."""

from __future__ import annotations

import asyncio

from aiohttp import web

from devhost.fakes.inbox_kept import Kept, Mode

FLOOD_BYTES = 10 * 1024 * 1024
PIECE = b"x" * 65536
DRIP_EVERY_S = 0.05


async def misbehave(request: web.Request, kept: Kept, mode: Mode) -> web.StreamResponse:
    """Answer the way a mode says; nothing of the request is kept."""
    if mode is Mode.FAIL:
        return web.Response(status=500, text="out of order")
    if mode is Mode.THROTTLE:
        return web.Response(status=429, text="slow down", headers={"Retry-After": str(kept.retry_after_s)})
    if mode is Mode.HANG:
        await asyncio.Event().wait()
    return await (_flood(request) if mode is Mode.FLOOD else _drip(request))


async def _flood(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(status=500, headers={"Content-Length": str(FLOOD_BYTES)})
    await answer.prepare(request)
    for _ in range(FLOOD_BYTES // len(PIECE)):
        await answer.write(PIECE)
    await answer.write_eof()
    return answer


async def _drip(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(status=500)
    await answer.prepare(request)
    while True:
        await answer.write(b"x")
        await asyncio.sleep(DRIP_EVERY_S)
