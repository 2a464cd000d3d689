"""Settings, read once from the environment variables of the function app; all faults are reported together."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from shared.domain.environments import Environment
from shared.domain.policy import Policy

PREFIX: Final = "MVDR_"

_CLUSTER_ID: Final = (
    r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ContainerService/managedClusters/[^/]+$"
)


class SettingsFault(Exception):
    """The settings are not usable; the text lists every fault, one per line."""


class EnvironmentSetting(BaseModel):
    """One member of MVDR_ENVIRONMENTS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dr_cluster: str = Field(pattern=_CLUSTER_ID)
    primary_cluster: str | None = Field(default=None, pattern=_CLUSTER_ID)


class Settings(BaseModel):
    """The settings of the function app; each is the environment variable `MVDR_` + its name in capitals.

    Nothing that names an endpoint or a secret has a default: a missing one is a fault at start. The numbers of
    `Policy` are settings as well (MVDR_HEARTBEAT_TIMEOUT_S and so on), all optional.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    environments: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")], EnvironmentSetting],
        BeforeValidator(lambda text: json.loads(text) if isinstance(text, str) else text),
        Field(min_length=1),
    ]
    database_url: str = Field(min_length=1, description="libpq URL; PostgreSQL with leases and tasks")
    database_pool_size: int = Field(default=8, ge=2, le=64)
    tables_endpoint: str | None = Field(default=None, description="Table endpoint, reached with the managed identity")
    tables_connection_string: str | None = Field(default=None, description="instead of the endpoint, for Azurite")
    arm_url: str = Field(default="https://management.azure.com", description="Azure Resource Manager")
    arm_ca_file: str | None = Field(
        default=None, description="certificate to trust for arm_url, in place of the public ones"
    )
    identity_client_id: str | None = Field(default=None, description="client id of a user-assigned managed identity")
    auth_issuer: str = Field(min_length=1, description="`iss` of accepted tokens")
    auth_audience: str = Field(min_length=1, description="`aud` of accepted tokens")
    auth_tenant_id: str = Field(min_length=1, description="`tid` of accepted tokens")
    auth_jwks_url: str = Field(min_length=1, description="where the issuer publishes its keys")
    public_url: str | None = Field(default=None, description="public base URL without /api, for the monitor's canary")
    policy: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way_to_the_tables(self) -> "Settings":
        if (self.tables_endpoint is None) == (self.tables_connection_string is None):
            raise ValueError("exactly one of MVDR_TABLES_ENDPOINT and MVDR_TABLES_CONNECTION_STRING is needed")
        faults = self.protocol_policy().faults()
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Return the settings found in `env`; empty variables count as absent.

        Raises:
            SettingsFault: Something is missing, unknown or wrong; every fault is named at once.
        """
        given = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in env.items()
            if key.startswith(PREFIX) and value != "" and not key.endswith("_SCHEDULE")
        }
        numbers = {name: given.pop(name) for name in POLICY_NAMES if name in given}
        try:
            return cls.model_validate({**given, "policy": numbers})
        except ValidationError as fault:
            lines = (f"{_variable(error['loc'])}: {error['msg']}" for error in fault.errors())
            raise SettingsFault("settings are not usable:\n  " + "\n  ".join(lines)) from None

    def protocol_policy(self) -> Policy:
        """Return the numbers decisions are made with."""
        numbers: dict[str, float | int] = {
            name: int(value) if name in WHOLE_NUMBERS else value for name, value in self.policy.items()
        }
        return Policy(**numbers)  # type: ignore[arg-type]

    def declared_environments(self) -> dict[str, Environment]:
        """Return the environments by name."""
        return {
            name: Environment(name=name, dr_cluster=item.dr_cluster, primary_cluster=item.primary_cluster)
            for name, item in self.environments.items()
        }


POLICY_NAMES: Final = tuple(field.name for field in fields(Policy))
WHOLE_NUMBERS: Final = tuple(field.name for field in fields(Policy) if field.type in (int, "int"))


def _variable(location: tuple[int | str, ...]) -> str:
    names = [str(part) for part in location if part != "policy"]
    return PREFIX + ".".join([names[0].upper(), *names[1:]]) if names else "settings"
