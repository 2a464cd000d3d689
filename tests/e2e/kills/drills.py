"""Asks for drills, waits for their ends, and reads what no drill may change."""

from __future__ import annotations

import time
from datetime import datetime

from shared.domain.operations import Operation
from tests.e2e.kills.cases import Kill
from tests.e2e.kills.drill_cases import FIRST
from tests.e2e.kills.rig import ENDED_WITHIN_S, Rig

# The primary's heartbeats go on extending its lease; everything else of the row is the mirror's.
MIRROR = "select (to_jsonb(f) - 'lease_until')::text from environment_fence f where environment = %s"
# `xmin` names the transaction that wrote the row: a row that was written again as it was is another one.
TASKS = "select xmin::text, to_jsonb(tasks)::text from tasks where environment = %s order by id"


def ready(rig: Rig, kill: Kill) -> None:
    """See that the slot is as the case needs it: never written, or left by a former drill."""
    first = rig.stores.drills.read(kill.environment) is None
    if kill.point == FIRST:
        assert first, "only one case can be the first drill"
    elif first:
        carry_out(rig, kill.environment)


def carry_out(rig: Rig, environment: str) -> Operation:
    """Carry a drill out with nobody killed."""
    former = last_drill(rig, environment)
    request(rig, environment, deaths=len(rig.host.deaths))
    return ended(rig, environment, former)


def last_drill(rig: Rig, environment: str) -> str | None:
    """Return the id of the newest drill that has ended."""
    found = rig.stores.drills.read(environment)
    return found.value.last_operation_id if found else None


def request(rig: Rig, environment: str, *, deaths: int) -> None:
    """Ask for a drill until it is accepted, or until the host has died of it."""
    path, body = f"admin/environments/{environment}/drills", {"reason": "rehearsal"}
    rig.until_accepted(lambda: rig.ask("POST", path, body), f"a drill of {environment}", deaths=deaths)


def ended(rig: Rig, environment: str, former: str | None) -> Operation:
    """Return the drill that began after `former`, once it has left the slot and is recorded."""
    gives_up_at = time.monotonic() + ENDED_WITHIN_S
    while True:
        last = last_drill(rig, environment)
        if last not in (None, former):
            assert last is not None
            found = rig.stores.operations.read(last)
            # The record ends after the drill has left the slot.
            if found is not None and found.value.is_over:
                return found.value
        assert time.monotonic() < gives_up_at, f"the drill does not end:\n{rig.story(environment)}"
        time.sleep(0.03)


def untouchable(rig: Rig, environment: str) -> dict[str, object]:
    """Return lock, mirror and tasks as they are stored, with what tells one write from another."""
    return {
        "lock": rig.stores.locks.read(environment),
        "mirror": rig.database.execute(MIRROR, (environment,)).fetchone(),
        "tasks": rig.database.execute(TASKS, (environment,)).fetchall(),
    }


def drill_state(rig: Rig, operation: Operation, *, asked_at: datetime) -> dict[str, object]:
    """Return how a drill ended and what it left in slot, registration and cluster, in words that can be compared."""
    environment, drill = operation.request.environment, operation.request.id
    dr = rig.gateways(environment)[1]
    slot, registered = rig.stores.drills.read(environment), rig.stores.gateways.read(environment, dr.id)
    assert slot is not None
    assert registered is not None
    newest = rig.stores.operations.list(environment, limit=10)
    return {
        "status": operation.status.value,
        "error": dict(operation.error),
        "message": str(operation.result.get("message", "")).replace(environment, "ENVIRONMENT"),
        "steps": {record.step.id: record.status.value for record in operation.steps},
        "running drill": slot.value.operation,
        "phase": slot.value.phase.value,
        "is the newest that succeeded": (slot.value.last_operation_id, slot.value.last_succeeded_at is not None)
        == (drill, True),
        "canary": registered.value.canary,
        "rotations": dr.rotated.count(drill),
        "DR cluster": rig.dr_cluster(environment),
        "begun": [one.request.kind.value for one in newest if one.request.requested_at >= asked_at],
    }
