"""AKS clusters through Azure Resource Manager, with the app's managed identity.

A start or stop is sent once and never waited for: whoever asked comes back and reads the state. The SDK's own poller
and retries are off, because they would block for minutes and send a start twice (local measurements; Azure
documentation, "Track asynchronous Azure operations").
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from azure.core.exceptions import AzureError, HttpResponseError

from shared.domain.clusters import ClusterRequest, ClusterState, PowerState
from shared.domain.faults import ClusterApiUnavailable, InvariantViolation

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.containerservice import ContainerServiceClient
    from azure.mgmt.core import ARMPipelineClient

PUBLIC_ARM_URL: Final = "https://management.azure.com"
CONNECTION_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 30
PERMISSIONS_VERSION: Final = "2022-04-01"
PERMISSIONS: Final = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{name}"
    "/providers/Microsoft.Authorization/permissions"
)
IDENTITY_TIMEOUT_S: Final = 5

TRY_AGAIN_CODES: Final = frozenset({
    "TooManyRequests", "SubscriptionRequestsThrottled", "OperationTimedOut", "RequestTimeout", "GatewayTimeout",
    "ServerTimeout", "ServiceUnavailable", "ServerBusy", "InternalServerError", "InternalOperationError",
    "ExpiredAuthenticationToken",
})  # fmt: skip
"""Error codes that say nothing about the request, whatever status they come with (Azure documentation of throttling
and of transient Resource Manager errors)."""

_CLUSTER_ID: Final = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"/resourceGroups/(?P<group>[-\w.()]{0,89}[-\w()])"
    r"/providers/Microsoft\.ContainerService"
    r"/managedClusters/(?P<name>[a-z0-9](?:[-_a-z0-9]{0,61}[a-z0-9])?)",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterId:
    """The parts of a cluster's Azure resource id."""

    subscription: str
    group: str
    name: str


def cluster_id(text: str) -> ClusterId:
    """Return the parts of a resource id; letter case of its fixed words does not count (Azure naming rules).

    Raises:
        InvariantViolation: It is not the id of one AKS cluster; such a setting must not become a request.
    """
    found = _CLUSTER_ID.fullmatch(text)
    if found is None:
        raise InvariantViolation(f"not the resource id of an AKS cluster: {text!r}")
    return ClusterId(subscription=found["subscription"], group=found["group"], name=found["name"])


