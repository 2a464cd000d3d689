"""Adds an audit entry for every mutating call: who, what, why, before and after."""

from collections.abc import Mapping
from typing import Final

from shared.domain.audit import next_entry
from shared.domain.faults import Conflict, OutcomeUnknown
from shared.domain.locks import EnvironmentLock
from shared.domain.refusals import JsonValue
from shared.ports import Ports
from shared.telemetry import log

TRIES: Final = 10
LOOKED_BACK: Final = 50
"""Entries in which a repeated step looks for its own; far more than one environment writes during an operation."""


def record_audit(
    ports: Ports,
    environment: str,
    *,
    actor: str,
    action: str,
    reason: str = "",
    before: Mapping[str, JsonValue] | None = None,
    after: Mapping[str, JsonValue] | None = None,
) -> None:
    """Append one entry to the environment's chain.

    Raises:
        LockStoreUnavailable: Table Storage does not answer.
        Conflict: Other writers won every one of the tries.
    """
    for attempt in range(TRIES):
        entry = next_entry(
            ports.audit.last(environment),
            environment=environment,
            at=ports.clock.now(),
            actor=actor,
            action=action,
            reason=reason,
            before=before or {},
            after=after or {},
        )
        try:
            ports.audit.insert(entry)
        except (Conflict, OutcomeUnknown):
            # Somebody else took the number, or our own write landed unanswered.
            last = ports.audit.last(environment)
            if last is None or last.hash != entry.hash:
                if attempt == TRIES - 1:
                    raise
                continue
        # The log is another store, which whoever can change the table need not reach: its lines are anchors.
        log("audit.recorded", environment=environment, action=action, sequence=entry.sequence, hash=entry.hash)
        return


def record_audit_once(
    ports: Ports,
    environment: str,
    *,
    write_id: str,
    actor: str,
    action: str,
    reason: str,
    before: Mapping[str, JsonValue],
    after: Mapping[str, JsonValue],
) -> None:
    """Append the entry of one write, unless it is among the newest entries already.

    For steps that may be repeated: a host that dies between its write and the entry leaves the entry to the
    repetition. Raises as `record_audit` does.
    """
    newest = ports.audit.list(environment, limit=LOOKED_BACK)
    if any(entry.after.get("write_id") == write_id for entry in newest):
        return
    record_audit(
        ports, environment, actor=actor, action=action, reason=reason, before=before,
        after={**after, "write_id": write_id},
    )  # fmt: skip


def shown(lock: EnvironmentLock) -> dict[str, JsonValue]:
    """Return what an audit entry keeps of a lock."""
    return {
        "holder": lock.holder,
        "fencing_token": str(lock.token),
        "operation": lock.operation.id if lock.operation else None,
    }
