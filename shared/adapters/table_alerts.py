"""Alerts in Table Storage: kept once per alert and condition, listed by time when they are about a primary."""

from collections.abc import Callable, Sequence
from datetime import datetime

from shared.adapters.codec import (
    Codec,
    Fields,
    Key,
    Properties,
    instant_text,
    json_text,
    time_counted_down,
    without_nones,
)
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.alerts import Alert, AlertCondition, AlertKind


class TableAlertStore:
    """`AlertStore` over the table `alerts`: partition = environment.

    Row `a-` + key keeps an alert, so that a second delivery conflicts. Row `e-` + time counted down + key lists it as
    evidence, so that the newest come first and old ones are never read.
    """

    def __init__(self, rows: TableRows) -> None:
        self._kept = TableRecords(rows, _codec(lambda alert: f"a-{alert.key}"))
        self._listed = TableRecords(rows, _codec(lambda alert: f"{_before(alert.received_at)}-{alert.key}"))

    def insert(self, alert: Alert) -> None:
        """Keep the alert; Conflict when it is kept already."""
        self._kept.insert(alert)

    def read(self, environment: str, key: str) -> Alert | None:
        """Return the alert as it was first kept, or None."""
        found = self._kept.read(Key(partition=environment, row=f"a-{key}"))
        return found.value if found else None

    def list_as_evidence(self, alert: Alert) -> None:
        """Add a kept alert to the list; Conflict when it is listed already."""
        self._listed.insert(alert)

    def evidence(self, environment: str, *, since: datetime, limit: int) -> Sequence[Alert]:
        """Return the listed alerts received at `since` or later, newest first."""
        return self._listed.list(environment, limit=limit, between=("e-", f"{_before(since)}-~"))


def _before(at: datetime) -> str:
    return f"e-{time_counted_down(at)}"


def _encode(alert: Alert) -> Properties:
    return without_nones(
        {
            "id": alert.id,
            "condition": alert.condition.value,
            "intent": alert.intent,
            "kind": alert.kind.value,
            "received_at": instant_text(alert.received_at),
            "fired_at": instant_text(alert.fired_at) if alert.fired_at else None,
            "recovered": alert.recovered,
            "rule": alert.rule,
            "severity": alert.severity,
            "details": json_text(dict(alert.details)),
            "traceparent": alert.traceparent,
        }
    )


def _decode(key: Key, properties: Properties) -> Alert:
    row = Fields(f"alert {key.row} of {key.partition}", properties)
    return Alert(
        id=row.text("id"),
        condition=row.member("condition", AlertCondition),
        environment=key.partition,
        intent=row.text("intent"),
        kind=row.member("kind", AlertKind),
        received_at=row.instant("received_at"),
        fired_at=row.optional_instant("fired_at"),
        recovered=row.flag("recovered"),
        rule=row.optional_text("rule") or "",
        severity=row.optional_text("severity") or "",
        details=row.mapping("details"),
        traceparent=row.optional_text("traceparent") or "",
    )


def _codec(row: Callable[[Alert], str]) -> Codec[Alert]:
    return Codec(key=lambda alert: Key(partition=alert.environment, row=row(alert)), encode=_encode, decode=_decode)
