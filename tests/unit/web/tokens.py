"""Tokens made by hand, so that every part of one can be wrong on its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from shared.web.auth import TokenRules

NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TENANT = "00000000-0000-4000-8000-000000000001"
ISSUER = f"https://login.example.net/{TENANT}/v2.0"
AUDIENCE = "api://mazevault-gateway-dr"
RULES = TokenRules(issuer=ISSUER, audience=AUDIENCE, tenant_id=TENANT)

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str, **members: object) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        made: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        made = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return {**made, "kid": kid, "use": "sig", **members}


class HeldKeys:
    """The issuer's keys, held in memory; notes which ids were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._keys = {
            "rsa-1": jwt.PyJWK(jwk_of(RSA_KEY, "rsa-1"), algorithm="RS256"),
            "ec-1": jwt.PyJWK(jwk_of(EC_KEY, "ec-1"), algorithm="ES256"),
        }

    def find(self, kid: str, *, now: datetime) -> jwt.PyJWK | None:
        assert now == NOW
        self.asked.append(kid)
        return self._keys.get(kid)


def claims(**changed: object) -> dict[str, Any]:
    """Return good claims with some changed; `...` leaves one out."""
    now_s = int(NOW.timestamp())
    good = {
        "iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "sub": "jana", "oid": "11111111-0000-4000-8000-000000000001",
        "iat": now_s, "nbf": now_s, "exp": now_s + 3600, "idtyp": "user", "preferred_username": "jana@example.net",
        "roles": ["gateway:read", "gateway:admin"],
    }  # fmt: skip
    return {name: value for name, value in {**good, **changed}.items() if value is not ...}


def header(**changed: object) -> dict[str, Any]:
    """Return a good header with some members changed; `...` leaves one out."""
    good = {"alg": "RS256", "typ": "JWT", "kid": "rsa-1"}
    return {name: value for name, value in {**good, **changed}.items() if value is not ...}


def rs256(signed: bytes, key: rsa.RSAPrivateKey = RSA_KEY) -> bytes:
    return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def es256(signed: bytes) -> bytes:
    r, s = decode_dss_signature(EC_KEY.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(
    head: Mapping[str, Any] | bytes | None = None,
    body: Mapping[str, Any] | bytes | list[Any] | str | None = None,
    *,
    sign: Any = rs256,
) -> str:
    """Return a token with exactly this header and payload, well signed unless told otherwise."""
    raw_head = head if isinstance(head, bytes) else json.dumps(header() if head is None else head).encode()
    raw_body = body if isinstance(body, bytes) else json.dumps(claims() if body is None else body).encode()
    text = f"{base64url(raw_head)}.{base64url(raw_body)}"
    return f"{text}.{base64url(sign(text.encode('ascii')))}"


def with_claims(**changed: object) -> str:
    return token(body=claims(**changed))


def with_header(**changed: object) -> str:
    return token(header(**changed))
