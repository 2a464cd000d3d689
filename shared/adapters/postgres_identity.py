"""The password of a managed identity: PostgreSQL Flexible Server takes an Entra token in its place.

Source: Azure Database for PostgreSQL, "Connect with managed identity": audience of the token, name of the user.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SCOPE: Final = "https://ossrdbms-aad.database.windows.net/.default"
TIMEOUT_S: Final = 5


class IdentityPassword:
    """A token for each new connection, from the identity's cache while it is valid; connects to nothing before that."""

    def __init__(self, client_id: str, *, credential: TokenCredential | None = None) -> None:
        """`client_id` is the user-assigned identity's; `credential` stands in for it where there is none."""
        self._client_id = client_id
        self._credential = credential
        self._making = threading.Lock()

    def __call__(self) -> str:
        """Return a token. Raises psycopg.OperationalError, as a server does that does not answer."""
        from azure.core.exceptions import AzureError

        try:
            return self._made().get_token(SCOPE).token
        except AzureError as fault:
            raise psycopg.OperationalError(f"no token for PostgreSQL from the managed identity: {fault}") from fault

    def _made(self) -> TokenCredential:
        with self._making:
            if self._credential is None:
                from azure.identity import ManagedIdentityCredential

                self._credential = ManagedIdentityCredential(
                    client_id=self._client_id, connection_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retry_total=0
                )
            return self._credential


def password_for(url: str, *, identity_client_id: str | None) -> IdentityPassword | None:
    """Return where the password of `url` comes from, or None if the URL has its own, or nobody has one."""
    if not identity_client_id or conninfo_to_dict(url).get("password"):
        return None
    return IdentityPassword(identity_client_id)
