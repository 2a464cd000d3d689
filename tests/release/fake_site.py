"""A function app as a deployment sees it: Resource Manager, the deployment side, and the control plane's API.

The deployment side answers as Kudu does on Flex Consumption: 202 with an id whatever the package is worth, and the
truth in the deployment's own document. The API's answers come from the product's own renderers and its route table.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from aiohttp import web

from devhost.fakes.serving import loopback_socket, port_of
from shared.domain.operations import begin
from shared.web.responses import gateway_health_document, operation_document
from shared.web.routes import ROUTES
from tests.unit.builders import POLICY, at_version, lock, request, steady_snapshot

APP_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app"
SITE_TOKEN, READER_TOKEN = "token-for-azure", "token-for-the-api"


@dataclass(slots=True)
class FakeSite:
    """What the app is like; a test changes it before or while it deploys."""

    runtime: dict[str, str]
    statuses: list[dict[str, object]] = field(default_factory=lambda: [{"status": 1}, {"status": 2}, {"status": 4}])
    refuse_upload: list[int] = field(default_factory=list)  # statuses of the first uploads
    upload_answer: object = "deployment-2"  # None: the connection is cut after the package has arrived
    running: bool = False
    starts_after_looks: int | None = None  # an operation begins after so many questions for it
    missing_routes: frozenset[str] = frozenset()
    accepts_forged_tokens: bool = False
    is_ready: bool = True
    api_is_up: bool = True
    uploads: list[bytes] = field(default_factory=list)
    newest: str = "deployment-1"
    looks: int = 0
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64_000_000)
        app.router.add_get(APP_ID, self._arm)
        app.router.add_post("/api/publish", self._publish)
        app.router.add_get("/api/deployments/{id}", self._deployment)
        app.router.add_route("*", "/api/{path:.*}", self._api)
        return app

    async def _arm(self, asked: web.Request) -> web.Response:
        if _token(asked) != SITE_TOKEN:
            return web.json_response({"error": {"code": "AuthenticationFailed"}}, status=401)
        return web.json_response({"properties": {"functionAppConfig": {"runtime": self.runtime}}})

    async def _publish(self, asked: web.Request) -> web.Response:
        assert (_token(asked), asked.content_type) == (SITE_TOKEN, "application/zip")
        assert asked.query["RemoteBuild"] == "false"
        if self.refuse_upload:
            return web.Response(status=self.refuse_upload.pop(0), text="roles have not spread yet")
        self.uploads.append(await asked.read())
        self.newest = "deployment-2"
        if self.upload_answer is None:
            assert asked.transport is not None
            asked.transport.abort()
        return web.json_response(self.upload_answer, status=202)

    async def _deployment(self, asked: web.Request) -> web.Response:
        wanted = asked.match_info["id"]
        if wanted == "latest":
            return web.json_response({"id": self.newest, "status": 4})
        if wanted == "deployment-1":  # the former release's: a success that is not ours
            return web.json_response({"id": wanted, "status": 4})
        state = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.json_response({"id": wanted, **state})

    async def _api(self, asked: web.Request) -> web.Response:
        if not self.api_is_up:
            return web.Response(status=503, text="the host is not running")
        path = asked.match_info["path"]
        route = next((one for one in ROUTES if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one.path), path)), None)
        if route is None or route.name in self.missing_routes:
            return web.Response(status=404)
        if asked.method not in route.methods:
            return web.Response(status=405)
        forged = self.accepts_forged_tokens and "Authorization" in asked.headers
        if route.methods[asked.method] and _token(asked) != READER_TOKEN and not forged:
            return web.json_response({"code": "Unauthenticated"}, status=401)
        return self._content(route.name)

    def _content(self, name: str) -> web.Response:
        if name == "health_ready" and not self.is_ready:
            return web.json_response({"status": "not ready", "checks": {"postgresql": "does not answer"}}, status=503)
        if name == "gateway_health":
            self.looks += 1
            if self.starts_after_looks is not None and self.looks > self.starts_after_looks:
                self.running = True
        asked = request() if self.running else None
        if name == "gateway_health":
            snapshot = steady_snapshot(lock=at_version(replace(lock(), operation=asked)))
            return web.json_response(gateway_health_document([snapshot], POLICY))
        if name == "operations":
            value = [operation_document(begin(asked))] if asked else []
            return web.json_response({"value": value})
        return web.json_response({"status": "ok"})


@contextmanager
def served(site: FakeSite) -> Iterator[FakeSite]:
    """Serve the app on a free port, in a thread of its own."""
    loop, bound = asyncio.new_event_loop(), loopback_socket(0)
    site.url = f"http://127.0.0.1:{port_of(bound)}"
    runner = web.AppRunner(site.app(), shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        await web.SockSite(runner, bound).start()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        yield site
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _token(asked: web.Request) -> str:
    return asked.headers.get("Authorization", "").removeprefix("Bearer ")
