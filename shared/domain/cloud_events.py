"""The envelope of CloudEvents 1.0 (JSON format), the same for the timeline's readers and for a webhook."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from shared.domain.refusals import JsonValue

EVENT_TYPE_PREFIX: Final = "com.mazevault.dr."


def envelope(
    *, id: str, environment: str, type: str, subject: str, at: datetime, sequence: int | None,
    data: Mapping[str, JsonValue],
) -> dict[str, JsonValue]:  # fmt: skip
    """Return the event as a JSON object.

    `id` names the fact, so a fact that came to be told twice can be recognised. `sequence` is the extension of that
    name: a text that sorts as the numbers do; it is missing where there is none.
    """
    return {
        "specversion": "1.0",
        "id": id,
        "source": f"/environments/{environment}",
        "type": EVENT_TYPE_PREFIX + type,
        "subject": subject,
        "time": to_milliseconds(at),
        "datacontenttype": "application/json",
        **({"sequence": f"{sequence:019d}"} if sequence is not None else {}),
        "data": dict(data),
    }


def to_milliseconds(at: datetime) -> str:
    """Return an instant such as `2026-11-22T21:06:16.004Z`; what is finer than a millisecond is cut off."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
