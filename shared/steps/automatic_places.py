"""The places of automatic failovers: taken and given back by conditional writes of one row (ADR 0021)."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shared.domain.automatic import AutomaticRun, AutomaticRuns
from shared.domain.faults import Conflict, OutcomeUnknown
from shared.domain.locks import EnvironmentLock, Versioned
from shared.ports import Ports
from shared.steps.write_lock import replace_lock
from shared.telemetry import warn

TRIES: Final = 5
UNCLEAR_FOR_S: Final = 60.0
"""How long a taken place may be without its operation in the lock before somebody makes sure that it never comes: far
longer than the two writes are apart, and soon enough for the next environment in line."""


def take_place(ports: Ports, stored: Versioned[AutomaticRuns] | None, wanted: AutomaticRuns, run: AutomaticRun) -> bool:
    """Write the runs at the version they were read; False when somebody else has written them since.

    Raises:
        LockStoreUnavailable: Nothing was written, or the read-back did not answer.
    """
    try:
        ports.automatic.write(wanted, etag=stored.etag if stored else None)
    except Conflict:
        return False
    except OutcomeUnknown:
        found = ports.automatic.read()
        return found is not None and run in found.value.running
    return True


def give_back(ports: Ports, run: AutomaticRun) -> None:
    """Take out a run that never began. What is left behind after a failure is found by `without_ended`."""
    for _ in range(TRIES):
        found = ports.automatic.read()
        if found is None or run not in found.value.running:
            return
        try:
            ports.automatic.write(found.value.never_began(run), etag=found.etag)
        except Conflict:
            continue
        return


def without_ended(ports: Ports, runs: AutomaticRuns) -> AutomaticRuns:
    """Return the runs that are running or may yet begin; reads, and writes nothing."""
    for run in runs.running:
        lock = ports.locks.read(run.environment)
        if lock is None or (not _names(lock, run) and lock.etag != run.lock_etag):
            runs = _free(ports, runs, run)
    return runs


def make_sure_of_unclear(ports: Ports, runs: AutomaticRuns) -> None:
    """See that a place whose operation has not come for long can never be used: change the version it waits for.

    Whoever took it may have died, or be stopped between its two writes; only after this is the place free.
    """
    for run in runs.running:
        lock = ports.locks.read(run.environment)
        overdue = ports.clock.now() - run.began_at > timedelta(seconds=UNCLEAR_FOR_S)
        if lock is not None and lock.etag == run.lock_etag and not _names(lock, run) and overdue:
            touched = replace(lock.value, written_by=f"place/{ports.ids.unique()}")
            if replace_lock(ports, touched, etag=lock.etag) is not None:
                warn("failover.never_began", environment=run.environment, operation_id=run.operation_id)


def _names(lock: Versioned[EnvironmentLock], run: AutomaticRun) -> bool:
    return lock.value.operation is not None and lock.value.operation.id == run.operation_id


def _free(ports: Ports, runs: AutomaticRuns, run: AutomaticRun) -> AutomaticRuns:
    # An operation that was ever in the lock has a record by the time it leaves it.
    began = ports.operations.read(run.operation_id) is not None
    return runs.ended(run) if began else runs.never_began(run)
