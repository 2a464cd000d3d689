"""Copies of registrations and of `activation_status`, for the time Table Storage does not answer."""

from typing import Final

from shared.adapters.named_sql import load
from shared.adapters.postgres import Connection, Database
from shared.adapters.postgres_rows import gateway_of, read_mirror
from shared.domain.gateways import ActivationStatus, Gateway
from shared.domain.locks import EnvironmentLock

_FENCE: Final = load("fence")
_SQL: Final = load("gateways")


class PostgresGateways:
    """Keeps and returns the copies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def copy(self, gateway: Gateway) -> None:
        """Keep a copy of the registration's identity; the status copy of a known gateway stays."""

        def write(connection: Connection) -> None:
            # Locked, so that no raise passes between reading the holder and writing a status that follows from it.
            mirror = read_mirror(connection, _FENCE["lock_fence_for_work"], gateway.environment)
            holds = mirror is not None and mirror.holder == gateway.id
            status = ActivationStatus.ACTIVE if holds else ActivationStatus.STANDBY
            connection.execute(_SQL["copy_gateway"], {**_parameters(gateway), "status_if_new": status.value})

        self._database.run(write)

    def copied(self, gateway_id: str) -> Gateway | None:
        """Return the copy, without liveness, or None."""
        row = self._database.run(
            lambda connection: connection.execute(_SQL["read_gateway"], {"gateway_id": gateway_id}).fetchone()
        )
        return None if row is None else gateway_of(row)


def copy_statuses(connection: Connection, lock: EnvironmentLock) -> None:
    """Set the status copies of the environment to what the lock says, in the transaction of the caller."""
    rows = connection.execute(_SQL["lock_statuses"], {"environment": lock.environment}).fetchall()
    wanted = {row["gateway_id"]: lock.status_of(row["gateway_id"]) for row in rows}
    changed = [row["gateway_id"] for row in rows if row["activation_status"] != wanted[row["gateway_id"]].value]
    # The new active gateway last: the index allows one at every single moment.
    changed.sort(key=lambda gateway_id: wanted[gateway_id] is ActivationStatus.ACTIVE)
    for gateway_id in changed:
        connection.execute(_SQL["set_status"], {"gateway_id": gateway_id, "status": wanted[gateway_id].value})


def _parameters(gateway: Gateway) -> dict[str, object]:
    return {
        "gateway_id": gateway.id,
        "environment": gateway.environment,
        "role": gateway.role.value,
        "tenant_id": gateway.identity.tenant_id,
        "object_id": gateway.identity.object_id,
        "region": gateway.region,
        "version": gateway.version,
        "registered_at": gateway.registered_at,
    }
