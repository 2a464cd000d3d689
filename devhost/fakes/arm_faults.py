"""The fault switches of the fake Resource Manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong with one cluster. Counts run down with every use; the others stay until they are set back."""

    start_conflict: int = 0  # so many starts answer 409: another operation is in progress
    throttle: int = 0  # so many requests of any kind answer 429 ...
    retry_after_s: int = 1  # ... with this Retry-After
    lose_response: int = 0  # so many starts or stops are carried out, and then the connection is cut
    start_fails: str = ""  # the code every start fails with, e.g. AllocationFailed; the cluster stays stopped
    half_failed_start: bool = False  # every start ends with power Running and provisioning state Failed
    never_ends: bool = False  # no start or stop that is accepted from now on ever ends
    not_latest: bool = False  # a Succeeded operation also carries the error NotLatestOperation
    latency_s: float = 0.0  # every answer is this late
    command_exit_code: int = 0  # what a run command ends with ...
    command_logs: str = ""  # ... and prints; empty for a listing of one ready pod
    denied_action: str = ""  # an action the caller's roles do not allow


class UnknownSwitch(ValueError):
    """A fault switch was named that does not exist, or given a value of the wrong type."""


class FaultSwitches:
    """The faults of every cluster, by resource id in lower case; what is set for no cluster is set for all."""

    def __init__(self) -> None:
        self._all = Faults()
        self._by_cluster: dict[str, Faults] = {}

    def of(self, resource_id: str) -> Faults:
        """Return the faults that apply to a cluster now."""
        return self._by_cluster.get(resource_id.lower(), self._all)

    def set(self, switches: Mapping[str, object]) -> None:
        """Set the switches that are named; the member `cluster`, a resource id, limits them to one cluster.

        Without it they are set for every cluster, and what was set for single clusters before is forgotten.
        Raises UnknownSwitch and then changes nothing.
        """
        chosen = dict(switches)
        cluster = chosen.pop("cluster", None)
        if cluster is None:
            self._all = _changed(self._all, chosen)
            self._by_cluster.clear()
        else:
            key = str(cluster).lower()
            self._by_cluster[key] = _changed(self.of(key), chosen)

    def clear(self) -> None:
        """Set every switch back."""
        self._all = Faults()
        self._by_cluster.clear()

    def use_up(self, resource_id: str, name: str) -> bool:
        """Return whether the counting switch `name` is on for a cluster, and count it down."""
        now = self.of(resource_id)
        left = int(getattr(now, name))
        if left <= 0:
            return False
        if resource_id.lower() in self._by_cluster:
            self._by_cluster[resource_id.lower()] = _changed(now, {name: left - 1})
        else:
            self._all = _changed(now, {name: left - 1})
        return True

    def report(self) -> dict[str, object]:
        """Return every switch, for all clusters and for single ones, as JSON values."""
        return {"all": asdict(self._all), "clusters": {key: asdict(one) for key, one in self._by_cluster.items()}}


def _changed(faults: Faults, switches: Mapping[str, object]) -> Faults:
    known = {field.name: type(field.default) for field in fields(Faults)}
    for name, value in switches.items():
        wanted = known.get(name)
        if wanted is None:
            raise UnknownSwitch(f"no fault switch is named {name!r}; there are {', '.join(known)}")
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise UnknownSwitch(f"{name} takes a {wanted.__name__}, not {value!r}")
    return replace(faults, **switches)  # type: ignore[arg-type]
