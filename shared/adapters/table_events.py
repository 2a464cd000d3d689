"""Events in Table Storage: added, never changed."""

from collections.abc import Sequence
from typing import Final

from shared.adapters.codec import Codec, Fields, Key, Properties, counted_down, instant_text, json_text
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.events import Event, EventType


class TableEventStore:
    """`EventStore` over the table `events`: partition = environment, row = the sequence counted down."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, EVENT)

    def newest(self, environment: str, *, limit: int) -> Sequence[Event]:
        """Return the newest events, newest first."""
        return self._records.list(environment, limit=limit)

    def after(self, environment: str, sequence: int, *, limit: int) -> Sequence[Event]:
        """Return up to `limit` events that follow `sequence`, oldest first."""
        if limit <= 0:
            return ()
        # The sequence is gapless, so the wanted rows are one short range of keys.
        first, beyond = counted_down(sequence + limit), counted_down(sequence)
        return self._records.list(environment, between=(first, beyond))[::-1]

    def insert(self, event: Event) -> None:
        """Add an event; Conflict when its sequence number is taken."""
        self._records.insert(event)


def _encode(event: Event) -> Properties:
    return {
        "sequence": event.sequence,
        "id": event.id,
        "type": event.type.value,
        "at": instant_text(event.at),
        "subject": event.subject,
        "data": json_text(dict(event.data)),
    }


def _decode(key: Key, properties: Properties) -> Event:
    row = Fields(f"event {key.row} of {key.partition}", properties)
    return Event(
        environment=key.partition,
        sequence=row.number("sequence"),
        id=row.text("id"),
        type=row.member("type", EventType),
        at=row.instant("at"),
        subject=row.text("subject"),
        data=row.mapping("data"),
    )


EVENT: Final = Codec(
    key=lambda event: Key(partition=event.environment, row=counted_down(event.sequence)), encode=_encode, decode=_decode
)
