"""Force: a failover although the evidence does not ask for one. What it overrides, what it needs, what it risks.

It overrides what the control plane knows of the primary, and nothing else (ADR 0024):

    Primary is not in failed state              overridden
    HealthMonitor could not see the gateways    overridden
    the lock is missing or older than the mirror, no lock yet       refused all the same
    another operation runs, also a failover without force           refused all the same
    no DR gateway, or it reports another role                       refused all the same
    the holder is not the registered primary                        refused all the same
    forced less than `force_interval_s` ago                         refused
    nobody but the requester approves                               ends as ApprovalExpired

It needs a reason of SHORTEST_REASON characters, the environment's name typed once more, and a second administrator. It
skips evidence, never a conditional write, the fence, or the wait for the former holder's lease.
"""

from typing import Final

from shared.domain.operations import Operation, OperationKind, OperationRequest

SHORTEST_REASON: Final = 20

RISK: Final = (
    "The primary may be alive. The DR gateway gets no work before the primary's lease is over, and the fence refuses "
    "what the primary writes to PostgreSQL; an effect outside PostgreSQL that the primary has begun is not called back."
)
FENCED: Final = " The fence is raised."
UNFENCED: Final = " The fence is NOT raised yet: PostgreSQL could not be told, and nobody gets work until it is."


def faults_of_force(request: OperationRequest, *, confirm: str) -> tuple[tuple[str, str], ...]:
    """Return what a forced request lacks, as (pointer, message); a request without force may confirm as well."""
    faults = []
    if confirm != request.environment and (request.forced or confirm):
        faults.append(("/confirm", f"Must be the environment's name, {request.environment}"))
    if request.forced and request.kind is not OperationKind.FAILOVER:
        faults.append(("/force", "Only a failover can be forced"))
    if request.forced and len(request.reason.strip()) < SHORTEST_REASON:
        faults.append(("/reason", f"Force needs a reason of at least {SHORTEST_REASON} characters"))
    return tuple(faults)


def risk_of(operation: Operation) -> str | None:
    """Return what a forced operation risks, and how far it is fenced; None for one that is not forced."""
    if not operation.request.forced:
        return None
    return RISK + {"raised": FENCED, "pending": UNFENCED}.get(str(operation.result.get("mirror")), "")
