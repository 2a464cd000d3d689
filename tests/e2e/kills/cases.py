"""Where the host is killed: before, inside and after every step of a failover and of a failback.

Cases take turns in a few environments, so that none waits until a primary has been silent for long enough. The failback
case of a rank follows the failover case of the same rank, in the same environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from shared.domain.operations import STEPS_OF, OperationKind, Step

UNTOUCHED = "K00"
"""The environment in which nothing is ever killed; the others must end as it does."""
OTHERS = 10
"""How many more there are. The health monitor and the reconciler visit each, several times while a case lasts."""

BEGINNING = {OperationKind.FAILOVER: "activate_dr", OperationKind.FAILBACK: "failback"}
"""The HTTP functions that register an operation, which is what happens before its first step."""

RECORDED_START, RECORDED_END = "operations.replace#1", "operations.replace#2"
_EFFECTS = {
    Step.START_DR_CLUSTER: ("clusters.begin_start",),
    Step.ACTIVATE_DR: ("locks.replace", "audit.insert", "work.sync_mirror"),
    Step.DRAIN_DR_GATEWAY: ("locks.replace",),
    Step.REACTIVATE_PRIMARY: ("locks.replace", "audit.insert", "work.sync_mirror"),
    Step.SCHEDULE_DR_STOP: ("locks.replace",),
    Step.FINISH_OPERATION: ("operations.replace", "locks.replace", "audit.insert"),
}
"""What a step changes beside the operation's record, in its order; steps that only look have nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One death of the host. `point` is set when it dies inside; `times` counts passes of the place until it does."""

    environment: str
    kind: OperationKind
    function: str
    when: str  # before, inside, returned (its effect is done, its result not kept), recorded
    point: str = ""
    times: int = 1

    @property
    def name(self) -> str:
        """What the case is called in a report."""
        place = self.point + (f"#{self.times}" if self.times > 1 else "")
        return "-".join(part for part in (self.kind.value, self.function, self.when, place) if part)

    @property
    def crash(self) -> dict[str, object]:
        """What the crash file has to say (devhost.host.crash, devhost.lab.crashing)."""
        if self.when == "inside":
            return {"point": f"{self.function} {self.point}", "when": "inside", "after": self.times}
        return {"activity": self.function, "when": self.when, "n": self.times}


def kills() -> tuple[Kill, ...]:
    """Return every case, in an order that lets the primary of one environment come back during another's failover."""
    failovers, failbacks = (list(_of(kind)) for kind in (OperationKind.FAILOVER, OperationKind.FAILBACK))
    ordered: list[Kill | None] = []
    for failover, failback in zip_longest(failovers, [None, *failbacks]):
        ordered += [failover, failback]
    return tuple(kill for kill in ordered if kill is not None)


def _of(kind: OperationKind) -> Iterator[Kill]:
    for rank, (function, when, place) in enumerate(_places(kind)):
        point, _, times = place.partition("#")
        yield Kill(
            environment=f"K{1 + rank % OTHERS:02d}",
            kind=kind,
            function=function,
            when=when,
            point=point,
            times=int(times or 1),
        )


def _places(kind: OperationKind) -> Iterator[tuple[str, str, str]]:
    # Registered but not recorded, and recorded but not started: the reconciler has to find it.
    for point in ("locks.replace", "audit.insert"):
        yield BEGINNING[kind], "inside", point
    for step in (*STEPS_OF[kind], Step.FINISH_OPERATION):
        activity = f"step_{step.id}"
        yield activity, "before", ""
        for point in inside(step):
            yield activity, "inside", point
        yield activity, "returned", ""
        yield activity, "recorded", ""


def inside(step: Step) -> tuple[str, ...]:
    """Return the places inside a step at which a run of it may end; the end of the record is left to `returned`."""
    effects = _EFFECTS.get(step, ())
    return effects if effects else (RECORDED_START,)


def step_of(kill: Kill) -> str:
    """Return the id of the step that a case kills; empty before the first."""
    found = re.fullmatch(r"step_(\w+)", kill.function)
    return found[1] if found else ""
