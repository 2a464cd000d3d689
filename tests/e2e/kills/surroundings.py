"""What stands around the host: Table Storage, PostgreSQL, Resource Manager, issuer, and settings that name them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

import httpx2

from devhost.backends.azurite import Azurite
from devhost.backends.postgres import Postgres
from devhost.lab.names import cluster_id
from devhost.lab.settings import AUDIENCE, TENANT, timespan
from shared.adapters.postgres_migrate import migrate
from shared.adapters.tables import connect_string, create_tables
from shared.domain.policy import Policy
from tests.backends import PACKAGE
from tests.devhost.fakes.running import running

POLICY = Policy(
    heartbeat_interval_s=0.25,
    # A host that was killed is away for one to three seconds; heartbeats that wait that long are still on time.
    request_timeout_s=2.0,
    lease_s=4.3,
    gateway_margin_s=0.2,
    server_margin_s=0.3,
    # The monitor sees as long as it gets to a tick within this time; many hosts live no longer than a second.
    heartbeat_timeout_s=6.0,
    failure_threshold=1,
    stability_window_s=0.5,
    task_timeout_s=2.0,
    guarded_transaction_s=2.0,
    cluster_start_timeout_s=30.0,
    cluster_poll_s=0.1,
    gateway_boot_timeout_s=30.0,
    gateway_poll_s=0.1,
    confirm_timeout_s=30.0,
    first_claim_timeout_s=30.0,
    drain_timeout_s=10.0,
    hold_s=3600.0,
    retry_s=0.2,
)
SCHEDULES_S = {
    # Each counts from the start of a host, and every case starts one.
    "MVDR_HEALTH_MONITOR_SCHEDULE": 0.6,
    "MVDR_TASK_TIMEOUT_SCHEDULE": 1.7,
    "MVDR_MIRROR_SCHEDULE": 1.1,
    # What rehearses a failover is none of these tests' business.
    "MVDR_PREFLIGHT_SCHEDULE": 3600.0,
    "MVDR_DRILL_SCHEDULE": 3600.0,
    "MVDR_NOTIFICATION_SCHEDULE": 3600.0,
}
AKS_START_S, AKS_STOP_S = "0.3", "0.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What one control plane runs with."""

    policy: Policy = POLICY
    schedules_s: Mapping[str, float] = field(default_factory=lambda: SCHEDULES_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where everything is that the host and the tests talk to."""

    tables: str
    database_url: str
    arm: dict[str, str]
    issuer: dict[str, str]

    def token(self, subject: str, *roles: str, client_id: str | None = None) -> str:
        """Return a bearer token for a subject with these roles, got through this application or the issuer's own."""
        wish = {"subject": subject, "roles": list(roles), "app": "gateway:agent" in roles, "client_id": client_id}
        answer = httpx2.post(self.issuer["token_url"], json=wish, trust_env=False)
        return str(answer.raise_for_status().json()["access_token"])


@contextmanager
def surroundings(folder: Path, environments: Sequence[str]) -> Iterator[Surroundings]:
    """Give everything, started and prepared; it has ended when this is left."""
    with ExitStack() as stack:
        for part in ("arm", "issuer"):
            (folder / part).mkdir()
        azurite, postgres = Azurite(folder / "azurite", package=PACKAGE), Postgres(folder / "postgres")
        for backend in (azurite, postgres):
            stack.callback(backend.stop)
            backend.start()
        create_tables(connect_string(azurite.connection_string))
        migrate(postgres.dsn(), say=len)
        clusters = [
            word
            for name in environments
            for word in (
                "--cluster",
                f"{cluster_id(name, 'primary')}=running",
                "--cluster",
                f"{cluster_id(name, 'dr')}=stopped",
            )
        ]
        arm = stack.enter_context(
            running(
                "devhost.fakes.arm",
                ["--certificates", folder / "arm", "--start-s", AKS_START_S, "--stop-s", AKS_STOP_S, *clusters],
                folder / "arm",
            )
        )
        key: list[str | Path] = ["--key-file", folder / "issuer.pem", "--audience", AUDIENCE, "--tenant", TENANT]
        issuer = stack.enter_context(running("devhost.fakes.issuer", key, folder / "issuer"))
        yield Surroundings(tables=azurite.connection_string, database_url=postgres.dsn(), arm=arm, issuer=issuer)


def settings_of(
    around: Surroundings, environments: Sequence[str], numbers: Numbers, *, public_url: str
) -> dict[str, str]:
    """Return the app settings for the host."""
    declared = {
        name: {"dr_cluster": cluster_id(name, "dr"), "primary_cluster": cluster_id(name, "primary")}
        for name in environments
    }
    policy = {f"MVDR_{one.name.upper()}": repr(getattr(numbers.policy, one.name)) for one in fields(Policy)}
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "IDENTITY_ENDPOINT": around.arm["identity_endpoint"],
        "IDENTITY_HEADER": around.arm["identity_header"],
        "MVDR_ENVIRONMENTS": json.dumps(declared),
        "MVDR_DATABASE_URL": around.database_url,
        "MVDR_TABLES_CONNECTION_STRING": around.tables,
        "MVDR_ARM_URL": around.arm["url"],
        "MVDR_ARM_CA_FILE": around.arm["certificate"],
        "MVDR_AUTH_ISSUER": around.issuer["issuer"],
        "MVDR_AUTH_AUDIENCE": AUDIENCE,
        "MVDR_AUTH_TENANT_ID": TENANT,
        "MVDR_AUTH_JWKS_URL": around.issuer["jwks_url"],
        "MVDR_PUBLIC_URL": public_url,
        **{name: timespan(seconds) for name, seconds in numbers.schedules_s.items()},
        **policy,
    }
