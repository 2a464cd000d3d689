"""Drill slots in Table Storage."""

from typing import Final

from shared.adapters.codec import Codec, Fields, Key, Properties, instant_text, json_text, without_nones
from shared.adapters.operation_codec import decode_request, encode_request
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.drills import DrillPhase, DrillSlot
from shared.domain.locks import Versioned

SLOT_ROW: Final = "slot"


class TableDrillStore:
    """`DrillStore` over the table `drills`, one row per environment."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, SLOT)

    def read(self, environment: str) -> Versioned[DrillSlot] | None:
        """Return the slot with its version, or None before the first drill."""
        return self._records.read(Key(partition=environment, row=SLOT_ROW))

    def insert(self, slot: DrillSlot) -> Versioned[DrillSlot]:
        """Create the slot; Conflict when it exists."""
        return self._records.insert(slot)

    def replace(self, slot: DrillSlot, *, etag: str) -> Versioned[DrillSlot]:
        """Replace the slot read at `etag`; Conflict on any other version."""
        return self._records.replace(slot, etag=etag)


def _encode(slot: DrillSlot) -> Properties:
    instants = {
        "stop_sent_at": slot.stop_sent_at,
        "last_stopped_at": slot.last_stopped_at,
        "last_succeeded_at": slot.last_succeeded_at,
    }
    return without_nones(
        {
            "written_by": slot.written_by,
            "operation": json_text(encode_request(slot.operation)) if slot.operation else None,
            "phase": slot.phase.value,
            "abort_reason": slot.abort_reason,
            "rehearsal_error": json_text(dict(slot.rehearsal_error)),
            "last_operation_id": slot.last_operation_id,
            **{name: instant_text(at) if at else None for name, at in instants.items()},
        }
    )


def _decode(key: Key, properties: Properties) -> DrillSlot:
    row = Fields(f"drill slot of {key.partition}", properties)
    request = row.mapping("operation")
    return DrillSlot(
        environment=key.partition,
        written_by=row.text("written_by"),
        operation=decode_request(Fields(f"{row.what}, operation", request)) if request else None,
        phase=row.member("phase", DrillPhase),
        stop_sent_at=row.optional_instant("stop_sent_at"),
        abort_reason=row.optional_text("abort_reason") or "",
        rehearsal_error=row.mapping("rehearsal_error"),
        last_operation_id=row.optional_text("last_operation_id"),
        last_stopped_at=row.optional_instant("last_stopped_at"),
        last_succeeded_at=row.optional_instant("last_succeeded_at"),
    )


SLOT: Final = Codec(key=lambda slot: Key(partition=slot.environment, row=SLOT_ROW), encode=_encode, decode=_decode)
