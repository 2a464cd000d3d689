"""Where a gateway's bearer token comes from: its managed identity in Azure, a file in the lab."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

RENEW_BEFORE_S = 300.0
FETCH_TIMEOUT_S = 5.0
# Azure Instance Metadata Service, "How to use managed identities to get an access token".
IMDS_URL = "http://169.254.169.254/metadata/identity/oauth2/token"
AUTHORITY = "https://login.microsoftonline.com"


class TokenUnavailable(RuntimeError):
    """There is no token now; the next request asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedToken:
    """A token and how long it is good for, counted from when it was asked for."""

    text: str = field(repr=False)
    lifetime_s: float


class CachedToken:
    """Gives one token again and again and fetches the next before it expires. Safe to use from several threads."""

    def __init__(self, fetch: Callable[[], FetchedToken], *, clock: Callable[[], float] = time.monotonic) -> None:
        """`fetch` may raise TokenUnavailable; a token that is still good is then used on."""
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at_s = self._ends_at_s = float("-inf")

    def __call__(self) -> str:
        """Return a token. Raises TokenUnavailable when there is none and none can be fetched."""
        with self._lock:
            now_s = self._clock()
            if now_s >= self._renew_at_s:
                try:
                    self._keep(self._fetch(), now_s)
                except TokenUnavailable:
                    if now_s >= self._ends_at_s:
                        raise
            return self._token

    def _keep(self, token: FetchedToken, now_s: float) -> None:
        self._token = token.text
        self._ends_at_s = now_s + token.lifetime_s
        self._renew_at_s = now_s + max(token.lifetime_s - RENEW_BEFORE_S, token.lifetime_s / 2)


def token_in_file(path: Path) -> Callable[[], str]:
    """Return a provider that reads the file for every request, so that a token put there later counts at once."""

    def read() -> str:
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise TokenUnavailable(f"{path}: {error}") from error
        if not token:
            raise TokenUnavailable(f"{path} is empty")
        return token

    return read


def managed_identity(
    client_id: str, audience: str, *, variables: Mapping[str, str] = os.environ, imds_url: str = IMDS_URL
) -> CachedToken:
    """Return a provider for the managed identity of AZURE_MANAGED_IDENTITY_CLIENT_ID (runbook section 4).

    In a pod with workload identity (AZURE_FEDERATED_TOKEN_FILE is set) the service account's token is exchanged for
    one of the identity ("Microsoft Entra Workload ID"); elsewhere the node's metadata service is asked.
    """
    if variables.get("AZURE_FEDERATED_TOKEN_FILE"):
        return CachedToken(lambda: _exchange_service_account(client_id, audience, variables))
    return CachedToken(lambda: _ask_imds(client_id, audience, imds_url))


def _ask_imds(client_id: str, audience: str, url: str) -> FetchedToken:
    query = {"api-version": "2018-02-01", "resource": audience, "client_id": client_id}
    # The metadata service is on this machine: no proxy may stand between.
    with httpx2.Client(trust_env=False, timeout=FETCH_TIMEOUT_S) as http:
        return _fetched(lambda: http.get(url, params=query, headers={"Metadata": "true"}))


def _exchange_service_account(client_id: str, audience: str, variables: Mapping[str, str]) -> FetchedToken:
    try:
        assertion = Path(variables["AZURE_FEDERATED_TOKEN_FILE"]).read_text(encoding="ascii").strip()
        tenant = variables["AZURE_TENANT_ID"]
    except (OSError, KeyError) as error:
        raise TokenUnavailable(f"workload identity is incomplete: {error}") from error
    authority = variables.get("AZURE_AUTHORITY_HOST", AUTHORITY).rstrip("/")
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "scope": f"{audience}/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    with httpx2.Client(timeout=FETCH_TIMEOUT_S) as http:
        return _fetched(lambda: http.post(f"{authority}/{tenant}/oauth2/v2.0/token", data=form))


def _fetched(ask: Callable[[], httpx2.Response]) -> FetchedToken:
    try:
        response = ask()
        body: Any = json.loads(response.content)
    except (httpx2.HTTPError, ValueError) as error:
        raise TokenUnavailable(f"{type(error).__name__}: {error}") from error
    if response.status_code != 200 or not isinstance(body, dict):
        # `error` names the fault; the rest of the body is not repeated, for it may carry secrets.
        said = body.get("error", "") if isinstance(body, dict) else ""
        raise TokenUnavailable(f"HTTP {response.status_code} {said}".strip())
    try:
        return FetchedToken(text=str(body["access_token"]), lifetime_s=float(body["expires_in"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TokenUnavailable("the answer has no access_token or expires_in") from error
