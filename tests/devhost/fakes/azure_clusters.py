"""A cluster of the fake Resource Manager, seen through the real SDK."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx2
from azure.core.credentials import AccessToken
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.containerservice.models import Code, ManagedCluster

SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
GROUP = "rg-gateway-dr"
START_S = 0.8
STOP_S = 0.4


def resource_id(name: str) -> str:
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
        f"/providers/Microsoft.ContainerService/managedClusters/{name}"
    )


class AnyToken:
    """A credential whose token is well formed, which is all that the fake asks for."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("some.token", int(time.time()) + 3600)


def aks_client(ready: dict[str, str], credential: Any, **options: Any) -> ContainerServiceClient:
    return ContainerServiceClient(
        credential,
        SUBSCRIPTION,
        base_url=ready["url"],
        connection_verify=ready["certificate"],
        polling_interval=0.05,
        **{"retry_total": 0, **options},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """One cluster of the fake, seen through the real SDK and through the fake's own endpoints."""

    name: str
    client: ContainerServiceClient
    lab: httpx2.Client

    @property
    def id(self) -> str:
        return resource_id(self.name)

    def states(self) -> tuple[str, str]:
        """Return the power code and the provisioning state."""
        cluster = self.client.managed_clusters.get(GROUP, self.name)
        assert isinstance(cluster, ManagedCluster)
        assert cluster.properties is not None
        assert cluster.properties.power_state is not None
        assert cluster.properties.power_state.code is not None
        return Code(cluster.properties.power_state.code).value, str(cluster.properties.provisioning_state)

    def begin_start(self, **options: Any) -> Any:
        return self.client.managed_clusters.begin_start(GROUP, self.name, **options)

    def begin_stop(self, **options: Any) -> Any:
        return self.client.managed_clusters.begin_stop(GROUP, self.name, **options)

    def set_faults(self, **switches: object) -> None:
        self.lab.post("/_lab/faults", json={"cluster": self.id, **switches}).raise_for_status()

    def wait_for(self, states: tuple[str, str], *, within_s: float = 5.0) -> None:
        ends_at = time.monotonic() + within_s
        while self.states() != states:
            assert time.monotonic() < ends_at, self.states()
            time.sleep(0.02)
