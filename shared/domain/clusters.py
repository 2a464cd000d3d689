"""AKS clusters as Azure reports them, and what Azure answers to a start or a stop."""

from dataclasses import dataclass
from enum import Enum


class PowerState(Enum):
    """`powerState.code` of an AKS cluster."""

    RUNNING = "Running"
    STOPPED = "Stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """An AKS cluster as Azure reports it. A stopped cluster also reports `Succeeded`, so both fields count."""

    power: PowerState | None  # None: a code this version does not know
    provisioning: str  # Succeeded, Starting, Stopping, Failed, Updating, ...

    @property
    def ready(self) -> bool:
        """Whether the cluster is up: Running and Succeeded (runbook 1.2)."""
        return self.power is PowerState.RUNNING and self.provisioning == "Succeeded"

    @property
    def stopped(self) -> bool:
        """Whether the cluster is down and nothing is in progress."""
        return self.power is PowerState.STOPPED and self.provisioning in ("Succeeded", "Failed")

    @property
    def in_transition(self) -> bool:
        """Whether Azure is still working on the cluster."""
        return self.provisioning not in ("Succeeded", "Failed", "Canceled")

    def describe(self) -> str:
        """Return both states as people read them in the Azure portal."""
        power = self.power.value if self.power else "unknown power state"
        return f"{power} / {self.provisioning}"


@dataclass(frozen=True, slots=True)
class ClusterRequest:
    """Azure's answer to a start or stop: accepted, or the ARM error code with its message."""

    accepted: bool
    error_code: str = ""
    message: str = ""
