"""Settings, read once from the environment variables of the function app; all faults are reported together."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.channel_settings import ChannelName, ChannelSetting, is_this_machine
from shared.domain.environments import Environment
from shared.domain.policy import Policy
from shared.domain.traces import TraceExporter
from shared.ports.notifications import Destination

PREFIX: Final = "MVDR_"

_CLUSTER_ID: Final = (
    r"(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ContainerService/managedClusters/[^/]+$"
)

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}|\[key\]")


def _parsed(value: object) -> object:
    """Return JSON text parsed; an object that names a member twice is refused, since only one of them would count."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands there twice")
        return dict(pairs)

    try:
        return json.loads(value, object_pairs_hook=unique) if isinstance(value, str) else value
    except RecursionError:
        raise ValueError("nested too deep") from None


def is_unresolved(value: str) -> bool:
    """Whether a setting is still the Key Vault reference: the platform leaves it there when the vault said no."""
    return value.startswith("@Microsoft.KeyVault(")


class SettingsFault(Exception):
    """The settings are not usable; the text lists every fault, one per line."""


class EnvironmentSetting(BaseModel):
    """One member of MVDR_ENVIRONMENTS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dr_cluster: str = Field(pattern=_CLUSTER_ID)
    primary_cluster: str | None = Field(default=None, pattern=_CLUSTER_ID)
    rto_target_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class Settings(BaseModel):
    """The settings of the function app; each is the environment variable `MVDR_` + its name in capitals.

    Nothing that names an endpoint or a secret has a default: a missing one is a fault at start. The numbers of
    `Policy` are settings as well (MVDR_HEARTBEAT_TIMEOUT_S and so on), all optional.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    environments: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")], EnvironmentSetting],
        BeforeValidator(_parsed),
        Field(min_length=1),
    ]
    database_url: str = Field(
        min_length=1, description="libpq URL; without a password the managed identity's token is sent"
    )
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
    auth_alert_client_id: str = Field(
        default="461e8683-5575-4561-ac7f-899cc907d62a",
        min_length=1,
        description="`azp` of tokens that bring alerts: the application of Azure Monitor's action groups",
    )
    public_url: str | None = Field(
        default=None, description="public base URL without /api, for the canary and for links"
    )
    trace_exporter: TraceExporter = Field(
        default=TraceExporter.NONE,
        description="where traces of operations go: `none`; `otlp` (OTEL_EXPORTER_OTLP_*), or `azure`"
        " (APPLICATIONINSIGHTS_CONNECTION_STRING)",
    )
    notification_channels: Annotated[dict[ChannelName, ChannelSetting], BeforeValidator(_parsed)] = Field(
        default={}, description="JSON object from names to receivers of notifications; in Azure a Key Vault reference"
    )
    numbers: dict[str, int | float] = Field(default_factory=dict)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Return the settings found in `env`; empty variables count as absent.

        So does a Key Vault reference to the channels that the platform could not resolve: a vault that does not answer
        must not keep a failover from beginning.

        Raises:
            SettingsFault: Something is missing, unknown or wrong; every fault is named at once.
        """
        given = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in env.items()
            if key.startswith(PREFIX) and value != "" and not key.endswith("_SCHEDULE")
        }
        if is_unresolved(given.get("notification_channels", "")):
            del given["notification_channels"]
        faults = [f"{PREFIX}NUMBERS: unknown"] if given.pop("numbers", None) is not None else []
        written = {name: given.pop(name) for name in POLICY_NAMES if name in given}
        numbers, wrong = _numbers(written)
        faults += wrong
        if not wrong:
            faults += Policy(**numbers).faults()  # type: ignore[arg-type]
        if ("tables_endpoint" in given) == ("tables_connection_string" in given):
            faults.append(f"exactly one of {PREFIX}TABLES_ENDPOINT and {PREFIX}TABLES_CONNECTION_STRING is needed")
        try:
            settings = cls.model_validate({**given, "numbers": numbers})
            faults += _channel_faults(settings)
        except ValidationError as failure:
            faults += [f"{_variable(error['loc'])}: {_message(error)}" for error in failure.errors()]
        if faults:
            raise SettingsFault("settings are not usable:\n  " + "\n  ".join(faults))
        return settings

    def protocol_policy(self) -> Policy:
        """Return the numbers decisions are made with."""
        return Policy(**self.numbers)  # type: ignore[arg-type]

    def declared_environments(self) -> dict[str, Environment]:
        """Return the environments by name."""
        return {
            name: Environment(
                name=name,
                dr_cluster=item.dr_cluster,
                primary_cluster=item.primary_cluster,
                rto_target_s=item.rto_target_s,
            )
            for name, item in self.environments.items()
        }

    def destinations(self) -> tuple[Destination, ...]:
        """Return every notification channel with its address, by name."""
        return tuple(self.notification_channels[name].destination(name) for name in sorted(self.notification_channels))


POLICY_NAMES: Final = tuple(field.name for field in fields(Policy))
LARGEST_NUMBER: Final = 10**9
WHOLE_NUMBERS: Final = tuple(field.name for field in fields(Policy) if field.type in (int, "int"))


def _numbers(written: Mapping[str, str]) -> tuple[dict[str, float | int], list[str]]:
    numbers: dict[str, float | int] = {}
    faults = []
    for name, text in written.items():
        try:
            number = int(text) if name in WHOLE_NUMBERS else float(text)
        except ValueError:
            number = math.nan
        if abs(number) < LARGEST_NUMBER:  # False for nan
            numbers[name] = number
        else:
            kind = "whole number" if name in WHOLE_NUMBERS else "number"
            faults.append(f"{PREFIX}{name.upper()}: a {kind} is needed")
    return numbers, faults


def _channel_faults(settings: Settings) -> list[str]:
    """Return what only shows beside the other settings."""
    faults = []
    for name, channel in sorted(settings.notification_channels.items()):
        variable = f"{PREFIX}NOTIFICATION_CHANNELS.{name}"
        if unknown := sorted(set(channel.environments or ()) - settings.environments.keys()):
            faults.append(f"{variable}.environments: not in {PREFIX}ENVIRONMENTS: {', '.join(unknown)}")
        # In Azure the identity endpoint and the platform's own ports listen there; the lab has its inbox there. Only
        # the lab reaches its tables by a connection string.
        if settings.tables_connection_string is None and is_this_machine(channel.target):
            faults.append(f"{variable}: its receiver is this machine, which only the lab may name")
    return faults


def _message(error: Any) -> str:
    """Return what is wrong, without what was given: it may be a secret."""
    if error["type"] == "union_tag_invalid":
        return f"kind is one of {error['ctx']['expected_tags']}"
    return str(error["msg"])


def _variable(location: tuple[int | str, ...]) -> str:
    names = [str(part) for part in location]
    if names[:1] == ["notification_channels"]:
        # What stands where a name belongs may be an address.
        names[1:] = [name if _NAME.fullmatch(name) else "…" for name in names[1:]]
    return PREFIX + ".".join([names[0].upper(), *names[1:]]) if names else "settings"
