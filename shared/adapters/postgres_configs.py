"""Rotation configs in PostgreSQL."""

from typing import Final

from psycopg.types.json import Jsonb

from shared.adapters.named_sql import load
from shared.adapters.postgres import Connection, Database
from shared.adapters.postgres_rows import config_of
from shared.domain.tasks import RotationConfig

_SQL: Final = load("configs")


class PostgresConfigs:
    """What can be rotated, and what happens when the gateway doing it is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, config: RotationConfig) -> None:
        """Create or replace a rotation config; tasks queued before keep the payload they were queued with."""
        parameters = {
            "config_id": config.id,
            "environment": config.environment,
            "name": config.name,
            "on_lost_owner": config.on_lost_owner.value,
            "max_attempts": config.max_attempts,
            "payload": Jsonb(dict(config.payload)),
        }

        def write(connection: Connection) -> None:
            connection.execute(_SQL["put_config"], parameters)

        self._database.run(write)

    def read(self, config_id: str) -> RotationConfig | None:
        """Return a rotation config, or None."""
        row = self._database.run(
            lambda connection: connection.execute(_SQL["read_config"], {"config_id": config_id}).fetchone()
        )
        return None if row is None else config_of(row)
