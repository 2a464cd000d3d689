"""The answer to a dry run."""

from shared.domain.failover import Allowed, AlreadyDone, Joined, evidence
from shared.domain.force import RISK
from shared.domain.operations import POINTS_OF_NO_RETURN
from shared.domain.plans import Plan
from shared.domain.policy import Policy
from shared.domain.refusals import Refused
from shared.web.responses import Document


def plan_document(plan: Plan, policy: Policy) -> Document:
    """Return what would become of a request made now; nothing has been begun."""
    request, decision = plan.request, plan.decision
    outcomes = {Allowed: "allowed", Refused: "refused", Joined: "joined", AlreadyDone: "already_done"}
    return {
        "dry_run": True,
        "environment": request.environment,
        "type": request.kind.value,
        "outcome": outcomes[type(decision)],
        "refusal": decision.to_json() if isinstance(decision, Refused) else None,
        "operation_id": decision.operation_id if isinstance(decision, Joined) else None,
        "forced": request.forced,
        "risk": RISK if request.forced else None,
        "needs_approval": request.needs_approval,
        "evidence": evidence(plan.snapshot, policy),
        "steps": [
            {
                "id": planned.step.id,
                "runbook": planned.step.runbook,
                "would": planned.would,
                "point_of_no_return": planned.step in POINTS_OF_NO_RETURN,
            }
            for planned in plan.steps
        ],
    }
