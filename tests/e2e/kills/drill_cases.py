"""Where the host is killed during a drill: between its steps, and inside what only drills do.

Its other steps are those of a failover, which `cases` kills inside as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.operations import STEPS_OF, OperationKind, Step
from tests.e2e.kills.cases import Kill

ENVIRONMENT = "K01"
STEPS = (*STEPS_OF[OperationKind.DRILL], Step.FINISH_OPERATION)

FIRST = "drills.insert"
"""How the first drill of an environment takes the slot; each later one replaces what the former has left."""
BEGINNING = (FIRST, "drills.replace", "operations.insert", "audit.insert", "events.insert operation.begun")
INSIDE = {
    Step.START_DR_CLUSTER: ("clusters.begin_start",),
    Step.RUN_CANARY: ("gateways.replace",),
    Step.STOP_AFTER_DRILL: (
        "drills.replace#1",  # the rehearsal is over
        "drills.replace#2",  # a stop is about to be sent
        "clusters.begin_stop",
    ),
    Step.FINISH_OPERATION: ("audit.insert", "gateways.replace", "drills.replace", "operations.replace"),
}
REPORT = ("canary", "gateways.replace")
"""Where the DR gateway's report of its canary is kept, while the step waits for it."""


def drill_kills() -> tuple[Kill, ...]:
    """Return every case. One environment has them all: the first has to be its first drill."""
    return tuple(
        Kill(
            environment=ENVIRONMENT, kind=OperationKind.DRILL, function=function, when=when,
            point=place.partition("#")[0], times=int(place.partition("#")[2] or 1),
        )
        for function, when, place in _places()
    )  # fmt: skip


def _places() -> Iterator[tuple[str, str, str]]:
    yield from (("drills", "inside", place) for place in BEGINNING)
    for step in STEPS:
        function = f"step_{step.id}"
        yield function, "before", ""
        yield from ((function, "inside", place) for place in INSIDE.get(step, ()))
        if step is Step.RUN_CANARY:
            yield REPORT[0], "inside", REPORT[1]
        yield function, "returned", ""
