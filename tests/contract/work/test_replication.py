"""What PostgreSQL tells of its servers; a lag that cannot be read is not taken for none."""

from shared.adapters.postgres_work import PostgresWorkStore
from shared.domain.preflight import Replication
from tests.contract.work.backends import POLICY


def test_a_server_nobody_follows_says_so(database_url: str) -> None:
    store = PostgresWorkStore(database_url, policy=POLICY, pool_size=2)
    assert store.replication() == Replication(is_standby=False, replicas=0, lag_s=None)
