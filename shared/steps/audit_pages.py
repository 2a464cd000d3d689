"""Reads the audit of an environment: page by page, and the whole chain to see whether it holds."""

from collections.abc import Sequence
from typing import Final

from shared.domain.audit import AuditEntry
from shared.domain.audit_chain import (
    START,
    Anchor,
    Broken,
    ChainStatus,
    Flaw,
    Verification,
    anchor_of,
    check_anchor,
    follow,
)
from shared.domain.faults import InvariantViolation
from shared.ports import Ports
from shared.steps.observe import environment_of

PAGE: Final = 200
"""Entries in memory at once; one has about a kilobyte, and 1 MiB at the very worst (the largest row)."""
VERIFY_LIMIT_S: Final = 20.0
"""After which a partial answer is given; well below the 230 s after which Azure's load balancer gives up."""


def audit_page(ports: Ports, environment: str, *, limit: int, before: int | None) -> Sequence[AuditEntry]:
    """Return the newest entries, newest first; those below the number `before`, where one is given.

    Raises:
        UnknownEnvironment: It is not declared.
        LockStoreUnavailable: Table Storage does not answer.
    """
    return ports.audit.list(environment_of(ports, environment).name, limit=limit, before=before)


def verify_audit(
    ports: Ports, environment: str, *, since: Anchor = START, anchor: Anchor | None = None
) -> Verification:
    """Walk the chain from its start, or from an entry that was checked before, and say whether it holds.

    Args:
        since: Where to begin: an entry up to which the chain was checked before.
        anchor: A place that the caller kept; it shows what a plain chain cannot, that the newest entries are gone or
            all of it was written anew.

    Raises:
        UnknownEnvironment: It is not declared.
        LockStoreUnavailable: Table Storage does not answer.
    """
    name = environment_of(ports, environment).name
    began, newest = ports.clock.now(), _newest(ports, name)
    place, broken = since, None if isinstance(newest, Anchor) else newest
    end = newest if isinstance(newest, Anchor) else START
    while broken is None and place.sequence < end.sequence:
        if (ports.clock.now() - began).total_seconds() > VERIFY_LIMIT_S:
            break
        place, broken = _next_page(ports, name, place, last=min(place.sequence + PAGE, end.sequence))
    for kept in (since, anchor):
        if kept is not None and kept != START and (broken is None or broken.sequence > kept.sequence):
            broken = _against(ports, name, kept, newest=end.sequence) or broken
    status = ChainStatus.INTACT if place.sequence >= end.sequence else ChainStatus.INCOMPLETE
    return Verification(
        environment=name, status=ChainStatus.BROKEN if broken else status, since=since, checked=place, newest=end,
        anchor=anchor, broken=broken,
    )  # fmt: skip


def _newest(ports: Ports, name: str) -> Anchor | Broken:
    try:
        entry = ports.audit.last(name)
    except InvariantViolation as fault:
        # Its number cannot be known from an entry that cannot be read.
        return Broken(sequence=0, flaw=Flaw.UNREADABLE, detail=f"the newest entry: {fault}")
    return anchor_of(entry) if entry else START


def _next_page(ports: Ports, name: str, place: Anchor, *, last: int) -> tuple[Anchor, Broken | None]:
    try:
        page = ports.audit.numbered(name, first=place.sequence + 1, last=last)
    except InvariantViolation:
        return _entry_by_entry(ports, name, place, last=last)
    followed = follow(place, page, last=last)
    if isinstance(followed, Anchor):
        return followed, None
    return place, followed


def _entry_by_entry(ports: Ports, name: str, place: Anchor, *, last: int) -> tuple[Anchor, Broken | None]:
    """Find which entry of a page cannot be read; one before it may be broken in another way."""
    for sequence in range(place.sequence + 1, last + 1):
        try:
            page = ports.audit.numbered(name, first=sequence, last=sequence)
        except InvariantViolation as fault:
            return place, Broken(sequence=sequence, flaw=Flaw.UNREADABLE, detail=str(fault))
        followed = follow(place, page, last=sequence)
        if isinstance(followed, Broken):
            return place, followed
        place = followed
    return place, None


def _against(ports: Ports, name: str, anchor: Anchor, *, newest: int) -> Broken | None:
    try:
        kept = ports.audit.numbered(name, first=anchor.sequence, last=anchor.sequence)
    except InvariantViolation as fault:
        return Broken(sequence=anchor.sequence, flaw=Flaw.UNREADABLE, detail=str(fault))
    return check_anchor(anchor, kept[0] if kept else None, newest=newest)
