"""A TCP relay on loopback that can be cut, so that one gateway loses the control plane and nobody else does."""

from __future__ import annotations

import asyncio
import contextlib

CHUNK_BYTES = 65536


class Relay:
    """Passes every connection on to one port of this machine until it is cut.

    Cut, it is a network that drops packets: connections stay open and silent, new ones are taken and lead nowhere, so
    that the caller's own time-outs are all it has. Mended, it ends what hung and passes new connections on.
    """

    def __init__(self, target_port: int) -> None:
        """Prepare a relay to 127.0.0.1:`target_port`; nothing listens yet."""
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_cut(self) -> bool:
        """Whether nothing passes."""
        return not self._open.is_set()

    async def listen(self) -> int:
        """Open a free port on loopback and return it."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Let nothing pass any more, in either direction."""
        self._open.clear()

    def mend(self) -> None:
        """Let new connections pass; those that were open while it was cut end."""
        if self.is_cut:
            self._open.set()
            for connection in self._connections:
                connection.cancel()

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # an aborted transport closes its socket in the loop's next round

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._relay(reader, writer)
        except (asyncio.CancelledError, OSError):
            pass  # mended, closed, or one of the two ends is gone: the connection is over for both
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        directions = (
            asyncio.ensure_future(self._pump(reader, far_writer)),
            asyncio.ensure_future(self._pump(far_reader, writer)),
        )
        try:
            await asyncio.gather(*directions)
        finally:
            for direction in directions:
                direction.cancel()
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._open.wait()
            writer.write(chunk)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
