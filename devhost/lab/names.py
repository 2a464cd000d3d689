"""The gateways of the lab, and the short ways of naming one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SUBSCRIPTION = "00000000-0000-4000-8000-000000000002"
ENVIRONMENTS = ("NPR", "PRO")
PRIMARY, DR_STANDBY = "primary", "dr-standby"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabGateway:
    """One gateway of the lab. `role` is spelled as `MAZEVAULT_GATEWAY_ROLE` spells it (runbook section 4)."""

    id: str
    environment: str
    role: str
    region: str

    @property
    def is_dr(self) -> bool:
        """Whether it is the cold standby, which runs only while its cluster does."""
        return self.role == DR_STANDBY

    @property
    def cluster(self) -> str:
        """The Azure resource id of the cluster it runs in."""
        return cluster_id(self.environment, "dr" if self.is_dr else "primary")

    @property
    def config(self) -> str:
        """The rotation config that the lab keeps executing in its environment."""
        return demo_config(self.environment)


class UnknownGateway(ValueError):
    """No gateway of the lab is meant by these words; the message lists the names that are."""


def cluster_id(environment: str, which: str) -> str:
    """Return the resource id of an environment's cluster; `which` is `primary` or `dr`."""
    name = environment.lower()
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-gateway-{name}-dr/providers"
        f"/Microsoft.ContainerService/managedClusters/aks-gateway-{name}-{which}"
    )


def demo_config(environment: str) -> str:
    """Return the id of the rotation config that is executed again and again in an environment."""
    return f"cfg-{environment.lower()}-demo"


def _pair(environment: str) -> tuple[LabGateway, LabGateway]:
    stem = f"gw-{environment.lower()}"
    return (
        LabGateway(id=f"{stem}-primary", environment=environment, role=PRIMARY, region="westeurope"),
        LabGateway(id=f"{stem}-dr", environment=environment, role=DR_STANDBY, region="northeurope"),
    )


GATEWAYS: tuple[LabGateway, ...] = tuple(gateway for environment in ENVIRONMENTS for gateway in _pair(environment))


def resolve(words: Sequence[str]) -> LabGateway:
    """Return the gateway meant by `gw-pro-primary`, `pro-primary`, `primary PRO`, `PRO dr-standby` and the like.

    Raises UnknownGateway.
    """
    given = {part for word in words for part in re.split(r"[\s_-]+", word.lower()) if part} - {"gw", "standby"}
    for gateway in GATEWAYS:
        if given == {gateway.environment.lower(), "dr" if gateway.is_dr else "primary"}:
            return gateway
    said = " ".join(words)
    known = ", ".join(gateway.id for gateway in GATEWAYS)
    raise UnknownGateway(f"no gateway is called {said!r}. There are {known}; `pro-primary` or `primary PRO` will do.")


def of_cluster(resource_id: str) -> LabGateway | None:
    """Return the gateway that runs in a cluster, whatever the case of the id; None for a cluster of nobody."""
    wanted = resource_id.lower()
    return next((gateway for gateway in GATEWAYS if gateway.cluster.lower() == wanted), None)
