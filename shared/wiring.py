"""Builds the ports from the settings, once per process; the only module that reads the environment."""

import logging
import os
from functools import lru_cache

from shared.adapters.aks_clusters import AksClusters
from shared.adapters.postgres_identity import password_for
from shared.adapters.postgres_work import PostgresWorkStore
from shared.adapters.public_canary import PublicCanary
from shared.adapters.random_ids import RandomIds
from shared.adapters.receivers import HttpReceivers
from shared.adapters.signing_keys import SigningKeys
from shared.adapters.system_clock import SystemClock
from shared.adapters.tables import open_account
from shared.adapters.trace_export import TraceExport, open_traces
from shared.config import Settings, is_unresolved
from shared.ports import Ports
from shared.steps.quiet_look import MonitorMemory
from shared.telemetry import warn
from shared.web.auth import TokenRules


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings. Raises SettingsFault naming everything that is wrong."""
    chosen = Settings.from_env(os.environ)
    if is_unresolved(os.environ.get("MVDR_NOTIFICATION_CHANNELS", "")):
        warn("notification_channels.unresolved", detail="the Key Vault reference was not resolved; nobody is notified")
    return chosen


@lru_cache(maxsize=1)
def ports() -> Ports:
    """Return the ports of the running product. Connects to nothing before the first call that needs it."""
    chosen = settings()
    # The SDKs log every request with its headers; one line per table access would drown the events.
    logging.getLogger("azure").setLevel(logging.WARNING)
    stores = open_account(
        endpoint=chosen.tables_endpoint,
        connection_string=chosen.tables_connection_string,
        client_id=chosen.identity_client_id,
    )
    clock, policy = SystemClock(), chosen.protocol_policy()
    return Ports(
        environments=chosen.declared_environments(),
        policy=policy,
        locks=stores.locks,
        gateways=stores.gateways,
        operations=stores.operations,
        audit=stores.audit,
        events=stores.events,
        drills=stores.drills,
        preflights=stores.preflights,
        sight=stores.sight,
        alerts=stores.alerts,
        automatic=stores.automatic,
        notification_cursors=stores.notification_cursors,
        notification_deliveries=stores.notification_deliveries,
        receivers=HttpReceivers(chosen.destinations(), clock=clock, public_url=chosen.public_url),
        work=PostgresWorkStore(
            chosen.database_url,
            policy=policy,
            pool_size=chosen.database_pool_size,
            password=password_for(chosen.database_url, identity_client_id=chosen.identity_client_id),
        ),
        clusters=AksClusters(
            arm_url=chosen.arm_url, ca_file=chosen.arm_ca_file, identity_client_id=chosen.identity_client_id
        ),
        canary=PublicCanary(chosen.public_url),
        clock=clock,
        ids=RandomIds(clock),
    )


@lru_cache(maxsize=1)
def traces() -> TraceExport | None:
    """Return the way to the chosen exporter of traces; None when there is none."""
    return open_traces(settings().trace_exporter)


@lru_cache(maxsize=1)
def monitor_memory() -> MonitorMemory:
    """Return what the health monitor of this process remembers from its last pass."""
    return MonitorMemory()


@lru_cache(maxsize=1)
def signing_keys() -> SigningKeys:
    """Return the token issuer's keys, cached for the process."""
    return SigningKeys(settings().auth_jwks_url)


@lru_cache(maxsize=1)
def token_rules() -> TokenRules:
    """Return what an accepted token must say."""
    chosen = settings()
    return TokenRules(issuer=chosen.auth_issuer, audience=chosen.auth_audience, tenant_id=chosen.auth_tenant_id)
