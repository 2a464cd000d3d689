"""Audit entries: who did what, when and why, in one hash chain per environment."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    unsealed = AuditEntry(
        environment=environment, sequence=last.sequence + 1 if last else 1, at=at, actor=actor, action=action,
        reason=reason, before=before, after=after, previous_hash=last.hash if last else CHAIN_START, hash="",
    )  # fmt: skip
    return replace(unsealed, hash=digest_of(unsealed))


def is_intact(entry: AuditEntry, last: AuditEntry | None) -> bool:
    """Whether the entry is unchanged and follows `last`."""
    expected = next_entry(
        last, environment=entry.environment, at=entry.at, actor=entry.actor, action=entry.action,
        reason=entry.reason, before=entry.before, after=entry.after,
    )  # fmt: skip
    return expected == entry


def digest_of(entry: AuditEntry) -> str:
    """Return the hash that the entry must have: it covers every other field, the hash of the entry before included."""
    body = [
        entry.environment, entry.sequence, entry.at.astimezone(UTC).isoformat(), entry.actor, entry.action,
        entry.reason, entry.before, entry.after, entry.previous_hash,
    ]  # fmt: skip
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Half of a surrogate pair cannot be stored by us, but an edit can leave one: it is to be found, not to raise.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
