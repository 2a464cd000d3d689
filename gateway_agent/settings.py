"""What a gateway is told by its environment variables (runbook section 4), checked as a whole before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

ENVIRONMENT = "MAZEVAULT_GATEWAY_ENVIRONMENT"
ROLE = "MAZEVAULT_GATEWAY_ROLE"
IDENTITY = "AZURE_MANAGED_IDENTITY_CLIENT_ID"
GATEWAY_ID = "MAZEVAULT_GATEWAY_ID"
CONTROL_PLANE_URL = "MAZEVAULT_CONTROL_PLANE_URL"
STATE_FILE = "MAZEVAULT_GATEWAY_STATE_FILE"
REGION = "MAZEVAULT_GATEWAY_REGION"

DEFAULT_STATE_FILE = "/data/gateway-state.json"  # runbook 1.3
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


class Role(Enum):
    """What a gateway is for, as `MAZEVAULT_GATEWAY_ROLE` spells it (runbook section 4)."""

    PRIMARY = "primary"  # holds the environment in steady state
    DR_STANDBY = "dr-standby"  # cold: its cluster is stopped until a failover


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Who this gateway is, and where its control plane and its state file are."""

    gateway_id: str
    environment: str
    role: Role
    identity_client_id: str
    control_plane_url: str  # without /api
    state_file: Path
    region: str = ""


class SettingsFault(ValueError):
    """The variables are incomplete or wrong; `faults` lists everything at once."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("the gateway cannot start: " + "; ".join(faults))
        self.faults = faults


def settings_from(variables: Mapping[str, str]) -> GatewaySettings:
    """Return the settings in a set of environment variables. Raises SettingsFault with every fault."""
    given = {name: variables.get(name, "").strip() for name in _REQUIRED}
    faults = [f"{name} is not set ({meaning})" for name, meaning in _REQUIRED.items() if not given[name]]
    roles = {role.value: role for role in Role}
    role = roles.get(given[ROLE])
    if given[ROLE] and role is None:
        faults.append(f"{ROLE} is {given[ROLE]!r}; it is {' or '.join(roles)} (runbook section 4)")
    if given[CONTROL_PLANE_URL] and (fault := _url_fault(given[CONTROL_PLANE_URL])):
        faults.append(fault)
    if faults or role is None:
        raise SettingsFault(tuple(faults))
    return GatewaySettings(
        gateway_id=given[GATEWAY_ID],
        environment=given[ENVIRONMENT],
        role=role,
        identity_client_id=given[IDENTITY],
        control_plane_url=given[CONTROL_PLANE_URL].rstrip("/"),
        state_file=Path(variables.get(STATE_FILE, "").strip() or DEFAULT_STATE_FILE),
        region=variables.get(REGION, "").strip(),
    )


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        return f"{CONTROL_PLANE_URL} is {url!r}, which is no URL: {error}"
    if parts.scheme == "https" and host:
        return None
    if parts.scheme == "http" and host in LOOPBACK_NAMES:
        return None
    return f"{CONTROL_PLANE_URL} is {url!r}; the gateway's token goes over https only (http on loopback)"


_REQUIRED = {
    ENVIRONMENT: "NPR or PRO, the same for primary and DR",
    ROLE: "primary or dr-standby",
    IDENTITY: "client id of the managed identity of this region",
    GATEWAY_ID: "the name this gateway registers under",
    CONTROL_PLANE_URL: "where the control plane is, without /api",
}
