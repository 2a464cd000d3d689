"""How a step writes an environment lock or a drill slot: conditionally, reading back when the answer is unclear."""

from typing import Protocol, TypeVar

from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.locks import EnvironmentLock, Versioned
from shared.ports import Ports


class Record(Protocol):
    """One record per environment that carries the id of its newest write."""

    @property
    def environment(self) -> str:
        """Whose record it is."""

    @property
    def written_by(self) -> str:
        """What tells a lost acknowledgement from a lost race."""


R = TypeVar("R", bound=Record)


class Store(Protocol[R]):
    """Where such records are kept."""

    def read(self, environment: str, /) -> Versioned[R] | None:
        """Return the record with its version, or None."""

    def replace(self, record: R, /, *, etag: str) -> Versioned[R]:
        """Replace the record read at `etag`."""


def replace_lock(ports: Ports, lock: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock] | None:
    """Replace the lock read at `etag`; return what is stored now, or None when another write came first.

    A 412 is no answer: it is also what our own write looks like when its acknowledgement was lost and something
    repeated it. The stored `written_by` tells the two apart (ADR 0004).

    Raises:
        LockStoreUnavailable: Nothing was sent, or the read-back did not answer either.
    """
    return replace_recognised(ports.locks, lock, etag=etag)


def replace_recognised(store: Store[R], record: R, *, etag: str) -> Versioned[R] | None:
    """Replace any record that names its newest write, as `replace_lock` does."""
    try:
        return store.replace(record, etag=etag)
    except (Conflict, OutcomeUnknown):
        stored = store.read(record.environment)
    if stored is not None and stored.value.written_by == record.written_by:
        return stored
    if stored is not None and stored.etag == etag:
        # Our write has not landed, but it may still be on its way: nobody may assume either.
        raise LockStoreUnavailable(f"the write of the {type(record).__name__} was not answered")
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
