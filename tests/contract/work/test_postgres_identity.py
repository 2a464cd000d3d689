"""How the control plane logs in where no password exists: with a token of its identity for each new connection."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.postgres_identity import SCOPE, IdentityPassword, password_for
from shared.adapters.postgres_work import PostgresWorkStore
from shared.domain.faults import DatabaseUnavailable
from tests.backends_roles import APP, PASSWORD, Deployed
from tests.contract.work.backends import POLICY

CLIENT_ID = "00000000-0000-4000-8000-000000000007"


@dataclass(slots=True)
class Identity:
    """A managed identity whose token PostgreSQL takes or not."""

    token: str = PASSWORD
    scopes: list[str] = field(default_factory=list)
    is_away: bool = False

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes += scopes
        if self.is_away:
            raise ClientAuthenticationError("the identity endpoint does not answer")
        return AccessToken(self.token, 2_000_000_000)


def store_of(deployed: Deployed, identity: Identity) -> PostgresWorkStore:
    place = deployed.admin_url.partition("@")[2]
    password = IdentityPassword(CLIENT_ID, credential=identity)
    return PostgresWorkStore(f"postgresql://{APP}@{place}", policy=POLICY, pool_size=2, password=password)


def test_each_new_connection_sends_a_token_for_postgresql(deployed_database: Deployed) -> None:
    identity = Identity()
    store = store_of(deployed_database, identity)
    try:
        store.ping()
        assert set(identity.scopes) == {SCOPE}
        asked = len(identity.scopes)
        with psycopg.connect(deployed_database.admin_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s and datname = %s",
                [APP, connection.info.dbname],
            )
        store.ping()
        assert len(identity.scopes) > asked, "a connection made later has a token of its own"
    finally:
        store.close()


@pytest.mark.parametrize("change", [{"token": "expired"}, {"is_away": True}], ids=["refused", "no token"])
def test_without_a_valid_token_the_database_is_unavailable_until_there_is_one(
    deployed_database: Deployed, change: dict[str, object]
) -> None:
    identity = Identity()
    for name, value in change.items():
        setattr(identity, name, value)
    store = store_of(deployed_database, identity)
    try:
        with pytest.raises(DatabaseUnavailable):
            store.ping()
        identity.token, identity.is_away = PASSWORD, False
        store.ping()
    finally:
        store.close()


@pytest.mark.parametrize(
    ("url", "client_id", "is_wanted"),
    [
        ("postgresql://id@db/x?sslmode=verify-full", CLIENT_ID, True),
        ("postgresql://id:secret@db/x", CLIENT_ID, False),
        ("postgresql://id@db/x?password=secret", CLIENT_ID, False),
        ("postgresql://postgres@127.0.0.1/x", None, False),
    ],
)
def test_a_token_is_sent_only_where_the_url_has_no_password_and_an_identity_is_named(
    url: str, client_id: str | None, is_wanted: bool
) -> None:
    assert (password_for(url, identity_client_id=client_id) is not None) == is_wanted
