"""The relay between one gateway and the control plane."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devhost.lab.partition import Relay


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(b"heard " + line)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def relayed() -> AsyncIterator[tuple[Relay, int]]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay = Relay(server.sockets[0].getsockname()[1])
    try:
        yield relay, await relay.listen()
    finally:
        await relay.close()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)  # the far ends notice


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def ask(port: int, *, within_s: float = 5.0) -> bytes:
    async with connected(port) as (reader, writer):
        writer.write(b"hello\n")
        return await asyncio.wait_for(reader.readline(), within_s)


def test_traffic_passes_until_the_relay_is_cut_and_again_once_it_is_mended() -> None:
    async def story() -> None:
        async with relayed() as (relay, port):
            assert await ask(port) == b"heard hello\n"
            relay.cut()
            with pytest.raises(TimeoutError):
                await ask(port, within_s=0.3)
            relay.mend()
            assert await ask(port) == b"heard hello\n"

    asyncio.run(story())


def test_an_open_connection_goes_silent_when_cut_and_ends_when_mended() -> None:
    async def story() -> None:
        async with relayed() as (relay, port), connected(port) as (reader, writer):
            writer.write(b"one\n")
            assert await reader.readline() == b"heard one\n"
            relay.cut()
            writer.write(b"two\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.3)
            relay.mend()
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(100), 5.0)

    asyncio.run(story())


def test_a_control_plane_that_is_down_shows_as_a_closed_connection() -> None:
    async def story() -> None:
        async with relayed() as (_, nobody):
            pass  # its port is free again
        relay = Relay(nobody)
        port = await relay.listen()
        try:
            async with connected(port) as (reader, _):
                with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                    await asyncio.wait_for(reader.readexactly(1), 5.0)
        finally:
            await relay.close()

    asyncio.run(story())
