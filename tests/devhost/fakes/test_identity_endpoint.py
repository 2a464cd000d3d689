"""The real managed-identity credential gets tokens from the fake's endpoint, as it would inside a function app."""

from __future__ import annotations

import time

import httpx2
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from tests.devhost.fakes.azure_clusters import Azure, aks_client

SCOPE = "https://management.azure.com/.default"


@pytest.fixture
def identity(arm: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", arm["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", arm["identity_header"])
    return arm


@pytest.mark.usefixtures("identity")
def test_the_credential_gets_a_token_that_lasts() -> None:
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(SCOPE)

    assert token.token
    assert token.expires_on > time.time() + 3600


@pytest.mark.usefixtures("identity")
def test_a_user_assigned_identity_gets_one_too() -> None:
    with ManagedIdentityCredential(client_id="0c8a2a4e-0f1e-4a7c-9d0b-0d7f3f1b2c3d") as credential:
        assert credential.get_token(SCOPE).token


def test_the_credential_opens_the_resource_manager_over_https(identity: dict[str, str], stopped: Azure) -> None:
    with ManagedIdentityCredential() as credential, aks_client(identity, credential) as client:
        assert Azure(name=stopped.name, client=client, lab=stopped.lab).states() == ("Stopped", "Succeeded")


@pytest.mark.usefixtures("identity")
def test_a_wrong_secret_gets_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "guessed")

    with ManagedIdentityCredential(retry_total=0) as credential, pytest.raises(ClientAuthenticationError):
        credential.get_token(SCOPE)


@pytest.mark.parametrize("query", ["api-version=2019-08-01", "resource=x", "api-version=2017-09-01&resource=x"])
def test_an_incomplete_request_gets_no_token(arm: dict[str, str], query: str) -> None:
    answer = httpx2.get(f"{arm['identity_endpoint']}?{query}", headers={"X-IDENTITY-HEADER": arm["identity_header"]})

    assert answer.status_code == 400
    assert "access_token" not in answer.json()
