"""The one way a step writes an environment lock: conditionally, and reading back when the answer is unclear."""

from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.locks import EnvironmentLock, Versioned
from shared.ports import Ports


def replace_lock(ports: Ports, lock: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock] | None:
    """Replace the lock read at `etag`; return what is stored now, or None when another write came first.

    A 412 is no answer: it is also what our own write looks like when its acknowledgement was lost and something
    repeated it. The stored `written_by` tells the two apart (ADR 0004).

    Raises:
        LockStoreUnavailable: Nothing was sent, or the read-back did not answer either.
    """
    try:
        return ports.locks.replace(lock, etag=etag)
    except (Conflict, OutcomeUnknown):
        stored = ports.locks.read(lock.environment)
    if stored is not None and stored.value.written_by == lock.written_by:
        return stored
    if stored is not None and stored.etag == etag:
        # Our write has not landed, but it may still be on its way: nobody may assume either.
        raise LockStoreUnavailable("the write of the environment lock was not answered")
    return None


def found_lock(ports: Ports, lock: EnvironmentLock) -> Versioned[EnvironmentLock] | None:
    """Create the first lock of an environment; return what is stored now, or None when it is not ours."""
    try:
        return ports.locks.insert(lock)
    except (Conflict, OutcomeUnknown):
        stored = ports.locks.read(lock.environment)
    if stored is None:
        raise LockStoreUnavailable("the creation of the environment lock was not answered")
    return stored if stored.value.written_by == lock.written_by else None