class AksClusters:
    """`Clusters` over azure-mgmt-containerservice."""

    def __init__(
        self, *, arm_url: str = PUBLIC_ARM_URL, ca_file: str | None = None, identity_client_id: str | None = None
    ) -> None:
        """Nothing is contacted or imported before the first call.

        Args:
            arm_url: Resource Manager; https, because the SDK sends its token over nothing else.
            ca_file: PEM certificates to trust for `arm_url`, in place of the public ones.
            identity_client_id: Client id of a user-assigned managed identity; None for the system-assigned one.

        Raises:
            ValueError: `arm_url` is not https.
        """
        if not arm_url.startswith("https://"):
            raise ValueError("the Azure Resource Manager URL must begin with https://")
        self._arm_url = arm_url.rstrip("/")
        self._ca_file = ca_file
        self._identity_client_id = identity_client_id
        self._credential: TokenCredential | None = None
        self._clients: dict[str, ContainerServiceClient] = {}
        self._making = threading.Lock()

    def state(self, cluster: str) -> ClusterState:
        """Return power and provisioning state as a GET reports them.

        Raises:
            ClusterApiUnavailable: No usable answer, whatever the reason: a state that cannot be read is no state.
        """
        wanted = cluster_id(cluster)
        try:
            found = self._client(wanted).managed_clusters.get(wanted.group, wanted.name)
        except AzureError as failure:
            raise _unavailable(failure) from failure
        properties = found.properties
        if properties is None or not properties.provisioning_state:
            raise ClusterApiUnavailable("Azure Resource Manager answered without a provisioning state")
        power = properties.power_state.code if properties.power_state else None
        return ClusterState(power=_power(power), provisioning=str(properties.provisioning_state))

    def begin_start(self, cluster: str) -> ClusterRequest:
        """Ask for a start and return at once.

        Raises:
            ClusterApiUnavailable: Throttled, broken, or the answer was lost: the start may have begun.
        """
        wanted = cluster_id(cluster)
        return asked(lambda: self._client(wanted).managed_clusters.begin_start(
            wanted.group, wanted.name, polling=False
        ))  # fmt: skip

    def begin_stop(self, cluster: str) -> ClusterRequest:
        """Ask for a stop and return at once; raises as `begin_start`."""
        wanted = cluster_id(cluster)
        return asked(lambda: self._client(wanted).managed_clusters.begin_stop(
            wanted.group, wanted.name, polling=False
        ))  # fmt: skip

    def allowed(self, cluster: str, actions: frozenset[str]) -> frozenset[str]:
        """Return those of the actions that the identity may carry out, as "Permissions - List For Resource" tells.

        Raises:
            ClusterApiUnavailable: No usable answer.
        """
        from azure.core.rest import HttpRequest

        wanted = cluster_id(cluster)
        path = PERMISSIONS.format(**asdict(wanted))
        try:
            with self._pipeline() as pipeline:
                request = HttpRequest("GET", pipeline.format_url(path), params={"api-version": PERMISSIONS_VERSION})
                response = pipeline.send_request(request)
                response.raise_for_status()
                granted = response.json()["value"]
                return frozenset(action for action in actions if any(grants(entry, action) for entry in granted))
        except AzureError as failure:
            raise _unavailable(failure) from failure
        except (KeyError, TypeError, ValueError) as failure:
            raise ClusterApiUnavailable("Azure Resource Manager answered without permissions") from failure

    def _pipeline(self) -> ARMPipelineClient[HttpRequest, HttpResponse]:
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, HeadersPolicy
        from azure.mgmt.core import ARMPipelineClient

        with self._making:
            scope = f"{self._arm_url}/.default"
            policies = [HeadersPolicy(), BearerTokenCredentialPolicy(self._identity(), scope)]
        options: dict[str, Any] = {} if self._ca_file is None else {"connection_verify": self._ca_file}
        return ARMPipelineClient(
            base_url=self._arm_url, policies=policies, connection_timeout=CONNECTION_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S, **options,
        )  # fmt: skip

    def _client(self, wanted: ClusterId) -> ContainerServiceClient:
        with self._making:
            client = self._clients.get(wanted.subscription)
            if client is None:
                client = self._clients[wanted.subscription] = self._new_client(wanted.subscription)
            return client

    def _identity(self) -> TokenCredential:
        from azure.identity import ManagedIdentityCredential

        if self._credential is None:
            self._credential = ManagedIdentityCredential(
                client_id=self._identity_client_id,
                connection_timeout=IDENTITY_TIMEOUT_S,
                read_timeout=IDENTITY_TIMEOUT_S,
                retry_total=0,
            )
        return self._credential

    def _new_client(self, subscription: str) -> ContainerServiceClient:
        # Together these cost a cold start a fifth of a second, and most requests never need them.
        from azure.mgmt.containerservice import ContainerServiceClient

        options: dict[str, Any] = {} if self._ca_file is None else {"connection_verify": self._ca_file}
        if self._arm_url != PUBLIC_ARM_URL:
            # The SDK's default is the public cloud's: a token for it must not be sent anywhere else.
            options["credential_scopes"] = [f"{self._arm_url}/.default"]
        return ContainerServiceClient(
            self._identity(),
            subscription,
            base_url=self._arm_url,
            retry_total=0,
            permit_redirects=False,
            connection_timeout=CONNECTION_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            **options,
        )


def grants(entry: Mapping[str, Any], action: str) -> bool:
    """Whether one entry of the permissions allows an action: named by `actions`, and not taken out by `notActions`."""

    def names(patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)

    return names(entry["actions"]) and not names(entry.get("notActions") or ())


def asked(send: Callable[[], object]) -> ClusterRequest:
    """Return Azure's answer to what `send` asks for; the error code decides, not the status or the text.

    Raises:
        ClusterApiUnavailable: There was no answer about the request itself.
    """
    try:
        send()
    except HttpResponseError as failure:
        code, message = _error(failure)
        if _says_no(failure, code):
            return ClusterRequest(accepted=False, error_code=code, message=message)
        raise _unavailable(failure) from failure
    except AzureError as failure:
        raise _unavailable(failure) from failure
    return ClusterRequest(accepted=True)


def _says_no(failure: HttpResponseError, code: str) -> bool:
    status = failure.status_code or 0
    return bool(code) and code not in TRY_AGAIN_CODES and 400 <= status < 500 and status not in (401, 408, 429)


def _error(failure: HttpResponseError) -> tuple[str, str]:
    error = failure.error
    return (error.code or "", error.message or "") if error else ("", "")


def _unavailable(failure: AzureError) -> ClusterApiUnavailable:
    code, message = _error(failure) if isinstance(failure, HttpResponseError) else ("", "")
    status = getattr(failure, "status_code", None)
    told = f"{code}: {message}" if code else (f"HTTP {status}" if status else type(failure).__name__)
    return ClusterApiUnavailable(f"no usable answer from Azure Resource Manager: {told}")


def _power(code: object) -> PowerState | None:
    text = str(getattr(code, "value", code))
    return next((power for power in PowerState if power.value == text), None)
