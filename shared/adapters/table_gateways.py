"""Registrations and liveness of gateways in Table Storage."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from shared.adapters.codec import Key
from shared.adapters.gateway_codec import GATEWAY
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
        return _primary_first(self._records.list(environment))

    def list_all(self, environments: Collection[str]) -> Mapping[str, Sequence[Gateway]]:
        """Return the same for each of these environments, in one request."""
        found = [gateway.value for gateway in self._records.read_all(environments)]
        return {name: _primary_first(g for g in found if g.environment == name) for name in environments}

    def insert(self, gateway: Gateway) -> Versioned[Gateway]:
        """Create a registration; Conflict when it exists."""
        return self._records.insert(gateway)

    def replace(self, gateway: Gateway, *, etag: str) -> Versioned[Gateway]:
        """Replace the registration read at `etag`; Conflict on any other version."""
        return self._records.replace(gateway, etag=etag)


def _primary_first(gateways: Iterable[Gateway]) -> Sequence[Gateway]:
    return sorted(gateways, key=lambda g: (g.role is not Role.PRIMARY, g.id))
