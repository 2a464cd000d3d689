"""Plans an operation and begins nothing: the dry run."""

from shared.domain.clusters import ClusterState
from shared.domain.failover import Allowed, decide_activation
from shared.domain.faults import ClusterApiUnavailable
from shared.domain.operations import OperationRequest
from shared.domain.plans import Plan, Seen, planned_steps
from shared.domain.refusals import Refused
from shared.ports import Ports
from shared.steps.begin_operation import as_registered, decide_request
from shared.steps.observe import environment_of


def plan_operation(ports: Ports, request: OperationRequest) -> Plan:
    """Return what `begin_requested` would make of the request now, with what each step would do. Writes nothing.

    Raises:
        UnknownEnvironment: The environment is not declared.
        Unavailable: A store did not answer.
    """
    snapshot, decision = decide_request(ports, request)
    if snapshot.lock is not None:
        request = as_registered(request, snapshot.lock.value)
    cluster = _dr_cluster(ports, request.environment)
    unforced = decide_activation(snapshot, ports.policy) if request.forced else None
    seen = Seen(
        snapshot=snapshot, policy=ports.policy, decision=decision, dr_cluster=cluster,
        overridden=unforced if isinstance(unforced, Refused) else None,
    )  # fmt: skip
    begins = isinstance(decision, Allowed | Refused)
    steps = planned_steps(request, seen) if begins else ()
    return Plan(request=request, snapshot=snapshot, decision=decision, steps=steps)


def _dr_cluster(ports: Ports, environment: str) -> ClusterState | None:
    try:
        return ports.clusters.state(environment_of(ports, environment).dr_cluster)
    except ClusterApiUnavailable:
        return None
