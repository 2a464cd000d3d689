"""The real steps over real stores, on a clock that only moves when told, with every table request counted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from devhost.backends.azurite import Azurite
from devhost.backends.postgres import Postgres
from devhost.emulators.memory_clusters import RUNNING, MemoryClusters
from devhost.lab.layout import AZURITE_PACKAGE, ROOT
from devhost.lab.names import cluster_id
from devhost.lab.settings import AUDIENCE, TENANT, clean_environment
from devhost.simulation.world import SwitchedCanary, WorldClock
from devhost.usage.meter import Meter
from shared import wiring
from shared.domain.policy import Policy
from shared.ports import Ports

CLUSTER_START_S: Final = 240.0  # runbook 1.2 expects 3 to 5 minutes
CLUSTER_STOP_S: Final = 600.0

# PostgreSQL has a clock of its own that nobody can move: there, a lease is over after seconds.
DATABASE_LEASE_S: Final = 2.0
DATABASE_MARGIN_S: Final = 0.2
_DATABASE_NUMBERS: Final = {
    "MVDR_HEARTBEAT_INTERVAL_S": "0.5",
    "MVDR_REQUEST_TIMEOUT_S": "0.5",
    "MVDR_LEASE_S": str(DATABASE_LEASE_S),
    "MVDR_GATEWAY_MARGIN_S": "0.1",
    "MVDR_SERVER_MARGIN_S": str(DATABASE_MARGIN_S),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a drive acts on; the policy of `ports` has the production numbers."""

    ports: Ports
    clock: WorldClock
    clusters: MemoryClusters
    meter: Meter

    def with_environments(self, names: Sequence[str]) -> Ports:
        """Return the ports of a control plane that has only these environments."""
        return replace(self.ports, environments={name: self.ports.environments[name] for name in names})


@contextmanager
def stage(folder: Path, environments: Sequence[str]) -> Iterator[Stage]:
    """Start Azurite, PostgreSQL and the meter, and give the stage; everything has ended when this is left.

    Once per process: the product builds its ports once (`shared.wiring`).
    """
    with ExitStack() as stack:
        azurite, postgres = Azurite(folder / "azurite", package=AZURITE_PACKAGE), Postgres(folder / "postgres")
        for backend in (azurite, postgres):
            stack.callback(backend.stop)
            backend.start()
        _prepare("shared.adapters.table_prepare", "--connection-string", azurite.connection_string)
        _prepare("shared.adapters.postgres_migrate", "--url", postgres.dsn())
        found = re.search(r":(\d+)/", azurite.connection_string.partition("TableEndpoint=")[2])
        assert found is not None
        meter = stack.enter_context(Meter(int(found.group(1))))
        counted = azurite.connection_string.replace(f":{found.group(1)}/", f":{meter.port}/")
        os.environ.update(_settings(environments, tables=counted, database_url=postgres.dsn()))
        clock = WorldClock()
        clusters = MemoryClusters(clock, start_s=CLUSTER_START_S, stop_s=CLUSTER_STOP_S)
        for name in environments:
            clusters.put(cluster_id(name, "primary"), RUNNING)
        ports = replace(
            wiring.ports(), policy=Policy(), clock=clock, clusters=clusters, canary=SwitchedCanary()
        )  # fmt: skip
        yield Stage(ports=ports, clock=clock, clusters=clusters, meter=meter)


def _prepare(module: str, option: str, address: str) -> None:
    """Run a command that prepares a store. The address holds a password, so it does not go on the command line."""
    subprocess.run(
        [sys.executable, "-m", module, option, "-"], input=f"{address}\n", text=True, check=True, cwd=ROOT,
        env=clean_environment(os.environ), stdout=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


def _settings(environments: Sequence[str], *, tables: str, database_url: str) -> dict[str, str]:
    declared = {
        name: {"dr_cluster": cluster_id(name, "dr"), "primary_cluster": cluster_id(name, "primary")}
        for name in environments
    }
    return {
        "MVDR_ENVIRONMENTS": json.dumps(declared),
        "MVDR_DATABASE_URL": database_url,
        "MVDR_TABLES_CONNECTION_STRING": tables,
        "MVDR_AUTH_ISSUER": "https://issuer.invalid",
        "MVDR_AUTH_AUDIENCE": AUDIENCE,
        "MVDR_AUTH_TENANT_ID": TENANT,
        "MVDR_AUTH_JWKS_URL": "https://issuer.invalid/keys",
        **_DATABASE_NUMBERS,
    }
