"""What the fake Resource Manager knows of AKS clusters: states, operations, and how time moves them.

No network and no clock: every call is told the time, in seconds since the epoch, so that a restarted fake goes on
with the operations of its predecessor. The states are those the real service reports (Azure documentation of
`Microsoft.ContainerService/managedClusters`, its troubleshooting page on `OperationNotAllowed`, and public recordings
of `az aks stop` and `az aks start`):

* a stopped cluster reports provisioning state `Succeeded`; only its power code tells that it is stopped;
* during a start the power code turns to `Running` while the provisioning state is still `Starting`;
* a second stop is an error, not a success; so is a start in the wrong state.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from devhost.fakes.arm_faults import Faults

POWER_TURNS_AT = 0.5  # the share of a start after which the power code says Running
KEPT_OPERATIONS = 200
KEPT_EVENTS = 1000


class Kind(Enum):
    """What an operation does to the cluster; the value is the provisioning state meanwhile."""

    START = "Starting"
    STOP = "Stopping"

    @property
    def word(self) -> str:
        """The word the service's messages use: `starting`, `stopping`."""
        return self.value.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster as a GET reports it; `power` and `provisioning` are the service's own words."""

    resource_id: str
    power: str
    provisioning: str = "Succeeded"
    changed_at_s: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether no operation is at work on it."""
        return self.provisioning in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One accepted start or stop. `ends_at_s` None means never; `error` is the code it fails with, or empty."""

    id: str
    secret: str
    cluster: str
    kind: Kind
    started_at_s: float
    power_turns_at_s: float
    ends_at_s: float | None
    error: str = ""
    status: str = "InProgress"
    ended_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change of a cluster's power or provisioning state, numbered from 1."""

    seq: int
    cluster: str
    power: str
    provisioning: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long operations take, in seconds. The real service needs one to ten minutes for either."""

    start_s: float = 90.0
    stop_s: float = 60.0


class Refused(Exception):
    """The service refuses the request: `status` is the HTTP status, `code` the service's error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Clusters:
    """Every cluster, operation and event. Keys of clusters are their resource ids in lower case, as ids ignore case."""

    def __init__(self, durations: Durations, *, on_change: Callable[[], None] = lambda: None) -> None:
        """Begin empty; `on_change` is called after every change of anything."""
        self.durations = durations
        self.clusters: dict[str, Cluster] = {}
        self.operations: dict[str, Operation] = {}
        self.events: list[Event] = []
        self.on_change = on_change

    def declare(self, resource_id: str, power: str, now_s: float) -> None:
        """Add a cluster in a settled state; one that is known keeps the state it has."""
        if resource_id.lower() not in self.clusters:
            self._put(Cluster(resource_id=resource_id, power=power), now_s)

    def get(self, resource_id: str) -> Cluster:
        """Return a cluster. Raises Refused (404) for an unknown one."""
        cluster = self.clusters.get(resource_id.lower())
        if cluster is None:
            group, name = resource_id.split("/")[4], resource_id.split("/")[-1]
            raise Refused(
                404,
                "ResourceNotFound",
                f"The Resource 'Microsoft.ContainerService/managedClusters/{name}' under resource group '{group}' "
                "was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            )
        return cluster

    def settle(self, resource_id: str, *, power: str, provisioning: str, now_s: float) -> None:
        """Put a cluster into a state as somebody else's action would; a running operation on it is cancelled."""
        cluster = self.get(resource_id)
        for operation in self._running_on(cluster):
            self._end(operation, status="Canceled", now_s=now_s)
        self._put(replace(cluster, power=power, provisioning=provisioning), now_s)

    def begin(self, kind: Kind, resource_id: str, faults: Faults, now_s: float) -> Operation:
        """Accept a start or stop, or raise Refused with the answer the service gives in this state."""
        cluster = self.get(resource_id)
        self._check(kind, cluster)
        lasts_s = self.durations.start_s if kind is Kind.START else self.durations.stop_s
        fails_early = kind is Kind.START and bool(faults.start_fails)
        fails_half = kind is Kind.START and faults.half_failed_start
        operation = Operation(
            id=str(uuid.uuid4()),
            secret=secrets.token_urlsafe(32),
            cluster=cluster.resource_id,
            kind=kind,
            started_at_s=now_s,
            power_turns_at_s=now_s + lasts_s * POWER_TURNS_AT,
            ends_at_s=None if faults.never_ends else now_s + lasts_s,
            error=faults.start_fails if fails_early else "NodePoolNotReady" if fails_half else "",
        )
        if fails_early:  # no machines were found, so nothing was ever powered on
            operation = replace(operation, power_turns_at_s=float("inf"))
        self.operations[operation.id] = operation
        for forgotten in list(self.operations)[:-KEPT_OPERATIONS]:
            del self.operations[forgotten]
        self._put(replace(cluster, provisioning=kind.value), now_s)
        return operation

    def advance(self, now_s: float) -> None:
        """Let everything happen that was due by `now_s`."""
        for operation in [one for one in self.operations.values() if one.status == "InProgress"]:
            cluster = self.get(operation.cluster)
            if operation.kind is Kind.START and cluster.power != "Running" and now_s >= operation.power_turns_at_s:
                cluster = self._put(replace(cluster, power="Running"), operation.power_turns_at_s)
            if operation.ends_at_s is None or now_s < operation.ends_at_s:
                continue
            self._end(operation, status="Failed" if operation.error else "Succeeded", now_s=operation.ends_at_s)
            stopped = operation.kind is Kind.STOP
            outcome = "Failed" if operation.error else "Succeeded"
            power = "Stopped" if stopped else cluster.power
            self._put(replace(cluster, power=power, provisioning=outcome), operation.ends_at_s)

    def next_change_at_s(self) -> float | None:
        """Return when `advance` has something to do next, or None if nothing is under way."""
        moments = []
        for operation in self.operations.values():
            if operation.status != "InProgress":
                continue
            if operation.kind is Kind.START and self.get(operation.cluster).power != "Running":
                moments.append(operation.power_turns_at_s)
            if operation.ends_at_s is not None:
                moments.append(operation.ends_at_s)
        return min(moments, default=None)

    def is_superseded(self, operation: Operation) -> bool:
        """Return whether a later operation was accepted on the same cluster."""
        same = [one.id for one in self.operations.values() if one.cluster == operation.cluster]
        return same[-1] != operation.id

    def _check(self, kind: Kind, cluster: Cluster) -> None:
        if kind is Kind.STOP and cluster.settled and cluster.power == "Stopped":
            last = [one for one in self.operations.values() if one.cluster == cluster.resource_id]
            since_s = last[-1].started_at_s if last else cluster.changed_at_s
            raise Refused(
                400,
                "OperationNotAllowed",
                "managed cluster is not currently running, stopping cannot be performed; The stop operation started "
                f"at {instant(since_s)} and elapsed time is {max(0.0, cluster.changed_at_s - since_s):.0f}s.",
            )
        if not cluster.settled or (kind is Kind.START and cluster.power == "Running"):
            raise Refused(
                409,
                "OperationNotAllowed",
                f"managed cluster is in Provisioning State({cluster.provisioning}) and Power State({cluster.power}), "
                f"{kind.word} cannot be performed. For more information, please visit https://aka.ms/aks-start-stop",
            )

    def _running_on(self, cluster: Cluster) -> list[Operation]:
        mine = (one for one in self.operations.values() if one.cluster == cluster.resource_id)
        return [one for one in mine if one.status == "InProgress"]

    def _end(self, operation: Operation, *, status: str, now_s: float) -> None:
        self.operations[operation.id] = replace(operation, status=status, ended_at_s=now_s)

    def _put(self, cluster: Cluster, now_s: float) -> Cluster:
        changed = replace(cluster, changed_at_s=now_s)
        self.clusters[cluster.resource_id.lower()] = changed
        event = Event(
            seq=self.events[-1].seq + 1 if self.events else 1,
            cluster=cluster.resource_id,
            power=cluster.power,
            provisioning=cluster.provisioning,
            at=instant(now_s),
        )
        self.events = [*self.events[-KEPT_EVENTS + 1 :], event]
        self.on_change()
        return changed


def instant(at_s: float) -> str:
    """Return a time as the service writes it: ISO 8601, UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
