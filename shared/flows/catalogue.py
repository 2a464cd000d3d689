"""Which flow carries out which kind of operation."""

from collections.abc import Callable, Mapping
from typing import Final

from shared.domain.operations import OperationKind, Step
from shared.flows.activate_dr import activate_dr
from shared.flows.commands import Flow, StepOutcome
from shared.flows.drill import drill
from shared.flows.failback import failback, stop_dr_cluster
from shared.flows.procedures import completed, ended_badly

FLOWS: Final[Mapping[OperationKind, Callable[[], Flow[None]]]] = {
    OperationKind.FAILOVER: activate_dr,
    OperationKind.FAILBACK: failback,
    OperationKind.STOP_DR_CLUSTER: stop_dr_cluster,
    OperationKind.DRILL: drill,
}


def flow_of(kind: OperationKind, *, needs_approval: bool) -> Flow[None]:
    """Return the flow of an operation; one that needs a second administrator waits for them before anything else."""
    return _once_approved(FLOWS[kind]()) if needs_approval else FLOWS[kind]()


def _once_approved(flow: Flow[None]) -> Flow[None]:
    approved = yield from completed(Step.AWAIT_APPROVAL, {})
    if approved.outcome is StepOutcome.STOPPED:
        return (yield from ended_badly(approved))
    return (yield from flow)
