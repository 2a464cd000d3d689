"""How `activation_status` may change: one table, every dead end spelled out.

Theory. A gateway's status is derived from the environment lock, so a transition is never written on its own: it
is the consequence of one conditional write of the lock. This table says which consequences are legal. Each event
is one kind of lock write seen from one gateway; each row has an id that events and logs carry. A (status, event)
pair is either a rule or on the list of impossible pairs; `check_table` proves that no pair is both or neither.

A returning heartbeat is deliberately no event. A failed holder comes back only through RECOVERED, which needs a
new token; a failed gateway that no longer holds the lock comes back only by winning it (failback, runbook 2.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from shared.domain.faults import InvariantViolation
from shared.domain.gateways import ActivationStatus

ACTIVE = ActivationStatus.ACTIVE
STANDBY = ActivationStatus.STANDBY
FAILED = ActivationStatus.FAILED


class Event(Enum):
    """A write of the environment lock, as one gateway lives through it."""

    WON_LOCK = "won_lock"  # the lock was given to this gateway under a new token
    LOST_LOCK = "lost_lock"  # the lock was taken from this gateway
    FOUND_SILENT = "found_silent"  # the monitor marked the holder failed under its present token
    RECOVERED = "recovered"  # the failed holder beat on time again and got a new token
    DEACTIVATED = "deactivated"  # a person took the gateway out (runbook section 3)


@dataclass(frozen=True, slots=True)
class Rule:
    """One legal transition: its id, the status it leads to, and why."""

    id: str
    to: ActivationStatus
    why: str


TRANSITIONS: Final[Mapping[ActivationStatus, Mapping[Event, Rule]]] = {
    ACTIVE: {
        Event.FOUND_SILENT: Rule("health-1", FAILED, "Silent for FailureThreshold windows under its present token"),
        Event.LOST_LOCK: Rule("lock-1", STANDBY, "Another gateway was given the environment"),
        Event.DEACTIVATED: Rule("deactivate-1", STANDBY, "A person took the holder out; nobody holds the lock"),
    },
    STANDBY: {
        Event.WON_LOCK: Rule("lock-2", ACTIVE, "Was given the environment under a new token"),
        Event.DEACTIVATED: Rule("deactivate-2", STANDBY, "It held nothing; nothing changes"),
    },
    FAILED: {
        Event.WON_LOCK: Rule("lock-3", ACTIVE, "Recovered, and chosen again by failback"),
        Event.LOST_LOCK: Rule("lock-4", FAILED, "A failed holder stays failed after losing the lock, until failback"),
        Event.RECOVERED: Rule("health-2", ACTIVE, "Still holds the lock, beat on time again, got a new token"),
        Event.DEACTIVATED: Rule("deactivate-3", FAILED, "A failed gateway stays failed"),
    },
}

IMPOSSIBLE: Final[Mapping[ActivationStatus, frozenset[Event]]] = {
    ACTIVE: frozenset({Event.WON_LOCK, Event.RECOVERED}),  # it holds the lock already, and was not failed
    STANDBY: frozenset({Event.LOST_LOCK, Event.FOUND_SILENT, Event.RECOVERED}),  # only a holder can lose or fail
    FAILED: frozenset({Event.FOUND_SILENT}),  # it is marked already
}


def next_status(status: ActivationStatus, event: Event) -> Rule:
    """Return the rule for `event` in `status`.

    Raises:
        InvariantViolation: The pair is impossible; whoever caused it decided on a wrong snapshot.
    """
    rule = TRANSITIONS[status].get(event)
    if rule is None:
        raise InvariantViolation(f"{event.value} cannot happen to a gateway that is {status.value}")
    return rule


def check_table() -> tuple[str, ...]:
    """Return every fault of the table as a sentence; empty when each pair is named exactly once and ids are unique."""
    faults = []
    for status in ActivationStatus:
        for event in Event:
            named = (event in TRANSITIONS[status]) + (event in IMPOSSIBLE[status])
            if named != 1:
                faults.append(f"{status.value}/{event.value} is named {named} times")
    ids = [rule.id for rules in TRANSITIONS.values() for rule in rules.values()]
    faults += [f"rule id {rule_id} is used twice" for rule_id in sorted({i for i in ids if ids.count(i) > 1})]
    return tuple(faults)


def dump_table() -> str:
    """Return the table as text, one line per pair, for review and for the documentation."""
    lines = []
    for status in ActivationStatus:
        for event in Event:
            rule = TRANSITIONS[status].get(event)
            target = f"{rule.to.value:<8} {rule.id:<13} {rule.why}" if rule else "-        impossible"
            lines.append(f"{status.value:<8} {event.value:<13} -> {target}")
    return "\n".join(lines) + "\n"
