"""All safeguards that have a mutant: one list, read by the gate, by the simulation's tests and by people."""

from __future__ import annotations

from typing import Final

from tests.mutants.of_notifications import OF_NOTIFICATIONS
from tests.mutants.of_operations import OF_OPERATIONS
from tests.mutants.of_the_lock import OF_THE_LOCK
from tests.mutants.of_the_monitor import OF_THE_MONITOR
from tests.mutants.of_work import OF_GATEWAYS, OF_POSTGRESQL, OF_THE_GUARD

MUTANTS: Final = (
    *OF_THE_LOCK,
    *OF_OPERATIONS,
    *OF_THE_MONITOR,
    *OF_NOTIFICATIONS,
    *OF_THE_GUARD,
    *OF_POSTGRESQL,
    *OF_GATEWAYS,
)
