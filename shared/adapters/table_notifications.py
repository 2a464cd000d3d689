"""Cursors and attempts of notifications in Table Storage."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from shared.adapters.codec import (
    Codec,
    Fields,
    Key,
    Properties,
    in_parts,
    instant_text,
    json_text,
    time_counted_down,
    without_nones,
)
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.incidents import Incident
from shared.domain.locks import Versioned
from shared.domain.notification_cursors import Delivery, NotificationCursor
from shared.domain.notifications import Receipt, Severity, Signal


class TableNotificationCursorStore:
    """`NotificationCursorStore` over the table `notificationcursors`: partition = environment, row = channel."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, CURSOR)

    def read_all(self, environments: Collection[str]) -> Sequence[Versioned[NotificationCursor]]:
        """Return the cursors of these environments in one request."""
        return self._records.read_all(environments)

    def insert(self, cursor: NotificationCursor) -> Versioned[NotificationCursor]:
        """Create the cursor; Conflict when it exists."""
        return self._records.insert(cursor)

    def replace(self, cursor: NotificationCursor, *, etag: str) -> Versioned[NotificationCursor]:
        """Replace the cursor read at `etag`; Conflict on any other version."""
        return self._records.replace(cursor, etag=etag)


class TableNotificationDeliveryStore:
    """`NotificationDeliveryStore` over the table `notificationdeliveries`: partition = channel, newest row first."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, DELIVERY)

    def insert(self, delivery: Delivery) -> None:
        """Log an attempt; Conflict when this one is logged already."""
        self._records.insert(delivery)

    def newest(self, channel: str, *, limit: int) -> Sequence[Delivery]:
        """Return the newest attempts of a channel, newest first."""
        return self._records.list(channel, limit=limit)


def _encode_cursor(cursor: NotificationCursor) -> Properties:
    return without_nones(
        {
            "sequence": cursor.sequence,
            "failures": cursor.failures,
            "next_try_at": instant_text(cursor.next_try_at) if cursor.next_try_at else None,
            **{receipt.value: number for receipt, number in cursor.counts.items()},
            **in_parts("incidents", json_text({one.key: _encode_incident(one) for one in cursor.incidents})),
        }
    )


def _decode_cursor(key: Key, properties: Properties) -> NotificationCursor:
    row = Fields(f"notification cursor of {key.row} in {key.partition}", properties)
    counts = {receipt: row.optional_number(receipt.value) for receipt in Receipt}
    return NotificationCursor(
        environment=key.partition,
        channel=key.row,
        sequence=row.number("sequence"),
        incidents=tuple(_decode_incident(row.what, one, kept) for one, kept in row.joined("incidents").items()),
        failures=row.number("failures"),
        next_try_at=row.optional_instant("next_try_at"),
        counts={receipt: number for receipt, number in counts.items() if number is not None},
    )


def _encode_incident(incident: Incident) -> Mapping[str, object]:
    return {
        "opened_at": instant_text(incident.opened_at),
        "last_sent_at": instant_text(incident.last_sent_at),
        "severity": incident.severity.value,
        "sentence": incident.sentence,
        "next_action": incident.next_action,
        "acknowledged": incident.acknowledged,
        "quiet_until": instant_text(incident.quiet_until) if incident.quiet_until else None,
        "thread": incident.thread,
        "operations": [*incident.operations],
    }


def _decode_incident(what: str, key: str, kept: object) -> Incident:
    row = Fields(f"{what}, incident {key}", kept if isinstance(kept, dict) else {})
    return Incident(
        key=key,
        opened_at=row.instant("opened_at"),
        last_sent_at=row.instant("last_sent_at"),
        severity=row.member("severity", Severity),
        sentence=row.text("sentence"),
        next_action=row.text("next_action"),
        acknowledged=row.flag("acknowledged"),
        quiet_until=row.optional_instant("quiet_until"),
        thread=row.optional_text("thread"),
        operations=tuple(row.texts("operations")),
    )


def _delivery_row(delivery: Delivery) -> str:
    # The id may hold what a row key may not.
    named = hashlib.sha256(f"{delivery.notification_id} {delivery.attempt}".encode()).hexdigest()[:16]
    return f"{time_counted_down(delivery.at)}-{named}"


def _encode_delivery(delivery: Delivery) -> Properties:
    return without_nones(
        {
            "environment": delivery.environment,
            "notification_id": delivery.notification_id,
            "type": delivery.type,
            "signal": delivery.signal.value,
            "severity": delivery.severity.value,
            "at": instant_text(delivery.at),
            "attempt": delivery.attempt,
            "receipt": delivery.receipt.value,
            "incident": delivery.incident,
            "sequence": delivery.sequence,
            "status": delivery.status,
            "detail": delivery.detail,
        }
    )


def _decode_delivery(key: Key, properties: Properties) -> Delivery:
    row = Fields(f"attempt {key.row} of {key.partition}", properties)
    return Delivery(
        channel=key.partition,
        environment=row.text("environment"),
        notification_id=row.text("notification_id"),
        type=row.text("type"),
        signal=row.member("signal", Signal),
        severity=row.member("severity", Severity),
        at=row.instant("at"),
        attempt=row.number("attempt"),
        receipt=row.member("receipt", Receipt),
        incident=row.optional_text("incident"),
        sequence=row.optional_number("sequence"),
        status=row.optional_number("status"),
        detail=row.text("detail"),
    )


CURSOR: Final = Codec(
    key=lambda cursor: Key(partition=cursor.environment, row=cursor.channel),
    encode=_encode_cursor,
    decode=_decode_cursor,
)
DELIVERY: Final = Codec(
    key=lambda delivery: Key(partition=delivery.channel, row=_delivery_row(delivery)),
    encode=_encode_delivery,
    decode=_decode_delivery,
)
