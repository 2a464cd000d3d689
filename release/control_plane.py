"""What a deployment asks the control plane: whether anything runs, and whether the new release answers as it should."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from release.calls import Answer, NoAnswer, call
from shared.web.routes import GATEWAY_HEALTH, LIVE, OPERATIONS, READY, ROUTES, Route

NOBODY: Final = "not.a.token"


class NotAsked(Exception):
    """The control plane did not say whether an operation runs; that is not the same as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """The API of one function app: `url` without /api, and a token with the role gateway:read."""

    url: str
    token: str

    def get(self, route: Route, *, query: str = "", token: str | None) -> Answer:
        """Return the answer to GET. Raises NoAnswer."""
        path = re.sub(r"\{\w+\}", "none", route.path)
        return call("GET", f"{self.url}/api/{path}{query}", token=token)


def running_operations(plane: ControlPlane) -> list[str]:
    """Return what runs, as sentences: what the locks name, and every record that has not ended. Raises NotAsked."""
    health = _asked(plane, GATEWAY_HEALTH)
    records = _asked(plane, OPERATIONS, query="?limit=100")
    environments, operations = health.get("environments"), records.get("value")
    if not isinstance(environments, list) or not isinstance(operations, list):
        raise NotAsked("the answers are not those of a control plane; is the URL right?")
    running = {
        one["operation"]: f"operation {one['operation']} in {one['id']}" for one in environments if one["operation"]
    }
    for one in operations:
        if one["status"] == "running":
            running[one["id"]] = f"{one['type']} {one['id']} in {one['environment']}, at step {one['current_step']}"
    return sorted(running.values())


def wait_until_ready(
    plane: ControlPlane, *, poll_s: float, deadline_s: float, say: Callable[[str], object]
) -> str | None:
    """Wait until the app is alive, reaches its stores and its monitor ticks; return what is wrong at the deadline."""
    ends_at, said = time.monotonic() + deadline_s, ""
    while True:
        wrong = _unready(plane)
        if wrong is None or time.monotonic() + poll_s > ends_at:
            return wrong
        if wrong != said:
            say(wrong)
            said = wrong
        time.sleep(poll_s)


def faults_of(plane: ControlPlane) -> Iterator[str]:
    """Yield what a ready control plane answers otherwise than it should, as sentences."""
    for route in ROUTES:
        expected = (405,) if "GET" not in route.methods else (401,) if route.methods["GET"] else (200,)
        yield from _unexpected(plane, route, expected, token=None, who="nobody")
    yield from _unexpected(plane, GATEWAY_HEALTH, (401,), token=NOBODY, who="a forged token")
    yield from _unexpected(plane, GATEWAY_HEALTH, (200,), token=plane.token, who="our token")


def _unexpected(
    plane: ControlPlane, route: Route, expected: tuple[int, ...], *, token: str | None, who: str
) -> Iterator[str]:
    try:
        answer = plane.get(route, token=token)
    except NoAnswer as fault:
        yield str(fault)
        return
    if answer.status not in expected:
        yield f"GET /api/{route.path} answers {who} with {answer.status} instead of {expected[0]}"


def _unready(plane: ControlPlane) -> str | None:
    for route, token in ((LIVE, None), (READY, plane.token)):
        try:
            answer = plane.get(route, token=token)
        except NoAnswer as fault:
            return str(fault)
        if answer.status != 200:
            return f"GET /api/{route.path}: {answer}"
    return None


def _asked(plane: ControlPlane, route: Route, *, query: str = "") -> dict[str, object]:
    try:
        answer = plane.get(route, query=query, token=plane.token)
    except NoAnswer as fault:
        raise NotAsked(str(fault)) from fault
    document = answer.document()
    if answer.status != 200 or not isinstance(document, dict):
        raise NotAsked(f"GET /api/{route.path}: {answer}")
    return document
