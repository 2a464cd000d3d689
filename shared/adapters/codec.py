"""How values become table properties and come back: instants, JSON, whole numbers, and the limits Azure sets.

A property is text, a number or a bool. What is None is left out, because Table Storage has no null. Limits are checked
here and not left to the service: emulators accept what Azure refuses.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Generic, TypeVar, cast

from shared.domain.faults import InvariantViolation
from shared.domain.refusals import JsonValue

# "Understanding the Table service data model", Azure Storage REST documentation: property limits, characters
# disallowed in key fields. Text is kept as UTF-16, two bytes per unit.
LONGEST_TEXT_BYTES: Final = 64 * 1024
LONGEST_KEY_BYTES: Final = 1024
LARGEST_ROW_BYTES: Final = 1024 * 1024
MOST_PROPERTIES: Final = 252  # 255 less PartitionKey, RowKey and Timestamp
_NINES: Final = 10**19 - 1  # as many digits as the largest Edm.Int64 has
_NINES_OF_TIME: Final = 10**17 - 1  # as many digits as microseconds since 1970 will have until the year 5138
_UNIX_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_IN_KEYS: Final = re.compile(r"[/\\#?\u0000-\u001f\u007f-\u009f]")
_ROW_OVERHEAD_BYTES: Final = 4  # "Estimating the size of an entity": 4 per row, 8 per property besides its name
_PROPERTY_OVERHEAD_BYTES: Final = 8
_NUMBER_BYTES: Final = 8
_INT64: Final = range(-(2**63), 2**63)

Property = str | int | float | bool
Properties = Mapping[str, Property]
T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class DoesNotFit(InvariantViolation):
    """A record cannot be kept in a table row; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Where a row is: its partition and its key within the partition."""

    partition: str
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec(Generic[T]):
    """How one kind of record becomes a row and comes back. `decode` ignores properties it does not know."""

    key: Callable[[T], Key]
    encode: Callable[[T], Properties]
    decode: Callable[[Key, Properties], T]


def counted_down(sequence: int) -> str:
    """Return the row key of a record numbered from 1 on: the newest number comes first in its partition."""
    return f"{max(_NINES - sequence, 0):019d}"


def time_counted_down(at: datetime) -> str:
    """Return the part of a row key that lets the newest instant come first in its partition, to the microsecond."""
    microseconds = round((at - _UNIX_START).total_seconds() * 1_000_000)
    return f"{max(_NINES_OF_TIME - microseconds, 0):017d}"


def check_key(key: Key) -> None:
    """Raise DoesNotFit when Azure would refuse the key: wrong characters, or above 1 KiB."""
    for text in (key.partition, key.row):
        if _NOT_IN_KEYS.search(text):
            raise DoesNotFit(f"key {text!r} has a character that keys may not have: / \\ # ? or a control character")
        if utf16_bytes(text) > LONGEST_KEY_BYTES:
            raise DoesNotFit(f"key {text[:40]!r}... is above {LONGEST_KEY_BYTES} bytes")


def check_row(key: Key, properties: Properties) -> None:
    """Raise DoesNotFit when Azure would refuse the row: a key, a text, a number or the whole row is too large."""
    check_key(key)
    if len(properties) > MOST_PROPERTIES:
        raise DoesNotFit(f"row has {len(properties)} properties, the limit is {MOST_PROPERTIES}")
    total = _ROW_OVERHEAD_BYTES + utf16_bytes(key.partition) + utf16_bytes(key.row)
    for name, value in properties.items():
        size = _NUMBER_BYTES
        if isinstance(value, str):
            size = utf16_bytes(value)
            if size > LONGEST_TEXT_BYTES:
                raise DoesNotFit(f"property {name} has {size} bytes, the limit is {LONGEST_TEXT_BYTES}")
        elif isinstance(value, int) and value not in _INT64:
            raise DoesNotFit(f"property {name} does not fit 64 bits: {value}")
        total += _PROPERTY_OVERHEAD_BYTES + utf16_bytes(name) + size
    if total > LARGEST_ROW_BYTES:
        raise DoesNotFit(f"row has {total} bytes, the limit is {LARGEST_ROW_BYTES}")


def utf16_bytes(text: str) -> int:
    """Return the size Azure counts. Raises DoesNotFit for text that is no valid Unicode (half of a pair)."""
    try:
        return len(text.encode("utf-16-le"))
    except UnicodeEncodeError:
        raise DoesNotFit("text holds half of a surrogate pair") from None


def instant_text(at: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds, such as `2026-11-23T20:15:00.000000Z`; it sorts by time.

    Text, because the Table SDK's own instants do not come back equal: they are a subclass that carries the service's
    seven decimals along. Raises DoesNotFit for an instant without a zone.
    """
    if at.tzinfo is None:
        raise DoesNotFit(f"instant without a zone: {at}")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """Return the instant, aware, in UTC. Raises InvariantViolation when the text is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvariantViolation(f"not an instant: {text!r}") from None
    if at.tzinfo is None:
        raise InvariantViolation(f"instant without a zone: {text!r}")
    return at.astimezone(UTC)


def json_text(value: object) -> str:
    """Return compact JSON. Raises DoesNotFit for what JSON cannot say, such as NaN."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DoesNotFit(f"not expressible as JSON: {error}") from None


