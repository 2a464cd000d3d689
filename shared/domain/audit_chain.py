"""Checks a chain of audit entries: the first entry that is not what it was when it was written, and how one can tell.

A plain chain shows what was done to a part of it. It cannot show that its newest entries are gone, nor that all of it
from some entry on was written anew with fitting hashes: both need an anchor, a number and a hash that somebody kept
elsewhere (ADR 0025).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from shared.domain.audit import CHAIN_START, AuditEntry, digest_of


class Flaw(Enum):
    """What is wrong with a chain, and with which entry first."""

    EDITED = "edited"  # its hash is not that of its contents
    REPLACED = "replaced"  # it holds by itself, but the entry after it was chained to another one
    DELETED = "deleted"  # there is none under its number
    REORDERED = "reordered"  # it stands under another number
    DUPLICATED = "duplicated"  # an earlier entry stands in its place once more
    INSERTED = "inserted"  # an entry with a number that has passed stands in its place
    UNREADABLE = "unreadable"  # what is stored is no audit entry any more
    TRUNCATED = "truncated"  # the chain ends before an anchor that somebody kept
    REWRITTEN = "rewritten"  # another entry than the anchored one stands under the anchor's number


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A place in a chain: the number of an entry and its hash. Whoever kept one can tell what came before it."""

    sequence: int
    hash: str

    @property
    def text(self) -> str:
        """The anchor as people keep it: `SEQUENCE:HASH`."""
        return f"{self.sequence}:{self.hash}"


START: Final = Anchor(sequence=0, hash=CHAIN_START)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first entry that does not hold."""

    sequence: int
    flaw: Flaw
    detail: str


class ChainStatus(Enum):
    """What a verification came to."""

    INTACT = "intact"
    BROKEN = "broken"
    INCOMPLETE = "incomplete"  # time ran out; what was checked holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How far a chain was checked, and what was found."""

    environment: str
    status: ChainStatus
    since: Anchor  # where the check began
    checked: Anchor  # up to here everything holds
    newest: Anchor  # the newest entry when the check began; START when there was none
    anchor: Anchor | None  # what the caller had kept
    broken: Broken | None


def anchor_of(entry: AuditEntry) -> Anchor:
    """Return the anchor that an entry is."""
    return Anchor(sequence=entry.sequence, hash=entry.hash)


def follow(place: Anchor, page: Sequence[AuditEntry], *, last: int) -> Anchor | Broken:
    """Return where the chain stands after a page, or the first entry that does not hold.

    Args:
        place: The entry before the page, which held.
        page: What is kept under the numbers up to `last`, oldest first.
        last: The number with which the page should end.
    """
    for position, entry in enumerate(page):
        broken = _flaw_of(place, entry, page[:position], page[position + 1 :])
        if broken:
            return broken
        place = anchor_of(entry)
    if place.sequence < last:
        return _deleted(place.sequence + 1)
    return place


def check_anchor(anchor: Anchor, kept: AuditEntry | None, *, newest: int) -> Broken | None:
    """Return what an anchor proves about the chain, or None when it holds.

    Args:
        kept: What stands under the anchor's number now.
        newest: The number of the newest entry, 0 without any.
    """
    if newest < anchor.sequence:
        detail = f"the chain ends at {newest}, and {anchor.sequence} was there when the anchor was taken"
        return Broken(sequence=newest + 1, flaw=Flaw.TRUNCATED, detail=detail)
    if kept is None:
        return _deleted(anchor.sequence)
    if kept.hash != anchor.hash:
        detail = f"entry {anchor.sequence} had another hash when the anchor was taken"
        return Broken(sequence=anchor.sequence, flaw=Flaw.REWRITTEN, detail=detail)
    if kept.hash != digest_of(kept):
        # The walk does not come by here when it began further on.
        return _broken(anchor.sequence, Flaw.EDITED, "its contents do not have its hash")
    return None


def _flaw_of(
    place: Anchor, entry: AuditEntry, earlier: Sequence[AuditEntry], later: Sequence[AuditEntry]
) -> Broken | None:
    expected = place.sequence + 1
    if entry.sequence > expected:
        if any(other.sequence == expected for other in later):
            return _broken(expected, Flaw.REORDERED, f"entry {entry.sequence} stands before it")
        return _deleted(expected)
    if entry.sequence < expected:
        if entry.hash == place.hash or any(other.hash == entry.hash for other in earlier):
            return _broken(expected, Flaw.DUPLICATED, f"entry {entry.sequence} stands there a second time")
        return _broken(expected, Flaw.INSERTED, f"another entry {entry.sequence} stands there")
    if entry.hash != digest_of(entry):
        return _broken(expected, Flaw.EDITED, "its contents do not have its hash")
    if entry.previous_hash != place.hash:
        detail = f"entry {expected} was chained to another entry {place.sequence}"
        return _broken(max(place.sequence, 1), Flaw.REPLACED, detail)
    return None


def _deleted(sequence: int) -> Broken:
    return _broken(sequence, Flaw.DELETED, f"there is no entry {sequence}")


def _broken(sequence: int, flaw: Flaw, detail: str) -> Broken:
    return Broken(sequence=sequence, flaw=flaw, detail=detail)
