"""Where the host is killed while a failover begins by itself, and between the steps of that failover.

The steps are those of a failover that people ask for, which `cases` kills inside as well; here it is between them only.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.operations import STEPS_OF, OperationKind, Step
from tests.e2e.kills.cases import Kill

OTHERS = 5
"""Environments that take turns: while the others have theirs, the primary of one is silent for long enough."""

ALERT, MONITOR = "azure_monitor_alerts", "health_monitor"
TAKING_THE_ALERT = ("alerts.insert", "events.insert alert.received", "alerts.list_as_evidence")
PLACE_TAKEN = "automatic.write"
"""A host that dies here leaves a place taken for an operation that nobody has registered."""
BEGINNING = (
    "locks.replace#1",  # the mark
    PLACE_TAKEN,
    "locks.replace#2",  # registered, and not started
    "operations.insert",
    "audit.insert#2",  # the first is about the mark
    "events.insert operation.begun",
    "events.insert failover.automatic_decided",
)
"""What one tick of the monitor writes from the failed mark to the begun failover, in this order."""
STEPS = (*STEPS_OF[OperationKind.FAILOVER], Step.FINISH_OPERATION)


def automatic_kills() -> tuple[Kill, ...]:
    """Return every case; the environments take turns."""
    return tuple(
        Kill(
            environment=f"K{1 + rank % OTHERS:02d}", kind=OperationKind.FAILOVER, function=function, when=when,
            point=place.partition("#")[0], times=int(place.partition("#")[2] or 1),
        )
        for rank, (function, when, place) in enumerate(_places())
    )  # fmt: skip


def _places() -> Iterator[tuple[str, str, str]]:
    yield from ((ALERT, "inside", place) for place in TAKING_THE_ALERT)
    yield from ((MONITOR, "inside", place) for place in BEGINNING)
    yield f"step_{STEPS[0].id}", "before", ""
    yield from ((f"step_{step.id}", "returned", "") for step in STEPS)
