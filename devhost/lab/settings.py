"""The function app's settings in the lab: real durations divided by the speed, and where the local stand-ins are.

Pure: the same speed and addresses give the same settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from devhost.lab.names import ENVIRONMENTS, cluster_id
from shared.domain.policy import Policy

TENANT = "00000000-0000-4000-8000-000000000001"
AUDIENCE = "api://mazevault-gateway-dr"

DEFAULT_SPEED, SLOWEST, FASTEST = 20.0, 1.0, 60.0

# What does not get faster with the story: a request crosses loopback on a machine that is busy with the whole lab, and
# a transaction waits for a disk and a scheduler that know of no speed, and an approval for a person.
FLOORS_S = {"request_timeout_s": 1.0, "retry_s": 0.2, "guarded_transaction_s": 1.0, "approval_timeout_s": 60.0}

AKS_START_S = 180.0  # the runbook expects 3 to 5 minutes (1.2)
AKS_STOP_S = 90.0
GATEWAY_BOOT_S = 20.0  # from a running cluster to a gateway that beats
TICK_S = {
    "MVDR_HEALTH_MONITOR_SCHEDULE": 15.0,
    "MVDR_TASK_TIMEOUT_SCHEDULE": 15.0,
    "MVDR_MIRROR_SCHEDULE": 15.0,
    "MVDR_PREFLIGHT_SCHEDULE": 900.0,
    "MVDR_NOTIFICATION_SCHEDULE": 30.0,
}
SHORTEST_TICK_S = 0.5
DRILL_SCHEDULE = "0 0 10 15 1,4,7,10 *"  # as in the sample: in the lab, people begin their drills


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the lab's story goes, in seconds of this machine's clock."""

    speed: float
    policy: Policy
    aks_start_s: float
    aks_stop_s: float
    gateway_boot_s: float

    @property
    def failed_after_s(self) -> float:
        """About how long after its last heartbeat a gateway is marked failed: threshold times time-out, and a tick."""
        return self.policy.failure_threshold * self.policy.heartbeat_timeout_s + tick_s(
            "MVDR_HEALTH_MONITOR_SCHEDULE", self.speed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the local stand-ins of everything the function app talks to are."""

    public_url: str
    database_url: str
    tables_connection_string: str
    arm_url: str
    arm_ca_file: str
    identity_endpoint: str
    identity_header: str
    issuer: str
    jwks_url: str
    channels: Mapping[str, Any] = field(default_factory=dict)  # of notifications; empty: nobody is told


def pace_at(speed: float) -> Pace:
    """Return every duration of the lab at a speed from 1 (true durations) to 60.

    Raises ValueError for another speed, and when a relation that makes the protocol safe does not hold.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"the speed is between {SLOWEST:g} and {FASTEST:g}, not {speed:g}")
    policy = policy_at(speed)
    if faults := policy.faults():
        raise ValueError(f"at speed {speed:g}: " + "; ".join(faults))
    return Pace(
        speed=speed,
        policy=policy,
        aks_start_s=AKS_START_S / speed,
        aks_stop_s=AKS_STOP_S / speed,
        gateway_boot_s=GATEWAY_BOOT_S / speed,
    )


def policy_at(speed: float) -> Policy:
    """Return the protocol's numbers at a speed: every duration divided, none below its floor.

    Where a floor would break a relation of `Policy.faults`, what stands on the floor is raised with it: the lease
    to two lost requests, one missed heartbeat to a lease and its margin, the first claim to the wait before it.
    """
    real = Policy()
    durations = [field.name for field in fields(Policy) if field.name.endswith("_s")]
    divided = {name: max(getattr(real, name) / speed, FLOORS_S.get(name, 0.0)) for name in durations}
    quick = replace(real, **divided)
    quick = replace(quick, lease_s=max(quick.lease_s, quick.on_time_s))
    waits_s = quick.lease_s + quick.server_margin_s
    answered_s = quick.heartbeat_interval_s + quick.request_timeout_s
    return replace(
        quick,
        heartbeat_timeout_s=max(quick.heartbeat_timeout_s, waits_s),
        first_claim_timeout_s=max(quick.first_claim_timeout_s, waits_s + answered_s),
    )


def app_settings(pace: Pace, addresses: Addresses) -> dict[str, str]:
    """Return the environment variables the function app reads, and nothing else."""
    environments = {
        name: {"dr_cluster": cluster_id(name, "dr"), "primary_cluster": cluster_id(name, "primary")}
        for name in ENVIRONMENTS
    }
    numbers = {f"MVDR_{field.name.upper()}": getattr(pace.policy, field.name) for field in fields(Policy)}
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "IDENTITY_ENDPOINT": addresses.identity_endpoint,
        "IDENTITY_HEADER": addresses.identity_header,
        "MVDR_ENVIRONMENTS": json.dumps(environments),
        "MVDR_DATABASE_URL": addresses.database_url,
        "MVDR_TABLES_CONNECTION_STRING": addresses.tables_connection_string,
        "MVDR_ARM_URL": addresses.arm_url,
        "MVDR_ARM_CA_FILE": addresses.arm_ca_file,
        "MVDR_AUTH_ISSUER": addresses.issuer,
        "MVDR_AUTH_AUDIENCE": AUDIENCE,
        "MVDR_AUTH_TENANT_ID": TENANT,
        "MVDR_AUTH_JWKS_URL": addresses.jwks_url,
        "MVDR_PUBLIC_URL": addresses.public_url,
        "MVDR_NOTIFICATION_CHANNELS": json.dumps(addresses.channels) if addresses.channels else "",
        **{name: timespan(tick_s(name, pace.speed)) for name in TICK_S},
        "MVDR_DRILL_SCHEDULE": DRILL_SCHEDULE,
        **{name: repr(number) for name, number in numbers.items()},
    }


def trace_settings(endpoint: str) -> dict[str, str]:
    """Return the variables that send the traces of operations to an OTLP endpoint; none for an empty one."""
    return {"MVDR_TRACE_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} if endpoint else {}


def tick_s(setting: str, speed: float) -> float:
    """Return how often the timer behind a schedule setting fires."""
    return max(TICK_S[setting] / speed, SHORTEST_TICK_S)


def timespan(seconds: float) -> str:
    """Return a duration below a day as a timer trigger's schedule spells it: `00:00:00.7500000`."""
    ticks = round(seconds * 10_000_000)
    minutes, rest = divmod(ticks, 600_000_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 10_000_000:02d}.{rest % 10_000_000:07d}"


def clean_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables every child starts with: the caller's, less what would change the lab's behaviour.

    Settings of another control plane must not leak in, and no proxy may stand between parts that talk over loopback.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith(("MVDR_", "MAZEVAULT_", "AZURE_"))}
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
