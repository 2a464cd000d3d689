"""Registrations and liveness of gateways in Table Storage."""

from collections.abc import Sequence

from shared.adapters.codec import Key
from shared.adapters.record_codec import GATEWAY
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.environments import Role
from shared.domain.gateways import Gateway
from shared.domain.locks import Versioned


class TableGatewayStore:
    """`GatewayStore` over the table `gateways`: partition = environment, row = gateway id."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, GATEWAY)

    def read(self, environment: str, gateway_id: str) -> Versioned[Gateway] | None:
        """Return one gateway, or None."""
        return self._records.read(Key(partition=environment, row=gateway_id))

    def list(self, environment: str) -> Sequence[Gateway]:
        """Return the gateways of an environment, primary first, then by id."""
        return sorted(self._records.list(environment), key=lambda g: (g.role is not Role.PRIMARY, g.id))

    def insert(self, gateway: Gateway) -> Versioned[Gateway]:
        """Create a registration; Conflict when it exists."""
        return self._records.insert(gateway)

    def replace(self, gateway: Gateway, *, etag: str) -> Versioned[Gateway]:
        """Replace the registration read at `etag`; Conflict on any other version."""
        return self._records.replace(gateway, etag=etag)
