"""The state an operation leaves behind, in the words in which two environments can be compared."""

from __future__ import annotations

from shared.domain.operations import Operation
from tests.e2e.kills.rig import Rig

COPIES = "select gateway_id, activation_status from gateway_status where environment = %s"
FENCE = "select fencing_token, holder from environment_fence where environment = %s"


def final_state(rig: Rig, environment: str, operation: Operation) -> dict[str, object]:
    """Return who holds the environment, who is what, and how the operation ended, step by step."""
    lock = rig.lock(environment)
    roles = {gateway.id: gateway.role for gateway in rig.gateways(environment)}
    copies: dict[str, str] = dict(rig.database.execute(COPIES, (environment,)).fetchall())
    return {
        "holder": roles.get(lock.holder or ""),
        "former holder": roles.get(lock.previous_holder or ""),
        "activation_status": {role: lock.status_of(gateway_id).value for gateway_id, role in roles.items()},
        "copied status": {roles[gateway_id]: status for gateway_id, status in copies.items()},
        "mirror": rig.database.execute(FENCE, (environment,)).fetchone() == (lock.token, lock.holder),
        "granted by the operation": lock.granted_by == operation.request.id,
        "running operation": lock.operation,
        "stop of the DR cluster is planned": lock.stop_dr_due_at is not None,
        "status": operation.status.value,
        "error": dict(operation.error),
        "message": str(operation.result.get("message", "")).replace(environment, "ENVIRONMENT"),
        "told token": operation.result.get("fencing_token") == str(lock.token),
        "steps": {record.step.id: record.status.value for record in operation.steps},
    }