def in_parts(name: str, text: str) -> dict[str, Property]:
    """Return a text that may be longer than one property holds as several: `verdicts_0`, `verdicts_1` and so on."""
    # Every letter counts two bytes, four outside the basic plane.
    length = LONGEST_TEXT_BYTES // 4
    return {
        f"{name}_{number}": text[start : start + length] for number, start in enumerate(range(0, len(text), length))
    }


def without_nones(properties: Mapping[str, Property | None]) -> Properties:
    """Return the properties that have a value."""
    return {name: value for name, value in properties.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Fields:
    """Typed reading of what a row, or an object inside one, holds; `what` names it in faults.

    A wanted value that is missing or of another kind is an InvariantViolation: a half-understood record must not
    decide anything.
    """

    what: str
    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self._fault(name)
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None."""
        return None if self.values.get(name) is None else self.text(name)

    def number(self, name: str) -> int:
        """Return a whole number that must be there."""
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._fault(name)
        return value

    def optional_number(self, name: str) -> int | None:
        """Return a whole number, or None."""
        return None if self.values.get(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        """Return a bool; what is missing is False."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self._fault(name)
        return value

    def instant(self, name: str) -> datetime:
        """Return an instant that must be there."""
        return instant(self.text(name))

    def optional_instant(self, name: str) -> datetime | None:
        """Return an instant, or None."""
        return None if self.values.get(name) is None else self.instant(name)

    def member(self, name: str, kind: type[E]) -> E:
        """Return the enum member whose value the property holds."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise self._fault(name) from None

    def mapping(self, name: str) -> dict[str, JsonValue]:
        """Return a JSON object kept as text; what is missing is empty."""
        found = self._json(name, missing="{}")
        if not isinstance(found, dict):
            raise self._fault(name)
        return cast(dict[str, JsonValue], found)

    def joined(self, name: str) -> dict[str, JsonValue]:
        """Return a JSON object that `in_parts` has split; what is missing is empty."""
        parts: list[str] = []
        while (part := self.optional_text(f"{name}_{len(parts)}")) is not None:
            parts.append(part)
        return Fields(self.what, {name: "".join(parts)} if parts else {}).mapping(name)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts that must be there, out of a JSON object that is parsed already."""
        found = self.values.get(name)
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self._fault(name)
        return cast(list[str], found)

    def objects(self, name: str) -> "list[Fields]":
        """Return the objects of a JSON list kept as text; what is missing is empty."""
        found = self._json(name, missing="[]")
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self._fault(name)
        return [Fields(f"{self.what}, {name}", item) for item in found]

    def _json(self, name: str, *, missing: str) -> object:
        text = self.optional_text(name)
        try:
            return cast(object, json.loads(missing if text is None else text))
        except ValueError:
            raise self._fault(name) from None

    def _fault(self, name: str) -> InvariantViolation:
        return InvariantViolation(f"{self.what} has no usable {name}: {self.values.get(name)!r}")
