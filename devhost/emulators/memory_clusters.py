"""AKS clusters in memory: power and provisioning state on a clock, with the answers Azure gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from devhost.emulators.memory_rows import Fault, no_fault
from shared.domain.clusters import ClusterRequest, ClusterState, PowerState
from shared.ports import Clock


@dataclass(frozen=True, slots=True)
class _Change:
    """A start or stop in progress: when it ends, and how the cluster is then."""

    ends_at: datetime
    during: ClusterState
    then: ClusterState


RUNNING = ClusterState(power=PowerState.RUNNING, provisioning="Succeeded")
STOPPED = ClusterState(power=PowerState.STOPPED, provisioning="Succeeded")


class MemoryClusters:
    """`Clusters`; its fault points are `clusters.state`, `clusters.begin_start` and `clusters.begin_stop`.

    Both calls fail after their effect when the fault is raised at `….after`: the answer is lost.
    """

    def __init__(self, clock: Clock, *, start_s: float, stop_s: float, fault: Fault = no_fault) -> None:
        self._clock = clock
        self._start_s = start_s
        self._stop_s = stop_s
        self._fault = fault
        self._states: dict[str, ClusterState] = {}
        self._changes: dict[str, _Change] = {}
        self.start_error = ""  # an ARM error code that every start is refused with
        self.starts_end_as = RUNNING
        self.denied: frozenset[str] = frozenset()  # actions the app's identity may not carry out
        self.calls: list[str] = []

    def put(self, cluster: str, state: ClusterState) -> None:
        """Set a cluster's state, as if somebody else had done it."""
        self._states[cluster] = state
        self._changes.pop(cluster, None)

    def state(self, cluster: str) -> ClusterState:
        """Return power and provisioning state."""
        self._fault("clusters.state")
        change = self._changes.get(cluster)
        if change is not None:
            if self._clock.now() < change.ends_at:
                return change.during
            self._states[cluster] = change.then
            del self._changes[cluster]
        return self._states.get(cluster, STOPPED)

    def begin_start(self, cluster: str) -> ClusterRequest:
        """Begin a start; the power code turns to Running long before the start is over."""
        self._fault("clusters.begin_start.before")
        self.calls.append("start")
        if self.start_error:
            return ClusterRequest(accepted=False, error_code=self.start_error, message="refused by the test")
        if not self.state(cluster).stopped:
            return ClusterRequest(accepted=False, error_code="OperationNotAllowed", message="not stopped")
        during = replace(RUNNING, provisioning="Starting")
        self._begin(cluster, self._start_s, during, self.starts_end_as)
        self._fault("clusters.begin_start.after")
        return ClusterRequest(accepted=True)

    def begin_stop(self, cluster: str) -> ClusterRequest:
        """Begin a stop."""
        self._fault("clusters.begin_stop.before")
        self.calls.append("stop")
        if not self.state(cluster).ready:
            return ClusterRequest(accepted=False, error_code="OperationNotAllowed", message="not running")
        self._begin(cluster, self._stop_s, replace(RUNNING, provisioning="Stopping"), STOPPED)
        self._fault("clusters.begin_stop.after")
        return ClusterRequest(accepted=True)

    def allowed(self, cluster: str, actions: frozenset[str]) -> frozenset[str]:
        """Return the actions, less those of `denied`."""
        del cluster
        self._fault("clusters.allowed")
        return actions - self.denied

    def _begin(self, cluster: str, lasts_s: float, during: ClusterState, then: ClusterState) -> None:
        ends_at = self._clock.now() + timedelta(seconds=lasts_s)
        self._changes[cluster] = _Change(ends_at, during, then)
