"""Which flow carries out which kind of operation."""

from collections.abc import Callable, Mapping
from typing import Final

from shared.domain.operations import OperationKind
from shared.flows.activate_dr import activate_dr
from shared.flows.commands import Flow
from shared.flows.drill import drill
from shared.flows.failback import failback, stop_dr_cluster

FLOWS: Final[Mapping[OperationKind, Callable[[], Flow[None]]]] = {
    OperationKind.FAILOVER: activate_dr,
    OperationKind.FAILBACK: failback,
    OperationKind.STOP_DR_CLUSTER: stop_dr_cluster,
    OperationKind.DRILL: drill,
}
