"""What must hold of what people answer to a running operation: cancellations and approvals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from devhost.simulation.checkers import Events, Violation
from devhost.simulation.history import Answered, Asked, LockWritten, OperationEnded


def the_cancelled_move_nothing(events: Events) -> Iterator[Violation]:
    """After somebody was told that an operation is cancelled, no move of it lands, and its record says cancelled."""
    cancelled: set[str] = set()
    for event in events:
        if isinstance(event, Answered) and event.outcome == "cancelled":
            cancelled.add(event.detail)
        elif isinstance(event, LockWritten):
            mover, _, word = event.written_by.partition("/")
            if word.startswith("move") and mover in cancelled:
                yield Violation(
                    "the cancelled move nothing", event.at_s, f"{mover} gave {event.token} to {event.holder}"
                )
        elif isinstance(event, OperationEnded) and event.operation in cancelled and event.status != "cancelled":
            yield Violation("the cancelled move nothing", event.at_s, f"{event.operation} ended as {event.status}")


def two_persons_move_a_marked_environment(events: Events) -> Iterator[Violation]:
    """What began in a marked environment, or by force, moves the lock only after somebody else asked to approve it."""
    marked, begun, approved = False, dict[str, bool](), set[str]()
    last: LockWritten | None = None
    for event in events:
        if isinstance(event, Asked) and event.what.startswith("approve ") and event.what.endswith(" as second"):
            approved.add(event.what.split()[1])
        elif isinstance(event, LockWritten):
            if event.operation is not None:
                needed = begun.setdefault(event.operation, marked or event.forced)
                moved = last is not None and event.holder not in (None, last.holder)
                if moved and needed and event.operation not in approved:
                    yield Violation("two persons move a marked environment", event.at_s, f"{event.operation} moved it")
            marked, last = event.two_person, event


CONSENT: Final[tuple[Callable[[Events], Iterator[Violation]], ...]] = (
    the_cancelled_move_nothing,
    two_persons_move_a_marked_environment,
)
"""The checkers of this file."""
