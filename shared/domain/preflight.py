"""Preflight: would a failover work now? One check per thing that can be in its way, each with its evidence.

A check passes only on evidence. What could not be asked, or was never shown, is a warning or a failure, and says so.

    check            warns                                         fails
    cluster_access                                                 a right is missing; Azure does not answer
    cluster_state    runs unneeded; is being changed               failed; is down under the holder
    cluster_rest     start unknown or 9 months ago; just stopped   not started for 12 months
    dr_gateway                                                     not registered; reports another role
    database                                                       does not answer, read-only, other schema
    replication      no replica seen; lag not readable             more than 30 s behind; does not answer
    key_vault        never shown; no recent drill wrote            reported unusable
    authority        the mirror lags or cannot be read             the lock has lost writes, or is missing
    active_gateway   suspect or unknown                            none is active, or it is failed
    monitor                                                        no tick within HeartbeatTimeout
    drill            none succeeded within its age
    pause            paused
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from shared.domain.clusters import ClusterState
from shared.domain.drills import DrillSlot
from shared.domain.failover import Snapshot
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue


class CheckStatus(Enum):
    """How a check ended; the worst one is the preflight's."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


class CheckName(Enum):
    """One check: its name, what to do when it does not pass, and the runbook section it belongs to."""

    def __init__(self, check_id: str, hint: str, runbook: str) -> None:
        self.id = check_id
        self.hint = hint
        self.runbook = runbook

    CLUSTER_ACCESS = ("cluster_access", "Give the function app's identity the custom role on the DR cluster.", "1.2")
    CLUSTER_STATE = (
        "cluster_state",
        "Look at the cluster in the Azure portal; a running DR cluster costs money.",
        "1.2",
    )
    CLUSTER_REST = ("cluster_rest", "Drill: Azure keeps the state of a stopped cluster for 12 months.", "1.2")
    DR_GATEWAY = ("dr_gateway", "Check MAZEVAULT_GATEWAY_ROLE and _ENVIRONMENT; drill to register it again.", "1.3")
    DATABASE = ("database", "Restore PostgreSQL; without it nobody can work after a failover.", "2.1")
    REPLICATION = ("replication", "Look at the replica; grant pg_monitor so that the lag can be read.", "2.1")
    KEY_VAULT = ("key_vault", "Check the gateway's Key Vault access; a drill shows that the DR site can write.", "3")
    AUTHORITY = ("authority", "Wait for the reconciler; a lock that lost writes needs authority/restore.", "3")
    ACTIVE_GATEWAY = ("active_gateway", "See explain for the verdict and the next safe action.", "1.1")
    MONITOR = ("monitor", "Check that the health monitor's timer runs and reaches its stores.", "1.1")
    DRILL = ("drill", "Run a drill.", "1.2")
    PAUSE = ("pause", "Resume the environment when the work it was paused for is done.", "1.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check as it ended."""

    name: CheckName
    status: CheckStatus
    summary: str
    evidence: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """PostgreSQL as it stands between its servers."""

    is_standby: bool
    replicas: int
    lag_s: float | None  # of the slowest replica, or of this standby; None: not readable, or nothing to measure


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Something that could not be found out, and why."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything a preflight asked for. What did not answer is NotAsked, never left out."""

    snapshot: Snapshot
    cluster: ClusterState | NotAsked
    allowed: frozenset[str] | NotAsked  # those of NEEDED_ACTIONS that the app's identity may carry out
    database: NotAsked | None  # None: it answers, can be written and has the schema
    replication: Replication | NotAsked
    slot: DrillSlot | None
    last_start_at: datetime | None  # of the DR cluster, by an operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """One run of all checks."""

    environment: str
    checked_at: datetime
    checks: tuple[Check, ...]

    @property
    def status(self) -> CheckStatus:
        """The worst status of its checks."""
        order = (CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.PASS)
        return next((status for status in order if any(check.status is status for check in self.checks)), order[0])


NEEDED_ACTIONS: Final = frozenset({
    "Microsoft.ContainerService/managedClusters/read",
    "Microsoft.ContainerService/managedClusters/start/action",
    "Microsoft.ContainerService/managedClusters/stop/action",
})  # fmt: skip
STATE_KEPT_S: Final = 365 * 86400.0
"""AKS keeps the state of a stopped cluster for 12 months ("Stop and start an AKS cluster", limitations)."""
STATE_WARNING_S: Final = 274 * 86400.0
LAG_LIMIT_S: Final = 30.0


def failing(preflight: Preflight) -> tuple[Check, ...]:
    """Return the checks that do not pass, the worst first."""
    left = [check for check in preflight.checks if check.status is not CheckStatus.PASS]
    return tuple(sorted(left, key=lambda check: check.status is CheckStatus.WARN))


def is_rested(findings: Findings, policy: Policy) -> float | None:
    """Return how many seconds Azure still wants before the DR cluster is started; None when that is not known."""
    if findings.slot is None or findings.slot.last_stopped_at is None:
        return None
    rested_s = (findings.snapshot.now - findings.slot.last_stopped_at).total_seconds()
    return max(policy.hold_s - rested_s, 0.0)
