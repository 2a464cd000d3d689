"""Gathers what the stores tell of an operation, and of all operations of an environment."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.domain.audit import AuditEntry
from shared.domain.events import Event
from shared.domain.faults import UnknownOperation
from shared.domain.operations import OperationKind
from shared.domain.recovery_history import History, trend_of
from shared.domain.reports import Evidence, Report, report_of, window_start
from shared.ports import Ports
from shared.steps.admin_calls import find_operation
from shared.steps.observe import environment_of, rto_target_s

PAGE: Final = 200
MOST_LOOKED_THROUGH: Final = 2000
"""Audit entries and events that a report looks through, newest first; an environment makes about 30 per failover."""
CLOCKS_APART: Final = timedelta(minutes=1)
"""How much earlier another instance's clock may date what follows."""
MOST_OPERATIONS: Final = 500
"""Operations that a history looks through, newest first: years of failovers and monthly drills."""


def report_operation(ports: Ports, operation_id: str) -> Report:
    """Return the report of an operation; of one that runs, as far as it has come.

    Raises:
        UnknownOperation: There is none with this id.
        LockStoreUnavailable: Table Storage does not answer.
    """
    operation = find_operation(ports, operation_id)
    if operation is None:
        raise UnknownOperation(f"Operation {operation_id} does not exist")
    name = operation.request.environment
    entries, all_entries = _entries_since(ports, name, operation.request.requested_at - CLOCKS_APART)
    events, all_events = _events_since(ports, name, window_start(operation) - CLOCKS_APART)
    evidence = Evidence(
        operation=operation,
        entries=[entry for entry in entries if _belongs_to(entry, operation_id)],
        events=events,
        is_complete=all_entries and all_events,
        target_s=rto_target_s(ports, name),
        now=ports.clock.now(),
    )
    return report_of(evidence)


def read_history(ports: Ports, environment: str, *, kind: OperationKind | None, limit: int) -> History:
    """Return the newest ended operations of an environment, of one kind or of all, and the trends.

    Raises:
        UnknownEnvironment: It is not declared.
        LockStoreUnavailable: Table Storage does not answer.
    """
    name = environment_of(ports, environment).name
    found = ports.operations.list(name, limit=MOST_OPERATIONS)
    ended = [one for one in found if one.ended_at is not None and kind in (None, one.request.kind)]
    kinds = [one for one in OperationKind if any(operation.request.kind is one for operation in ended)]
    return History(
        operations=ended[:limit],
        trends=[trend_of(one, ended) for one in kinds],
        looked_through=len(ended),
        target_s=rto_target_s(ports, name),
    )


def _belongs_to(entry: AuditEntry, operation_id: str) -> bool:
    return str(entry.after.get("write_id", "")).startswith(f"{operation_id}/")


def _entries_since(ports: Ports, name: str, start: datetime) -> tuple[Sequence[AuditEntry], bool]:
    """Return the audit entries from an instant on, oldest first, and whether those are all."""
    found: list[AuditEntry] = []
    page = ports.audit.list(name, limit=PAGE)
    while page and len(found) < MOST_LOOKED_THROUGH:
        found += page
        if page[-1].at < start or page[-1].sequence <= 1:
            return found[::-1], True
        page = ports.audit.list(name, limit=PAGE, before=page[-1].sequence)
    return found[::-1], not page


def _events_since(ports: Ports, name: str, start: datetime) -> tuple[Sequence[Event], bool]:
    """Return the events from an instant on, oldest first, and whether those are all."""
    found: list[Event] = []
    page = list(ports.events.newest(name, limit=PAGE))[::-1]
    while page and len(found) < MOST_LOOKED_THROUGH:
        found = page + found
        first = page[0]
        if first.at < start or first.sequence <= 1:
            return found, True
        older = max(first.sequence - 1 - PAGE, 0)
        page = list(ports.events.after(name, older, limit=first.sequence - 1 - older))
    return found, not page
