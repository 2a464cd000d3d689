"""Builds the ports from the settings, once per process; the only module that reads the environment."""

import os
from functools import lru_cache

from shared.adapters.aks_clusters import AksClusters
from shared.adapters.public_canary import PublicCanary
from shared.adapters.postgres_work import PostgresWorkStore
from shared.adapters.random_ids import RandomIds
from shared.adapters.signing_keys import SigningKeys
from shared.adapters.system_clock import SystemClock
from shared.adapters.tables import TableStores
from shared.config import Settings
from shared.ports import Ports


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings. Raises SettingsFault naming everything that is wrong."""
    return Settings.from_env(os.environ)
