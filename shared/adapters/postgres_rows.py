"""Rows of PostgreSQL as records of the domain, and records as parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.adapters.named_sql import load
from shared.adapters.postgres import Connection, Row
from shared.domain.environments import Role
from shared.domain.faults import InvariantViolation
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway, Identity
from shared.domain.guard import Caller, Mirror
from shared.domain.tasks import OnLostOwner, RotationConfig, Task, TaskStatus

_CONNECTION: Final = load("connection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The database's clock, and the timeline it writes."""

    now: datetime
    timeline: str


def read_moment(connection: Connection) -> Moment:
    """Return clock and timeline of the database; a PostgreSQL error on a server in recovery."""
    row = connection.execute(_CONNECTION["read_clock"]).fetchone()
    if row is None:
        raise InvariantViolation("PostgreSQL answered without a row")
    return Moment(**row)


def read_mirror(connection: Connection, statement: str, environment: str) -> Mirror | None:
    """Return the environment's fence row, read and locked as `statement` says."""
    row = connection.execute(statement, {"environment": environment}).fetchone()
    if row is None:
        return None
    return Mirror(
        environment=row["environment"],
        token=FencingToken(row["fencing_token"]),
        holder=row["holder"],
        lease_until=row["lease_until"],
        not_before=row["not_before"],
        validated_timeline=row["validated_timeline"],
    )


def of_caller(caller: Caller) -> Mapping[str, object]:
    """Return the caller as parameters of a statement."""
    return {"environment": caller.environment, "gateway_id": caller.gateway_id, "token": caller.token}


def task_of(row: Row) -> Task:
    """Return a task; its idempotency key is its id, which every attempt shares and no other config has."""
    return Task(
        id=row["id"],
        environment=row["environment"],
        config_id=row["config_id"],
        status=TaskStatus(row["status"]),
        attempt=row["attempt"],
        created_at=row["created_at"],
        token=None if row["fencing_token"] is None else FencingToken(row["fencing_token"]),
        gateway_id=row["gateway_id"],
        claimed_at=row["claimed_at"],
        progressed_at=row["progressed_at"],
        completed_at=row["completed_at"],
        idempotency_key=row["id"],
        payload=row["payload"],
        result=row["result"],
    )


def config_of(row: Row) -> RotationConfig:
    """Return a rotation config."""
    return RotationConfig(
        id=row["id"],
        environment=row["environment"],
        name=row["name"],
        on_lost_owner=OnLostOwner(row["on_lost_owner"]),
        max_attempts=row["max_attempts"],
        payload=row["payload"],
    )


def gateway_of(row: Row) -> Gateway:
    """Return a gateway as it registered, without liveness."""
    return Gateway(
        id=row["gateway_id"],
        environment=row["environment"],
        role=Role(row["role"]),
        identity=Identity(tenant_id=row["tenant_id"], object_id=row["object_id"]),
        registered_at=row["registered_at"],
        region=row["region"],
        version=row["version"],
    )
