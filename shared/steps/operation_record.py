"""An operation's record: made when it is missing, changed only at the version that was read, for people to follow."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from shared.domain.faults import Conflict
from shared.domain.operations import Operation, OperationKind, OperationRequest, begin
from shared.ports import Ports

TRIES: Final = 10
"""How often the record may change under us; another change of the same operation is rare, and ends."""


def ensure_record(ports: Ports, request: OperationRequest) -> Operation:
    """Return the operation's record, creating it from the request when it is missing."""
    found = ports.operations.read(request.id)
    if found:
        return found.value
    operation = begin(request)
    if request.kind is OperationKind.FAILOVER:
        lock = ports.locks.read(request.environment)
        holder = lock.value.holder if lock else None
        mark = lock.value.mark_of(holder) if lock and holder else None
        if mark:
            operation = replace(operation, outage_started_at=mark.last_heartbeat, failed_at=mark.at)
    try:
        return ports.operations.insert(operation).value
    except Conflict:
        stored = ports.operations.read(request.id)
        return stored.value if stored else operation


def copy_request(ports: Ports, running: OperationRequest) -> None:
    """Copy what the lock knows of its running operation into the record, for people to see. Raises Unavailable."""
    ensure_record(ports, running)
    change_record(ports, running.id, lambda operation: replace(operation, request=running))


def change_record(ports: Ports, operation_id: str, change: Callable[[Operation], Operation]) -> None:
    """Write what `change` makes of the record as it stands; a record that is missing or has ended stays as it is.

    `change` is called anew for each version that is read.

    Raises:
        Unavailable: A store did not answer; the change may have been written.
    """
    for _ in range(TRIES):
        found = ports.operations.read(operation_id)
        if found is None or found.value.is_over:
            return
        try:
            ports.operations.replace(change(found.value), etag=found.etag)
        except Conflict:
            continue
        return
