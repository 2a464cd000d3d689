"""Calls the app's HTTP functions in this process: the shell as it is, over a world in memory, as a chosen caller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

import function_app
from devhost.simulation.world import World
from functions import admin_failover, http_shell, request_trace
from shared.domain.operations import OperationRequest
from shared.web.auth import Principal

ORIGIN = "https://dr.example"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller got."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """The problem's code."""
        return str(self.body["code"])


@lru_cache(maxsize=1)
def handlers() -> Mapping[str, Callable[..., Any]]:
    """Return the code of every function by name, as it was written."""
    found: dict[str, Callable[..., Any]] = {}
    for function in function_app.app.get_functions():
        code = function.get_user_function()
        found[str(function.get_function_name())] = getattr(code, "client_function", code)
    return found


@dataclass(slots=True)
class Shell:
    """The shell over one world."""

    world: World
    started: list[OperationRequest] = field(default_factory=list)  # orchestrations, in order
    caller: Principal | None = None

    def signed_in(self, object_id: str, *roles: str) -> Shell:
        """Let the next calls come from this caller."""
        self.caller = Principal(
            subject=object_id, object_id=object_id, tenant_id="tenant", roles=frozenset(roles), is_app=False,
            name=f"name of {object_id}",
        )  # fmt: skip
        return self

    def post(self, function: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **path: str) -> Answer:
        """POST to the function. A path value that begins with `query_` is one of the query."""
        query = {name.removeprefix("query_"): path.pop(name) for name in tuple(path) if name.startswith("query_")}
        request = func.HttpRequest(
            method="POST", url=f"{ORIGIN}/api/{function}", params=query, route_params=path,
            headers={"content-type": "application/json", **(headers or {})},
            body=b"" if body is None else json.dumps(body).encode(),
        )  # fmt: skip
        code = handlers()[function]
        done = asyncio.run(code(request, None)) if asyncio.iscoroutinefunction(code) else code(request)
        return Answer(done.status_code, json.loads(done.get_body()), dict(done.headers))


def opened(world: World, patch: pytest.MonkeyPatch) -> Shell:
    """Return the shell over this world; its callers need no token, and orchestrations are noted, not started."""
    shell = Shell(world)

    async def start(_: object, request: OperationRequest) -> None:
        shell.started.append(request)

    async def is_running(_: object, operation_id: str) -> bool:
        return operation_id in [request.id for request in shell.started]

    for module in (http_shell, request_trace):
        patch.setattr(module, "ports", lambda: world.ports)
    patch.setattr(request_trace, "traces", lambda: None)

    patch.setattr(http_shell, "settings", lambda: SimpleNamespace(public_url=ORIGIN))
    for name in ("signing_keys", "token_rules"):
        patch.setattr(http_shell, name, lambda: None)
    patch.setattr(http_shell, "authenticate", lambda *_, **__: shell.caller)
    patch.setattr(admin_failover, "start_operation", start)
    patch.setattr(admin_failover, "is_running", is_running)
    return shell
