"""How a gateway, and the canary a drill asks of it, look as a table row."""

from collections.abc import Mapping
from typing import Final

from shared.adapters.codec import Codec, Fields, Key, Properties, instant_text, json_text, without_nones
from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Canary, CanaryStatus, Gateway, Identity


def encode_gateway(gateway: Gateway) -> Properties:
    """Return the gateway as a row."""
    instants = {
        "booted_at": gateway.booted_at,
        "last_heartbeat": gateway.last_heartbeat,
        "streak_started_at": gateway.streak_started_at,
    }
    return without_nones(
        {
            "role": gateway.role.value,
            "tenant_id": gateway.identity.tenant_id,
            "object_id": gateway.identity.object_id,
            "registered_at": instant_text(gateway.registered_at),
            "region": gateway.region,
            "version": gateway.version,
            "boot_id": gateway.boot_id,
            **{name: instant_text(at) if at else None for name, at in instants.items()},
            "streak_beats": gateway.streak_beats,
            "token_seen": gateway.token_seen,
            "reported_role": gateway.reported_role,
            "reported_environment": gateway.reported_environment,
            "checks": json_text(dict(gateway.checks)),
            "canary": json_text(_encode_canary(gateway.canary)) if gateway.canary else None,
        }
    )


def decode_gateway(key: Key, properties: Properties) -> Gateway:
    """Return the gateway a row holds."""
    row = Fields(f"gateway {key.row} of {key.partition}", properties)
    token_seen = row.optional_number("token_seen")
    canary = row.mapping("canary")
    return Gateway(
        id=key.row,
        environment=key.partition,
        role=row.member("role", Role),
        identity=Identity(tenant_id=row.text("tenant_id"), object_id=row.text("object_id")),
        registered_at=row.instant("registered_at"),
        region=row.optional_text("region") or "",
        version=row.optional_text("version") or "",
        boot_id=row.optional_text("boot_id") or "",
        booted_at=row.optional_instant("booted_at"),
        last_heartbeat=row.optional_instant("last_heartbeat"),
        streak_started_at=row.optional_instant("streak_started_at"),
        streak_beats=row.number("streak_beats"),
        token_seen=None if token_seen is None else FencingToken(token_seen),
        reported_role=row.optional_text("reported_role") or "",
        reported_environment=row.optional_text("reported_environment") or "",
        checks={name: str(value) for name, value in row.mapping("checks").items()},
        canary=_decode_canary(Fields(f"{row.what}, canary", canary)) if canary else None,
    )


def _encode_canary(canary: Canary) -> Mapping[str, object]:
    return {
        "drill_id": canary.drill_id,
        "config": json_text(dict(canary.config)),
        "asked_at": instant_text(canary.asked_at),
        "status": canary.status.value,
        "result": json_text(dict(canary.result)),
        "reported_at": instant_text(canary.reported_at) if canary.reported_at else None,
    }


def _decode_canary(canary: Fields) -> Canary:
    return Canary(
        drill_id=canary.text("drill_id"),
        config=canary.mapping("config"),
        asked_at=canary.instant("asked_at"),
        status=canary.member("status", CanaryStatus),
        result=canary.mapping("result"),
        reported_at=canary.optional_instant("reported_at"),
    )


GATEWAY: Final = Codec(
    key=lambda gateway: Key(partition=gateway.environment, row=gateway.id),
    encode=encode_gateway,
    decode=decode_gateway,
)
