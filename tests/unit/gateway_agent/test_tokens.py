"""Tokens: cached while they last, renewed before they end, read from a file as it is now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway_agent.tokens import CachedToken, FetchedToken, TokenUnavailable, managed_identity, token_in_file
from tests.http_server import QuietHandler, serving

HOUR_S = 3600.0


class Source:
    """Gives tokens `t1`, `t2`, … on a clock to move, until told to fail."""

    def __init__(self) -> None:
        self.now_s, self.count, self.fails = 0.0, 0, False
        self.token = CachedToken(self.fetch, clock=lambda: self.now_s)

    def fetch(self) -> FetchedToken:
        if self.fails:
            raise TokenUnavailable("no")
        self.count += 1
        return FetchedToken(text=f"t{self.count}", lifetime_s=HOUR_S)


def test_a_token_is_fetched_once_and_renewed_before_it_expires() -> None:
    source = Source()
    assert (source.token(), source.token(), source.count) == ("t1", "t1", 1)
    source.now_s = HOUR_S - 301
    assert source.token() == "t1"
    source.now_s = HOUR_S - 300
    assert source.token() == "t2"


def test_a_token_that_is_still_good_is_used_while_no_other_can_be_had() -> None:
    source = Source()
    source.token()
    source.fails, source.now_s = True, HOUR_S - 1
    assert source.token() == "t1"
    source.now_s = HOUR_S
    with pytest.raises(TokenUnavailable):
        source.token()


def test_a_token_does_not_show_in_its_own_description() -> None:
    assert "secret" not in repr(FetchedToken(text="secret", lifetime_s=1.0))


def test_a_token_put_into_the_file_later_counts_at_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    read = token_in_file(path)
    with pytest.raises(TokenUnavailable, match="token"):
        read()
    path.write_text("one\n", encoding="ascii")
    assert read() == "one"
    path.write_text("two", encoding="ascii")
    assert read() == "two"
    path.write_text("", encoding="ascii")
    with pytest.raises(TokenUnavailable, match="is empty"):
        read()


class Azure:
    """Plays the metadata service and the authority; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        self.answer: tuple[int, Any] = (200, {"access_token": "azure", "expires_in": "3600"})
        self.url = ""


@pytest.fixture
def azure() -> Iterator[Azure]:
    azure = Azure()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self._reply(parse_qs(urlsplit(self.path).query))

        def do_POST(self) -> None:
            self._reply(parse_qs(self.rfile.read(int(self.headers["content-length"])).decode()))

        def _reply(self, fields: dict[str, list[str]]) -> None:
            azure.asked.append((urlsplit(self.path).path, fields, self.headers.get("Metadata", "")))
            self.send_response(azure.answer[0])
            self.end_headers()
            self.wfile.write(json.dumps(azure.answer[1]).encode())

    with serving(Handler) as port:
        azure.url = f"http://127.0.0.1:{port}"
        yield azure


def test_the_metadata_service_is_asked_for_the_identity_and_the_audience(azure: Azure) -> None:
    token = managed_identity("client", "api://mazevault-gateway-dr", variables={}, imds_url=f"{azure.url}/token")
    assert (token(), token(), len(azure.asked)) == ("azure", "azure", 1)
    path, fields, metadata = azure.asked[0]
    assert (path, metadata, fields["client_id"]) == ("/token", "true", ["client"])
    assert fields["resource"] == ["api://mazevault-gateway-dr"]


def test_in_a_pod_with_workload_identity_the_service_account_is_exchanged(azure: Azure, tmp_path: Path) -> None:
    (tmp_path / "federated").write_text("assertion\n", encoding="ascii")
    variables = {
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "federated"),
        "AZURE_TENANT_ID": "tenant",
        "AZURE_AUTHORITY_HOST": f"{azure.url}/",
    }
    assert managed_identity("client", "api://mazevault-gateway-dr", variables=variables)() == "azure"
    path, fields, _ = azure.asked[0]
    assert path == "/tenant/oauth2/v2.0/token"
    assert (fields["client_assertion"], fields["client_id"]) == (["assertion"], ["client"])
    assert fields["scope"] == ["api://mazevault-gateway-dr/.default"]


@pytest.mark.parametrize("answer", [(400, {"error": "invalid_resource"}), (200, {"expires_in": 1}), (200, ["x"])])
def test_an_answer_without_a_token_is_no_token(azure: Azure, answer: tuple[int, Any]) -> None:
    azure.answer = answer
    with pytest.raises(TokenUnavailable):
        managed_identity("client", "aud", variables={}, imds_url=azure.url)()
