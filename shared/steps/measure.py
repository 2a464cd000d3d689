"""Reads what the metrics are made from, once, and leaves out what a store does not say."""

from collections.abc import Callable, Iterator
from typing import Final

from shared.domain.faults import InvariantViolation, Unavailable
from shared.domain.metrics import (
    AUDIT_ENTRIES,
    EVENTS,
    RECENT_OPERATIONS,
    RECOVERY_TARGET,
    STORE_UP,
    TICK_AGE,
    Sample,
    Store,
    sample,
    samples_of_operations,
    samples_of_snapshot,
    samples_of_tasks,
)
from shared.ports import Ports
from shared.steps.observe import observe, rto_target_s
from shared.telemetry import warn

Reader = Callable[[Ports], Iterator[Sample]]


def measure(ports: Ports) -> list[Sample]:
    """Return every number that can be had now. Never raises for a store: what it does not say is left out."""
    found = [sample(RECOVERY_TARGET, rto_target_s(ports, name), name) for name in sorted(ports.environments)]
    for store, read in READERS.items():
        try:
            samples = list(read(ports))
        except (Unavailable, InvariantViolation) as failure:
            # A row that cannot be read must not hide every other number from those who would look for it.
            warn("metrics.store_down", store=store.value, detail=str(failure))
            found.append(sample(STORE_UP, 0, store.value))
        else:
            found += [sample(STORE_UP, 1, store.value), *samples]
    return found


def _from_tables(ports: Ports) -> Iterator[Sample]:
    """Yield the numbers of Table Storage, and those of the mirrors where PostgreSQL answers."""
    sight = ports.sight.read()
    if sight is not None:
        yield sample(TICK_AGE, (ports.clock.now() - sight.value.last_tick_at).total_seconds())
    for name in sorted(ports.environments):
        yield from samples_of_snapshot(observe(ports, name), ports.policy)
        yield from samples_of_operations(name, ports.operations.list(name, limit=RECENT_OPERATIONS))
        entry, events = ports.audit.last(name), ports.events.newest(name, limit=1)
        yield sample(AUDIT_ENTRIES, entry.sequence if entry else 0, name)
        yield sample(EVENTS, events[0].sequence if events else 0, name)


def _from_database(ports: Ports) -> Iterator[Sample]:
    yield from samples_of_tasks(sorted(ports.environments), ports.work.unfinished_tasks())


READERS: Final[dict[Store, Reader]] = {Store.TABLE_STORAGE: _from_tables, Store.POSTGRESQL: _from_database}
