"""The stores of alerts and of automatic failovers, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from devhost.emulators.memory_rows import Fault, MemoryRows, no_fault
from shared.domain.alerts import Alert
from shared.domain.automatic import AutomaticRuns
from shared.domain.locks import Versioned


class MemoryAlertStore:
    """`AlertStore`; its fault points begin with `alerts`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[Alert] = MemoryRows("alerts", fault)

    def insert(self, alert: Alert) -> None:
        """Keep the alert; Conflict when it is kept already."""
        self.rows.insert((alert.environment, f"kept/{alert.key}"), alert)

    def read(self, environment: str, key: str) -> Alert | None:
        """Return the alert as it was first kept, or None."""
        found = self.rows.read((environment, f"kept/{key}"))
        return found.value if found else None

    def list_as_evidence(self, alert: Alert) -> None:
        """Add a kept alert to the list; Conflict when it is listed already."""
        self.rows.insert((alert.environment, f"listed/{alert.received_at.isoformat()}/{alert.key}"), alert)

    def evidence(self, environment: str, *, since: datetime, limit: int) -> Sequence[Alert]:
        """Return the listed alerts received at `since` or later, newest first."""
        listed = [alert for row, alert in self.rows.list(environment) if row.startswith("listed/")]
        recent = sorted((a for a in listed if a.received_at >= since), key=lambda a: a.received_at, reverse=True)
        return recent[: max(limit, 0)]


class MemoryAutomaticStore:
    """`AutomaticStore`; its fault points begin with `automatic`."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows: MemoryRows[AutomaticRuns] = MemoryRows("automatic", fault)

    def read(self) -> Versioned[AutomaticRuns] | None:
        """Return the runs, or None before the first."""
        return self.rows.read(("automatic", "runs"))

    def write(self, runs: AutomaticRuns, *, etag: str | None) -> Versioned[AutomaticRuns]:
        """Insert (etag None) or replace the runs; Conflict on any other version."""
        key = ("automatic", "runs")
        return self.rows.insert(key, runs) if etag is None else self.rows.replace(key, runs, etag=etag)
