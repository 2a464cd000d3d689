"""A proxy in front of the table service that counts the HTTP requests which arrive there: what Azure bills."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from aiohttp import ClientSession, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from devhost.fakes.serving import loopback_socket, port_of

R = TypeVar("R")

# Apply to one connection, not to the request (RFC 9110, section 7.6.1); the client side makes its own.
_OF_ONE_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
_TABLE: Final = re.compile(r"/[^/]+/([A-Za-z0-9]+)(\(.*\))?$")
_VERBS: Final = {"POST": "insert", "PUT": "replace", "PATCH": "merge", "MERGE": "merge", "DELETE": "delete"}


class Meter:
    """Forwards `127.0.0.1:port` to a table service, and counts each request under a label before it is forwarded.

    Use it as a context manager. Requests are named `TABLE.VERB`, with `read` for one row and `query` for a page of
    rows; a page that continues another is a request of its own, here and on the bill.
    """

    def __init__(self, upstream_port: int) -> None:
        self.port = 0
        self._upstream = f"http://127.0.0.1:{upstream_port}"
        self._label = ""
        self._counts: dict[str, Counter[str]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="usage-meter", daemon=True)
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._on_loop(self._open())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._on_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def under(self, label: str) -> Iterator[None]:
        """Count under this label until the end of the block; Labels nest, the inner one counts."""
        outer, self._label = self._label, label
        try:
            yield
        finally:
            self._label = outer

    def counted(self, label: str) -> Counter[str]:
        """Return what was counted under a label so far."""
        return self._counts.get(label, Counter()).copy()

    def _on_loop(self, work: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> None:
        self._session = ClientSession(connector=TCPConnector(force_close=False), auto_decompress=False)
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_route("*", "/{anything:.*}", self._forward)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        bound = loopback_socket(0)
        self.port = port_of(bound)
        await web.SockSite(self._runner, bound).start()

    async def _close(self) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    async def _forward(self, request: web.Request) -> web.Response:
        assert self._session is not None
        self._counts.setdefault(self._label, Counter())[name_of(request.method, request.path)] += 1
        # The signature covers path, type and date as they were sent: nothing may be added to them or rewritten.
        where = URL(self._upstream + request.raw_path, encoded=True)
        sent = _kept(request.headers)
        async with self._session.request(
            request.method,
            where,
            headers=sent,
            data=await request.read() or None,
            allow_redirects=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        ) as answer:
            body = await answer.read()
            return web.Response(status=answer.status, reason=answer.reason, headers=_kept(answer.headers), body=body)


def name_of(method: str, path: str) -> str:
    """Return `TABLE.VERB` for a request of the table protocol; `other.VERB` for what names no table.

    `/account/table(PartitionKey='a',RowKey='b')` is one row, `/account/table()` a page of rows (Azure Storage REST
    documentation, "Query Entities").
    """
    found = _TABLE.search(path)
    if found is None:
        return f"other.{method.lower()}"
    table, key = found.group(1), found.group(2) or ""
    verb = _VERBS.get(method) or ("read" if "PartitionKey" in key else "query")
    return f"{table}.{verb}"


def _kept(headers: Any) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _OF_ONE_CONNECTION)
