"""Tokens of the development issuer look like Entra's and are verified with the real library."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from devhost.fakes.issuer import AUDIENCE, TENANT, Issuer
from devhost.fakes.issuer_keys import key_in
from tests.devhost.fakes.running import running

NAME = f"http://127.0.0.1:1/{TENANT}/v2.0"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("issuer")
    with running("devhost.fakes.issuer", ["--key-file", folder / "issuer.key"], folder) as ready:
        yield {**ready, "key_file": str(folder / "issuer.key")}


def verified(token: str, served: dict[str, str]) -> dict[str, Any]:
    key = jwt.PyJWKClient(served["jwks_url"]).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience=served["audience"], issuer=served["issuer"]
    )
    return claims


def test_a_token_over_http_is_verified_with_the_published_keys(served: dict[str, str]) -> None:
    wish = {
        "subject": "ops@example.org", "object_id": "1d0c", "client_id": "461e", "roles": ["gateway:admin"],
        "lifetime_s": 600,
    }  # fmt: skip

    answer = httpx2.post(served["token_url"], json=wish).json()

    claims = verified(answer["access_token"], served)
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 600)
    assert claims["exp"] - claims["iat"] == 600
    assert claims.pop("uti") != ""
    assert {name: claims[name] for name in ("tid", "oid", "azp", "sub", "ver", "idtyp", "roles")} == {
        "tid": served["tenant"],
        "oid": "1d0c",
        "azp": "461e",
        "sub": "ops@example.org",
        "ver": "2.0",
        "idtyp": "user",
        "roles": ["gateway:admin"],
    }
    assert served["issuer"].endswith(f"/{served['tenant']}/v2.0")


def test_the_library_and_the_server_sign_with_the_same_key(served: dict[str, str]) -> None:
    issuer = Issuer.from_key_file(Path(served["key_file"]), issuer=served["issuer"])

    claims = verified(issuer.mint(subject="gw-npr-dr", roles=("gateway:agent",), app=True), served)

    assert (claims["idtyp"], claims["azpacr"], claims["roles"]) == ("app", "1", ["gateway:agent"])
    assert "preferred_username" not in claims


def test_the_configuration_document_leads_to_the_keys(served: dict[str, str]) -> None:
    document = httpx2.get(f"{served['issuer']}/.well-known/openid-configuration").json()

    assert document == {"issuer": served["issuer"], "jwks_uri": served["jwks_url"]}


@pytest.mark.parametrize("wish", [{"roles": "gateway:admin"}, {"lifetime_s": "soon"}])
def test_a_malformed_wish_gets_no_token(served: dict[str, str], wish: dict[str, object]) -> None:
    answer = httpx2.post(served["token_url"], json=wish)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        ("subject=x", "application/x-www-form-urlencoded", 415),
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
    ],
)
def test_only_a_json_object_is_read(served: dict[str, str], content: str, content_type: str, status: int) -> None:
    answer = httpx2.post(served["token_url"], content=content, headers={"Content-Type": content_type})

    assert answer.status_code == status


def test_the_key_is_readable_by_its_owner_alone_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "issuer.key"

    first = Issuer.from_key_file(file, issuer=NAME).jwks()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Issuer.from_key_file(file, issuer=NAME).jwks() == first
    assert [entry.name for entry in file.parent.iterdir()] == ["issuer.key"]


def test_two_that_make_the_key_at_once_end_with_the_same(tmp_path: Path) -> None:
    file = tmp_path / "issuer.key"

    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(key_in, [file] * 4))

    assert len({key.public_key().public_numbers() for key in keys}) == 1


def test_the_published_key_is_public_and_names_no_algorithm(tmp_path: Path) -> None:
    (key,) = Issuer.from_key_file(tmp_path / "issuer.key", issuer=NAME).jwks()["keys"]

    assert set(key) == {"kty", "use", "kid", "n", "e", "issuer"}


def test_header_and_default_claims_are_those_of_entra(tmp_path: Path) -> None:
    issuer = Issuer.from_key_file(tmp_path / "issuer.key", issuer=NAME)

    token = issuer.mint(subject="somebody")

    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": issuer.jwks()["keys"][0]["kid"]}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["iss"], claims["aud"], claims["roles"]) == (NAME, AUDIENCE, [])


def test_a_subject_keeps_its_object_id_and_every_token_is_another(tmp_path: Path) -> None:
    issuer = Issuer.from_key_file(tmp_path / "issuer.key", issuer=NAME)
    tokens = [issuer.mint(subject=subject) for subject in ("one", "one", "two")]

    one, again, two = (jwt.decode(token, options={"verify_signature": False}) for token in tokens)

    assert one["oid"] == again["oid"] != two["oid"]
    assert one["uti"] != again["uti"]


def test_a_token_can_be_minted_expired(tmp_path: Path) -> None:
    issuer = Issuer.from_key_file(tmp_path / "issuer.key", issuer=NAME)
    key = jwt.PyJWKSet.from_dict(issuer.jwks()).keys[0]

    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(issuer.mint(subject="late", lifetime_s=-60), key, algorithms=["RS256"], audience=AUDIENCE)
