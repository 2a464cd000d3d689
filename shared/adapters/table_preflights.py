"""The newest preflight of each environment, in Table Storage."""

from typing import Final

from shared.adapters.codec import Codec, Fields, Key, Properties, instant_text, json_text
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.faults import InvariantViolation
from shared.domain.locks import Versioned
from shared.domain.preflight import Check, CheckName, CheckStatus, Preflight

ROW: Final = "newest"
_NAMES: Final = {name.id: name for name in CheckName}


class TablePreflightStore:
    """`PreflightStore` over the table `preflights`, one row per environment."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, PREFLIGHT)

    def read(self, environment: str) -> Versioned[Preflight] | None:
        """Return the newest preflight with its version, or None before the first."""
        return self._records.read(Key(partition=environment, row=ROW))

    def write(self, preflight: Preflight, *, etag: str | None) -> Versioned[Preflight]:
        """Insert (etag None) or replace it; Conflict on any other version."""
        return self._records.insert(preflight) if etag is None else self._records.replace(preflight, etag=etag)


def _encode(preflight: Preflight) -> Properties:
    return {
        "checked_at": instant_text(preflight.checked_at),
        "checks": json_text([_encode_check(check) for check in preflight.checks]),
    }


def _decode(key: Key, properties: Properties) -> Preflight:
    row = Fields(f"preflight of {key.partition}", properties)
    checks = tuple(_decode_check(check) for check in row.objects("checks"))
    return Preflight(environment=key.partition, checked_at=row.instant("checked_at"), checks=checks)


def _encode_check(check: Check) -> dict[str, str]:
    return {
        "name": check.name.id,
        "status": check.status.value,
        "summary": check.summary,
        "evidence": json_text(dict(check.evidence)),
    }


def _decode_check(check: Fields) -> Check:
    name = _NAMES.get(check.text("name"))
    if name is None:
        raise InvariantViolation(f"{check.what} names an unknown check: {check.text('name')!r}")
    return Check(
        name=name,
        status=check.member("status", CheckStatus),
        summary=check.text("summary"),
        evidence=check.mapping("evidence"),
    )


PREFLIGHT: Final = Codec(
    key=lambda preflight: Key(partition=preflight.environment, row=ROW), encode=_encode, decode=_decode
)
