"""Environments and the two roles a gateway can have in one (runbook, overview and section 4)."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a gateway is for, as `MAZEVAULT_GATEWAY_ROLE` spells it (runbook section 4)."""

    PRIMARY = "primary"  # holds the environment in steady state
    DR_STANDBY = "dr-standby"  # cold: its cluster is stopped until a failover


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment the control plane looks after, as the settings declare it.

    Clusters are Azure resource ids of `Microsoft.ContainerService/managedClusters`. A primary without a
    cluster id runs somewhere the control plane cannot ask about; its heartbeat is then the only evidence.
    """

    name: str
    dr_cluster: str
    primary_cluster: str | None = None
    rto_target_s: float | None = None  # None: the policy's
