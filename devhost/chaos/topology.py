"""Everything of a chaos run on one machine: stores, fakes, hosts, gateways, and a breakable link between any two."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from devhost.backends.processes import NotReady, log_tail
from devhost.chaos.clusters import ClusterWatch
from devhost.chaos.crew import Crew, python_program
from devhost.chaos.database import REPLICATION, ReplicatedPostgres
from devhost.chaos.hosts import Hosts
from devhost.chaos.links import Links
from devhost.chaos.settings import PACE, Work, host_settings
from devhost.chaos.tables import RestorableTables
from devhost.lab.children import Program
from devhost.lab.layout import ROOT, Layout
from devhost.lab.names import GATEWAYS, LabGateway
from devhost.lab.parts import ARM, ISSUER, Parts
from devhost.lab.settings import Addresses
from devhost.lab.tokens import LIFETIME_S, PEOPLE

PART_WITHIN_S = 40.0
ARM_WITHIN_S = 30.0
PREPARED_WITHIN_S = 60.0
OPERATORS_LINK = "operators>hosts"
Say = Callable[[str], None]


class Topology:
    """A running control plane with its surroundings; use it as a context manager, which starts and ends all of it."""

    def __init__(self, layout: Layout, *, hosts: int, work: Work, say: Say) -> None:
        self.layout, self.work, self._say = layout, work, say
        self.crew = Crew(layout)
        self.links = Links()
        self.hosts = Hosts(layout, self.crew, [f"host-{number}" for number in range(1, hosts + 1)])
        self.database = ReplicatedPostgres(layout.data, self.crew, self.links)
        self.tables = RestorableTables(layout.data, self.crew)
        self.history = layout.folder / "history"
        self.admin_token = ""
        self.arm_http_url = ""
        self.url = ""
        self.replication_port = 0
        self._gateway_urls: dict[str, str] = {}
        self._clusters: ClusterWatch | None = None
        self._powered = {gateway.id for gateway in GATEWAYS if not gateway.is_dr}
        self._held_back: set[str] = set()
        self.frozen: set[str] = set()
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    # Gateways ----------------------------------------------------------------------------------------------------

    def forget_arm_faults(self) -> None:
        """Let the Resource Manager work again, and stop every cluster whose start has half failed, as a person would.

        A person has to: the product reports such a cluster and leaves it alone. Raises httpx2.HTTPError.
        """
        lab = f"{self.arm_http_url}/_lab"
        httpx2.delete(f"{lab}/faults", trust_env=False, timeout=ARM_WITHIN_S).raise_for_status()
        clusters = httpx2.get(f"{lab}/clusters", trust_env=False, timeout=ARM_WITHIN_S).raise_for_status().json()
        for cluster in clusters:
            if cluster["provisioning"] == "Failed":
                body = {"id": cluster["id"], "power": "Stopped"}
                httpx2.post(f"{lab}/clusters", json=body, trust_env=False, timeout=ARM_WITHIN_S).raise_for_status()

    def register_earlier(self, gateway: LabGateway) -> None:
        """Make a cold standby known as the boot it had before its cluster was stopped (runbook 1.3)."""
        body = {
            "environment": gateway.environment,
            "role": gateway.role,
            "boot_id": "registered-earlier",
            "region": gateway.region,
            "version": "chaos",
        }
        token = self._token_file(gateway).read_text(encoding="ascii")
        httpx2.post(
            f"{self.url}/api/v1/gateways/{gateway.id}/register", json=body, trust_env=False, timeout=30,
            headers={"authorization": f"Bearer {token}"},
        ).raise_for_status()  # fmt: skip

    def start_gateway(self, gateway: LabGateway) -> None:
        """Start a gateway where its cluster runs and nobody holds it back; one that lives already goes on."""
        with self._lock:
            allowed = gateway.id in self._powered and gateway.id not in self._held_back
            if allowed and self.crew.find(gateway.id) is None:
                self.crew.start(self._gateway_program(gateway))

    def kill_gateway(self, gateway: LabGateway, *, held_back: bool = False) -> bool:
        """Kill a gateway; one that is held back stays dead until `release_gateway`."""
        with self._lock:
            if held_back:
                self._held_back.add(gateway.id)
            return self.crew.kill(gateway.id)

    def release_gateway(self, gateway: LabGateway) -> None:
        """Let a gateway that was held back live again."""
        with self._lock:
            self._held_back.discard(gateway.id)
        self.start_gateway(gateway)

    def hold_frozen(self, gateway: LabGateway) -> None:
        """Stop a gateway between two instructions until `thaw_gateway`."""
        with self._lock:
            self.frozen.add(gateway.id)
            self.crew.signal(gateway.id, signal.SIGSTOP)

    def thaw_gateway(self, gateway: LabGateway) -> None:
        """Let a frozen gateway go on as if nothing had happened; one that has died meanwhile is started."""
        with self._lock:
            self.frozen.discard(gateway.id)
            self.crew.signal(gateway.id, signal.SIGCONT)
        self.start_gateway(gateway)

    def freeze_host(self, name: str) -> None:
        """Stop a host between two instructions until `thaw_host`."""
        with self._lock:
            self.frozen.add(name)
            self.crew.signal(name, signal.SIGSTOP)

    def thaw_host(self, name: str) -> None:
        """Let a frozen host go on as if nothing had happened."""
        with self._lock:
            self.frozen.discard(name)
            self.crew.signal(name, signal.SIGCONT)

    def gateway_should_run(self, gateway: LabGateway) -> bool:
        """Whether the gateway would run if nobody had broken it."""
        with self._lock:
            return gateway.id in self._powered and gateway.id not in self._held_back

    def cluster_changed(self, cluster: str, *, runs: bool) -> None:
        """Let a gateway live and die with its cluster."""
        for gateway in GATEWAYS:
            if gateway.cluster.lower() != cluster.lower():
                continue
            with self._lock:
                (self._powered.add if runs else self._powered.discard)(gateway.id)
                if not runs:
                    self.crew.kill(gateway.id)
            self.start_gateway(gateway)

    # Start and end -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        parts = Parts(layout=self.layout, pace=PACE, app=ROOT, port=0)
        for program in (parts.arm(), parts.issuer()):
            self.crew.start(replace(program, on_parent_death=signal.SIGKILL))
        tables, database = self.tables.start(), self.database.start()
        self._prepare(parts.tables(), tables)
        self._prepare(parts.migration(), database)
        arm = self.crew.ready(ARM, within_s=PART_WITHIN_S)
        issuer = self.crew.ready(ISSUER, within_s=PART_WITHIN_S)
        self._say("stores and fakes are up")
        self.replication_port = self.links.port(REPLICATION)
        self.database.add_standby(self.replication_port)
        self._say("standby follows")
        self._mint_tokens(issuer["token_url"])
        self.arm_http_url = arm["http_url"]
        self.url = f"http://127.0.0.1:{self.links.open(OPERATORS_LINK, self.hosts.pick)}"
        for name in self.hosts.names:
            self.hosts.start(name, self._settings(name, arm, issuer, tables=tables, database=database))
        self.hosts.wait_until_they_serve()
        self._say(f"{len(self.hosts.names)} function hosts serve")
        for gateway in GATEWAYS:
            port = self.links.open(f"{gateway.id}>hosts", self.hosts.pick)
            self._gateway_urls[gateway.id] = f"http://127.0.0.1:{port}"
            self.start_gateway(gateway)
        self._clusters = ClusterWatch(self.arm_http_url, self.cluster_changed)
        self._clusters.start()

    def _end(self) -> None:
        if self._clusters is not None:
            self._clusters.stop()
        self.crew.end([gateway.id for gateway in GATEWAYS])
        self.crew.end(self.hosts.names)
        self.tables.stop()
        self.database.stop()
        self.crew.end_everything()
        self.links.__exit__(None, None, None)

    def _settings(
        self, host: str, arm: dict[str, Any], issuer: dict[str, Any], *, tables: str, database: str
    ) -> dict[str, str]:
        """Return the settings of a host, every address of a store or of ARM being that of a link."""
        arm_port = int(str(arm["url"]).rsplit(":", 1)[1].strip("/"))
        tables_port = self.links.open(f"{host}>tables", lambda: self.tables.port)
        database_port = self.links.open(f"{host}>database", lambda: self.database.port)
        arm_link = self.links.open(f"{host}>arm", lambda: arm_port)
        return host_settings(
            Addresses(
                public_url=self.url,
                database_url=re.sub(r"(127\.0\.0\.1):\d+", rf"\1:{database_port}", database),
                tables_connection_string=re.sub(r"(http://127\.0\.0\.1):\d+", rf"\1:{tables_port}", tables),
                arm_url=re.sub(r":\d+", f":{arm_link}", str(arm["url"])),
                arm_ca_file=arm["certificate"],
                identity_endpoint=arm["identity_endpoint"],
                identity_header=arm["identity_header"],
                issuer=issuer["issuer"],
                jwks_url=issuer["jwks_url"],
            )
        )

    def _prepare(self, program: Program, address: str) -> None:
        """Run a program that prepares the store at this address. Raises NotReady."""
        log = self.layout.log(program.name)
        with log.open("ab") as output:
            done = subprocess.run(
                list(program.argv), input=address.encode() + b"\n", stdout=output, stderr=output, cwd=program.cwd,
                env=dict(program.env), timeout=PREPARED_WITHIN_S, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise NotReady(f"{program.name} ended with code {done.returncode}:\n{log_tail(log)}")

    def _mint_tokens(self, token_url: str) -> None:
        subject, roles = PEOPLE["admin_token"]
        self.admin_token = _mint(token_url, subject, roles, app=False)
        for gateway in GATEWAYS:
            file = self._token_file(gateway)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(_mint(token_url, gateway.id, ("gateway:agent",), app=True), encoding="ascii")

    def _token_file(self, gateway: LabGateway) -> Path:
        return self.layout.data / "tokens" / f"{gateway.id}.token"

    def _gateway_program(self, gateway: LabGateway) -> Program:
        numbers = ("--work-s", self.work.work_s, "--lanes", self.work.lanes, "--batch", self.work.batch)
        return python_program(
            gateway.id,
            *("-m", "devhost.chaos.gateway", "--id", gateway.id, "--url", self._gateway_urls[gateway.id]),
            *("--token-file", self._token_file(gateway), "--data", self.layout.data / "gateways" / gateway.id),
            *("--record", self.history / f"{gateway.id}.jsonl"),
            *map(str, numbers),
            extra={
                "MAZEVAULT_GATEWAY_ENVIRONMENT": gateway.environment,
                "MAZEVAULT_GATEWAY_ROLE": gateway.role,
                "MAZEVAULT_GATEWAY_REGION": gateway.region,
                "AZURE_MANAGED_IDENTITY_CLIENT_ID": f"mi-{gateway.id}",
            },
        )


def _mint(token_url: str, subject: str, roles: tuple[str, ...], *, app: bool) -> str:
    wish = {"subject": subject, "roles": list(roles), "app": app, "lifetime_s": LIFETIME_S}
    answer = httpx2.post(token_url, json=wish, trust_env=False, timeout=10)
    return str(answer.raise_for_status().json()["access_token"])
