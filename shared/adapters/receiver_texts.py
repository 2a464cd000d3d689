"""What all renderers share: the title of a notification, its link, and texts cut to a limit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.notifications import Notification, Severity, Signal
from shared.domain.refusals import JsonValue

MARKS: Final = {Severity.INFO: "ℹ️", Severity.WARNING: "⚠️", Severity.ERROR: "❗", Severity.CRITICAL: "🚨"}
SOURCE: Final = "MazeVault Gateway DR"
_CONTROLS: Final = dict.fromkeys([*range(9), *range(11, 32), 127])


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a reader finds more; it wants a token like every call of the API."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A request as a receiver wants it: POST, JSON."""

    url: str
    body: bytes
    headers: dict[str, str]


def title(notification: Notification) -> str:
    """Return the one line that people see first: whether it is a test, environment, how loud, what, about what."""
    test = "TEST, nothing has happened: " if notification.signal is Signal.TEST else ""
    mark = "✅" if notification.signal is Signal.RESOLVE else MARKS[notification.severity]
    what = f"{notification.environment} {notification.severity.value}: {notification.type}"
    return f"{mark} {test}{what} {notification.subject}"


def link(notification: Notification, public_url: str | None) -> Link | None:
    """Return the link to what the control plane makes of the environment now; None without a public URL."""
    if not public_url:
        return None
    path = f"/api/v1/admin/environments/{notification.environment}/explain"
    return Link(text=f"Explain {notification.environment}", url=public_url.rstrip("/") + path)


def clipped(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, and of at least one: receivers refuse empty ones."""
    flat = text.translate(_CONTROLS).strip() or "-"
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def json_bytes(document: Mapping[str, JsonValue]) -> bytes:
    """Return a document as JSON in UTF-8; half of a surrogate pair, which JSON may carry and UTF-8 may not, is `?`."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
