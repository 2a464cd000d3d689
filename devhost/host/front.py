"""The public listener: HTTP functions, the Durable webhooks, the health answer and manual runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum
from multidict import CIMultiDict

from devhost.host.client_api import ClientApi
from devhost.host.invoker import InvocationFailed, Invoker
from devhost.host.loader import ACTIVITY, TIMER, HostedFunction
from devhost.host.router import Router
from devhost.host.status import WEBHOOK_PATH
from devhost.host.ticking import timer_datum

LOG = logging.getLogger(__name__)
RPC_PATH = "/durabletask/"
# Zero lifts aiohttp's limit of one megabyte: Azure has no such limit, and large inputs would fail obscurely.
_NO_BODY_LIMIT = 0


class Front:
    """Answers everything that arrives on the public port."""

    def __init__(self, functions: Sequence[HostedFunction], router: Router, invoker: Invoker) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._router = router
        self._invoker = invoker

    def application(self, api: ClientApi) -> web.Application:
        """The aiohttp application of the public listener."""
        app = web.Application(client_max_size=_NO_BODY_LIMIT)
        app.router.add_route("*", WEBHOOK_PATH + "/{tail:.*}", api.handle)
        app.router.add_post("/admin/functions/{name}", self._run_by_hand)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.Response:
        found = self._router.match(request.method, request.rel_url.raw_path)
        if found is None:
            at_root = request.path == "/" and request.method in ("GET", "HEAD")
            return web.Response(status=200 if at_root else 404)
        function, route_values = found
        try:
            result = await self._invoker.call(function, await http_datum(request, route_values))
        except InvocationFailed as failure:
            LOG.error("function %s failed: %s\n%s", function.name, failure, failure.stack)
            return web.Response(status=500)
        return http_response(result)

    async def _run_by_hand(self, request: web.Request) -> web.Response:
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        if function.trigger_type not in (TIMER, ACTIVITY):
            return web.Response(status=400, text=f"function {function.name} cannot be run by hand")
        text = await request.text()
        try:
            value = json.loads(text).get("input") if text else None
        except (ValueError, AttributeError):
            return web.Response(status=400, text='the body must be a JSON object such as {"input": ""}')
        if function.trigger_type == TIMER:
            datum = timer_datum(None, past_due=False)
        else:
            datum = Datum(type="string", value=value if isinstance(value, str) else json.dumps(value))
        try:
            await self._invoker.call(function, datum)
        except InvocationFailed as failure:
            LOG.error("function %s failed: %s\n%s", function.name, failure, failure.stack)
        return web.Response(status=202)


def rpc_application(api: ClientApi) -> web.Application:
    """The aiohttp application of the private listener the Durable client library talks to."""
    app = web.Application(client_max_size=_NO_BODY_LIMIT)
    app.router.add_route("*", RPC_PATH + "{tail:.*}", api.handle)
    return app


async def http_datum(request: web.Request, route_values: dict[str, str]) -> Datum:
    """The request as the worker's HTTP converter expects it: repeats joined by commas, empty query values dropped."""
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    query = {name: ",".join(request.query.getall(name)) for name in request.query}
    value = {
        "method": _text(request.method),
        "url": _text(str(request.url)),
        "headers": _texts(headers),
        "body": Datum(type="bytes", value=await request.read()),
        "params": _texts(route_values),
        "query": _texts({name: text for name, text in query.items() if text}),
    }
    return Datum(type="http", value=value)


def http_response(datum: Datum | None) -> web.Response:
    """The answer on the wire for what the HTTP converter produced."""
    if datum is None:
        return web.Response(status=200)
    if datum.type == "string":
        return web.Response(text=datum.value)
    value: dict[str, Any] = datum.value
    headers: CIMultiDict[str] = CIMultiDict()
    for name, content in value["headers"].items():
        # The length is that of the body really sent; a wrong one would break the connection.
        if name.lower() != "content-length":
            headers[name] = content.value
    for cookie in value["cookies"] or ():
        _add_cookies(headers, cookie)
    return web.Response(status=int(value["status_code"].value), body=value["body"].value, headers=headers)


def _add_cookies(headers: CIMultiDict[str], cookie: SimpleCookie) -> None:
    for morsel in cookie.values():
        headers.add("Set-Cookie", morsel.OutputString())


def _text(value: str) -> Datum:
    return Datum(type="string", value=value)


def _texts(values: dict[str, str]) -> dict[str, Datum]:
    return {name: _text(value) for name, value in values.items()}
