"""Gateways as the control plane knows them: who registered, and when each was last heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue


class ActivationStatus(Enum):
    """What the control plane has assigned to a gateway; derived from the environment lock, never stored beside it."""

    ACTIVE = "active"  # holds the environment; its writes pass the fence
    STANDBY = "standby"  # beats, claims nothing
    FAILED = "failed"  # was silent for FailureThreshold windows; a person, or a recovery, decides what follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The managed identity a gateway registered with; nobody else may beat or claim for it."""

    tenant_id: str
    object_id: str


class CanaryStatus(Enum):
    """How a canary stands."""

    ASKED = "asked"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A disposable rotation that a drill asks of a standby gateway."""

    drill_id: str
    config: Mapping[str, JsonValue]
    asked_at: datetime
    status: CanaryStatus = CanaryStatus.ASKED
    result: Mapping[str, JsonValue] = field(default_factory=dict)
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One registered gateway and its liveness. Every instant is the receiver's clock, never the gateway's."""

    id: str
    environment: str
    role: Role
    identity: Identity
    registered_at: datetime
    region: str = ""
    version: str = ""
    boot_id: str = ""
    booted_at: datetime | None = None  # when this boot was first heard
    last_heartbeat: datetime | None = None
    streak_started_at: datetime | None = None  # first heartbeat of the present run of heartbeats on time
    streak_beats: int = 0
    token_seen: FencingToken | None = None  # the token the gateway says it works under
    reported_role: str = ""
    reported_environment: str = ""
    checks: Mapping[str, str] = field(default_factory=dict)  # what it reports of itself, e.g. key_vault: ok
    canary: Canary | None = None  # what the running drill asks of it

    @property
    def role_matches(self) -> bool:
        """Whether what the gateway reports of itself is what it registered as (runbook 1.3)."""
        return (self.reported_role or self.role.value, self.reported_environment or self.environment) == (
            self.role.value,
            self.environment,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a gateway says when it beats."""

    boot_id: str
    role: str
    environment: str
    token_seen: FencingToken | None = None
    version: str = ""
    checks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatAnswer:
    """What a gateway learns from its heartbeat."""

    status: ActivationStatus | None  # None: Table Storage did not answer
    token: FencingToken | None  # to the holder only
    lease_s: float | None
    lease_refusal: str | None
    draining: bool
    canary: Canary | None = None  # to be carried out; never for the holder


def register(
    *,
    known: Gateway | None,
    gateway_id: str,
    environment: str,
    role: Role,
    identity: Identity,
    boot_id: str,
    region: str,
    version: str,
    now: datetime,
) -> Gateway:
    """Return the registration record: a new one, or the known one under its new boot.

    Registering is no heartbeat: a gateway that registers and then hangs is still silent.
    """
    fresh = Gateway(
        id=gateway_id, environment=environment, role=role, identity=identity, registered_at=now,
        region=region, version=version,
    )  # fmt: skip
    base = replace(known, region=region, version=version) if known else fresh
    return _under_boot(base, boot_id, now)


def record_heartbeat(gateway: Gateway, beat: Heartbeat, *, now: datetime, policy: Policy) -> Gateway:
    """Return the gateway with one more heartbeat, received at `now`.

    A heartbeat extends the run of heartbeats on time only when the gap is at most `policy.on_time_s` and the
    boot is the same; otherwise a new run starts with it.
    """
    same_boot = _under_boot(gateway, beat.boot_id, now)
    gap_s = (now - gateway.last_heartbeat).total_seconds() if gateway.last_heartbeat else None
    on_time = same_boot.streak_beats > 0 and gap_s is not None and 0 <= gap_s <= policy.on_time_s
    return replace(
        same_boot,
        last_heartbeat=now,
        streak_started_at=same_boot.streak_started_at if on_time else now,
        streak_beats=same_boot.streak_beats + 1 if on_time else 1,
        token_seen=beat.token_seen,
        version=beat.version or gateway.version,
        reported_role=beat.role,
        reported_environment=beat.environment,
        checks=dict(beat.checks),
    )


def with_role(gateways: Sequence[Gateway], role: Role) -> Gateway | None:
    """Return the gateway of an environment in this role; None when none is registered."""
    return next((gateway for gateway in gateways if gateway.role is role), None)


def _under_boot(gateway: Gateway, boot_id: str, now: datetime) -> Gateway:
    if gateway.boot_id == boot_id and gateway.booted_at is not None:
        return gateway
    # A restart ends the run of heartbeats on time: a gateway that keeps crashing is not stable.
    return replace(gateway, boot_id=boot_id, booted_at=now, streak_started_at=None, streak_beats=0)
