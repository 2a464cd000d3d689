"""Versions of documents, so that a caller who polls is told when nothing has changed (RFC 9110, section 13)."""

import hashlib
import json
from typing import Final

from shared.domain.refusals import JsonValue

PASSING: Final = frozenset({"as_of", "heartbeat_age_seconds", "reason"})
"""Members of gateway-health that change by time alone; `last_heartbeat` tells the rest."""


def weak_etag(document: JsonValue, *, without: frozenset[str] = frozenset()) -> str:
    """Return the weak version of a document; members named in `without`, at any depth, do not count."""
    text = json.dumps(_kept(document, without), sort_keys=True, separators=(",", ":"))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the caller has this version already: its If-None-Match names it, or is `*`. Compared weakly."""
    named = [one.strip() for one in (if_none_match or "").split(",")]
    return "*" in named or _opaque(etag) in [_opaque(one) for one in named]


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def _kept(document: JsonValue, without: frozenset[str]) -> JsonValue:
    if isinstance(document, dict):
        return {name: _kept(value, without) for name, value in document.items() if name not in without}
    if isinstance(document, list):
        return [_kept(value, without) for value in document]
    return document
