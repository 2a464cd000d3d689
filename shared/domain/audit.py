"""Audit entries: who did what, when and why, in one hash chain per environment."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.domain.refusals import JsonValue

CHAIN_START: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry; `sequence` is gapless within the environment, `previous_hash` is the hash of the entry before."""

    environment: str
    sequence: int
    at: datetime
    actor: str
    action: str
    reason: str
    before: Mapping[str, JsonValue]
    after: Mapping[str, JsonValue]
    previous_hash: str
    hash: str


def next_entry(
    last: AuditEntry | None,
    *,
    environment: str,
    at: datetime,
    actor: str,
    action: str,
    reason: str,
    before: Mapping[str, JsonValue],
    after: Mapping[str, JsonValue],
) -> AuditEntry:
    """Return the entry that follows `last` in its chain."""
    sequence = last.sequence + 1 if last else 1
    previous_hash = last.hash if last else CHAIN_START
    body = [environment, sequence, at.astimezone(UTC).isoformat(), actor, action, reason, before, after, previous_hash]
    return AuditEntry(
        environment=environment, sequence=sequence, at=at, actor=actor, action=action, reason=reason,
        before=before, after=after, previous_hash=previous_hash, hash=_digest(body),
    )  # fmt: skip


def is_intact(entry: AuditEntry, last: AuditEntry | None) -> bool:
    """Whether the entry is unchanged and follows `last`."""
    expected = next_entry(
        last, environment=entry.environment, at=entry.at, actor=entry.actor, action=entry.action,
        reason=entry.reason, before=entry.before, after=entry.after,
    )  # fmt: skip
    return expected == entry


def _digest(body: object) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
