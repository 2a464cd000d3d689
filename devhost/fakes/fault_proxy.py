"""A TCP proxy on loopback that breaks connections in the ways networks do.

It runs on a thread of its own, so that blocking clients and asyncio ones can both be put in front of it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

CHUNK_BYTES = 65536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST and drops what is unsent
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Pass:
    """Everything goes through."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Every piece of an answer waits `delay_s` seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Connections are accepted, what is sent is swallowed, nothing ever comes back."""


@dataclass(frozen=True, slots=True)
class DropAnswers:
    """The way back is cut: what is sent arrives, and nothing ever comes back."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing moves, and nothing is lost: it goes on when the mode changes, however late and even if nobody waits."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Open connections are reset at once, new ones as soon as they are accepted."""


@dataclass(frozen=True, slots=True)
class DropNextResponse:
    """The next answer is lost: its request arrives, then the client's connection is reset. Then Pass."""


@dataclass(frozen=True, slots=True)
class CutNextResponse:
    """The next answer ends after `after_bytes`, with an orderly close. Then Pass."""

    after_bytes: int


Mode: TypeAlias = Pass | Delay | BlackHole | DropAnswers | Hold | Reset | DropNextResponse | CutNextResponse


class FaultProxy:
    """Forwards `127.0.0.1:port` to another port of loopback; use it as a context manager.

    The upstream is a port, or a function that is asked for it with every connection, on the proxy's own thread.
    `set` changes the mode for open and new connections alike. `dropped` counts answers lost by the two modes that
    lose one. A missing upstream looks as it would without the proxy: the connection is reset.
    """

    def __init__(self, upstream: int | Callable[[], int]) -> None:
        self.port = 0
        self.dropped = 0
        self._upstream = upstream
        self._mode: Mode = Pass()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._moving = asyncio.Event()  # cleared while the mode is Hold

    def __enter__(self) -> Self:
        self._thread.start()
        self._on_loop(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._on_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, mode: Mode) -> None:
        """Change the mode; returns when it holds."""
        self._on_loop(self._change(mode))

    def _on_loop(self, work: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._moving.set()
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._handlers):
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _change(self, mode: Mode) -> None:
        self._mode = mode
        if isinstance(mode, Hold):
            self._moving.clear()
        else:
            self._moving.set()
        if isinstance(mode, Reset):
            for client in tuple(self._clients):
                _reset(client)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self._clients.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            if isinstance(self._mode, Reset):
                _reset(writer)
                return
            port = self._upstream if isinstance(self._upstream, int) else self._upstream()
            answers, upstream = await asyncio.open_connection("127.0.0.1", port)
            await self._forward(reader, writer, answers, upstream)
        except OSError:
            _reset(writer)
        except asyncio.CancelledError:
            _reset(writer)  # the proxy is closing; asyncio's own callback would report the cancellation as an error
        finally:
            self._clients.discard(writer)
            self._handlers.discard(task)
            writer.close()
            if upstream is not None:
                upstream.close()

    async def _forward(
        self,
        requests: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        up = asyncio.create_task(self._pump_requests(requests, upstream))
        down = asyncio.create_task(self._pump_answers(answers, client))
        try:
            # The answers decide when it is over: a client that stops sending may still be listening.
            await down
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _pump_requests(self, requests: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while chunk := await requests.read(CHUNK_BYTES):
            await self._moving.wait()
            if not isinstance(self._mode, BlackHole):
                upstream.write(chunk)
                await upstream.drain()
        await self._moving.wait()
        upstream.write_eof()

    async def _pump_answers(self, answers: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while chunk := await answers.read(CHUNK_BYTES):
            await self._moving.wait()
            mode = self._mode
            match mode:
                case BlackHole() | DropAnswers():
                    continue
                case Delay(delay_s):
                    await asyncio.sleep(delay_s)
                case DropNextResponse():
                    self._lost_one()
                    _reset(client)
                    return
                case CutNextResponse(after_bytes) if len(chunk) < after_bytes:
                    self._mode = CutNextResponse(after_bytes - len(chunk))
                case CutNextResponse(after_bytes):
                    self._lost_one()
                    client.write(chunk[:after_bytes])
                    await client.drain()
                    return
                case _:
                    pass
            client.write(chunk)
            await client.drain()

    def _lost_one(self) -> None:
        self.dropped += 1
        self._mode = Pass()


def _reset(client: asyncio.StreamWriter) -> None:
    found: socket.socket | None = client.get_extra_info("socket")
    if found is not None and not client.is_closing():
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    client.transport.abort()
