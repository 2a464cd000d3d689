"""Reads an environment's timeline: from a number on, or from now on."""

from collections.abc import Sequence

from shared.domain.events import Event
from shared.domain.faults import MalformedRequest
from shared.ports import Ports
from shared.steps.observe import environment_of


def begin_reading(ports: Ports, environment: str, after: int | None) -> int:
    """Return the number after which a reader goes on; None means after the newest event there is.

    Raises:
        UnknownEnvironment: It is not declared.
        MalformedRequest: The number is above the newest one. Such a reader has seen events that are gone, since Table
            Storage lost writes, and would wait for ever.
        LockStoreUnavailable: Table Storage does not answer.
    """
    name = environment_of(ports, environment).name
    newest = next(iter(ports.events.newest(name, limit=1)), None)
    last = newest.sequence if newest else 0
    if after is None:
        return last
    if after > last:
        raise MalformedRequest(
            "Query parameter after is not valid", (("?after", f"The newest event is {last}; events were lost since"),)
        )
    return after


def events_after(ports: Ports, environment: str, sequence: int, *, limit: int) -> Sequence[Event]:
    """Return up to `limit` events that follow a number, oldest first. Raises LockStoreUnavailable."""
    return ports.events.after(environment, sequence, limit=limit)
