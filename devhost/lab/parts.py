"""How each part of the lab is started, and what it tells once it is ready."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

from devhost.lab.children import Program
from devhost.lab.layout import ROOT, Layout
from devhost.lab.names import GATEWAYS, LabGateway
from devhost.lab.settings import AUDIENCE, TENANT, Pace, clean_environment

ARM, ISSUER, INBOX, HOST, MIGRATION, TABLES = "arm", "issuer", "inbox", "host", "migration", "tables"
AZURITE, POSTGRES = "azurite", "postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The command lines of every part but the stores, which start themselves."""

    layout: Layout
    pace: Pace
    app: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=lambda: clean_environment(os.environ))

    def arm(self) -> Program:
        """The fake Azure Resource Manager, which is the managed-identity endpoint too."""
        clusters = [f"{one.cluster}={'stopped' if one.is_dr else 'running'}" for one in GATEWAYS]
        return self._python(
            ARM,
            *("-m", "devhost.fakes.arm", "--state", self.layout.data / "arm.json"),
            *("--certificates", self.layout.data / "arm", "--ready-file", self.layout.ready_file(ARM)),
            *("--start-s", f"{self.pace.aks_start_s:g}", "--stop-s", f"{self.pace.aks_stop_s:g}"),
            *(word for cluster in clusters for word in ("--cluster", cluster)),
        )

    def issuer(self) -> Program:
        """The token issuer."""
        return self._python(
            ISSUER,
            *("-m", "devhost.fakes.issuer", "--key-file", self.layout.data / "issuer.pem"),
            *("--audience", AUDIENCE, "--tenant", TENANT, "--ready-file", self.layout.ready_file(ISSUER)),
        )

    def inbox(self) -> Program:
        """The receivers of notifications."""
        return self._python(INBOX, "-m", "devhost.fakes.inbox", "--ready-file", self.layout.ready_file(INBOX))

    def migration(self) -> Program:
        """The command that brings a database, whose URL it reads, to the schema this version wants."""
        return self._python(MIGRATION, "-m", "shared.adapters.postgres_migrate", "--url", "-")

    def tables(self) -> Program:
        """The command that creates the tables of a store, whose connection string it reads."""
        return self._python(TABLES, "-m", "shared.adapters.table_prepare", "--connection-string", "-")

    def host(self, settings: Mapping[str, str]) -> Program:
        """The function host with the application."""
        return self._python(
            HOST,
            *("-m", "devhost.host", "--app", self.app, "--port", str(self.port)),
            *("--journal", self.layout.data / "journal.sqlite", "--ready-file", self.layout.ready_file(HOST)),
            *("--crash-file", self.layout.data / "crash"),
            extra=settings,
        )

    def gateway(self, gateway: LabGateway, *, url: str, token_file: Path) -> Program:
        """One gateway; `url` is where it finds the control plane, without /api."""
        return self._python(
            gateway.id,
            *("-m", "devhost.gateway", "--id", gateway.id, "--url", url, "--token-file", token_file),
            *("--data", self.layout.data / "gateways" / gateway.id, "--region", gateway.region),
            extra={
                "MAZEVAULT_GATEWAY_ENVIRONMENT": gateway.environment,
                "MAZEVAULT_GATEWAY_ROLE": gateway.role,
                "AZURE_MANAGED_IDENTITY_CLIENT_ID": f"mi-{gateway.id}",
            },
            # A frozen process takes no notice of anything gentler.
            on_parent_death=signal.SIGKILL,
        )

    def _python(
        self,
        name: str,
        *words: str | Path,
        extra: Mapping[str, str] | None = None,
        on_parent_death: Signals = signal.SIGTERM,
    ) -> Program:
        return Program(
            name=name,
            argv=(sys.executable, "-u", *map(str, words)),
            env={**self.environment, **(extra or {})},
            cwd=ROOT,
            on_parent_death=on_parent_death,
        )
