"""Lets a crash file end the host between two effects of one step.

For `python -m devhost.host --prepare devhost.lab.crashing:install`. Each write through a port becomes a place to die
at, right after the call returned and before anybody learned of it. Its point in the crash file (see
devhost.host.crash) is the name of the function that runs, a blank, the port and the method, such as
`step_activate_dr locks.replace`: timers and other requests make the same calls all the time. An event's type follows,
as in `health_monitor events.insert operation.begun`: one function tells of many things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from typing import Any

from devhost.host.crash import crash_point
from devhost.host.loader import ORCHESTRATION, HostedFunction
from shared.domain.events import Event
from shared.wiring import ports

WRITES = {
    "locks": ("insert", "replace"),
    "gateways": ("insert", "replace"),
    "operations": ("insert", "replace"),
    "audit": ("insert",),
    "events": ("insert",),
    "drills": ("insert", "replace"),
    "alerts": ("insert", "list_as_evidence"),
    "automatic": ("write",),
    "work": ("sync_mirror",),
    "clusters": ("begin_start", "begin_stop"),
}
"""The methods of each port that leave something behind for the next run of the step to find."""

_FUNCTION: ContextVar[str] = ContextVar("function", default="")


def install(functions: Sequence[HostedFunction]) -> tuple[HostedFunction, ...]:
    """Make every write of the application's ports a crash point, and return functions that say which of them runs."""
    connected = ports()
    for port, methods in WRITES.items():
        store = getattr(connected, port)
        for method in methods:
            # On the instance: the adapters' own inner calls go on as before.
            setattr(store, method, _followed_by_a_crash_point(getattr(store, method), f"{port}.{method}"))
    # An orchestrator decides and touches no port; it is replayed, and must be left as it is.
    return tuple(one if one.trigger_type == ORCHESTRATION else replace(one, call=_named(one)) for one in functions)


def _followed_by_a_crash_point(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(call)
    def called(*args: Any, **kwargs: Any) -> Any:
        answer = call(*args, **kwargs)
        told = "".join(f" {one.type.value}" for one in args if isinstance(one, Event))
        crash_point(f"{_FUNCTION.get()} {name}{told}")
        return answer

    return called


def _named(function: HostedFunction) -> Callable[..., Any]:
    if function.is_async:

        @wraps(function.call)
        async def run_async(**arguments: Any) -> Any:
            with _running(function.name):
                return await function.call(**arguments)

        return run_async

    @wraps(function.call)
    def run(**arguments: Any) -> Any:
        with _running(function.name):
            return function.call(**arguments)

    return run


@contextmanager
def _running(name: str) -> Iterator[None]:
    token = _FUNCTION.set(name)
    try:
        yield
    finally:
        _FUNCTION.reset(token)
