"""Reading a decision in one word, and changing a snapshot until one row of a decision table is true."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shared.domain.failover import Allowed, AlreadyDone, Decision, Joined, Snapshot
from shared.domain.refusals import RefusalCode, Refused
from tests.unit.builders import at_version

Row = Callable[[Snapshot], Snapshot]


def outcome_of(decision: Decision) -> str:
    """Return the code of a refusal, or what else was decided."""
    match decision:
        case Refused(code=code):
            return code.code
        case Allowed():
            return "allowed"
        case AlreadyDone():
            return "already done"
        case Joined():
            return "joined"


def refusal_of(decision: object, code: RefusalCode) -> Refused:
    """Return the refusal, which must have this code and evidence on the lock, the database and the mirror."""
    assert isinstance(decision, Refused), decision
    assert decision.code is code
    assert {"lock", "database", "mirror_token"} <= set(decision.evidence)
    return decision


def gateway_evidence(refused: Refused, role: str) -> dict[str, Any]:
    """Return what the refusal shows of a gateway."""
    shown = refused.evidence[role]
    assert isinstance(shown, dict)
    return shown


def with_lock(**changes: Any) -> Row:
    """Return the change of a snapshot's lock."""

    def changed(snapshot: Snapshot) -> Snapshot:
        assert snapshot.lock is not None
        return replace(snapshot, lock=at_version(replace(snapshot.lock.value, **changes)))

    return changed


def held_by(holder: str | None, **changes: Any) -> Row:
    """Return the change of a snapshot to another holder of the lock, whom the mirror knows already."""

    def changed(snapshot: Snapshot) -> Snapshot:
        moved = with_lock(holder=holder, **changes)(snapshot)
        return replace(moved, mirror=replace(moved.mirror, holder=holder) if moved.mirror else None)

    return changed


def with_primary(**changes: Any) -> Row:
    """Return the change of a snapshot's primary."""

    def changed(snapshot: Snapshot) -> Snapshot:
        assert snapshot.primary is not None
        return replace(snapshot, primary=replace(snapshot.primary, **changes))

    return changed


def with_dr(**changes: Any) -> Row:
    """Return the change of a snapshot's DR gateway."""

    def changed(snapshot: Snapshot) -> Snapshot:
        assert snapshot.dr is not None
        return replace(snapshot, dr=replace(snapshot.dr, **changes))

    return changed


def seeing(**changes: Any) -> Row:
    """Return a change of the snapshot itself."""
    return lambda snapshot: replace(snapshot, **changes)
