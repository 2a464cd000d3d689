"""The signing key of the development token issuer, kept in a file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key


def key_in(file: Path) -> RSAPrivateKey:
    """Return the RSA key in the file; make one, readable by its owner alone, when the file is missing.

    Two processes that make it at once end with the same key. Raises ValueError when the file holds another kind of key.
    """
    if not file.exists():
        _make(file)
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{file} holds no RSA key")
    return key


def _make(file: Path) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(pem)
        os.link(unfinished, file)  # unlike a rename it does not replace a key that somebody else made meanwhile
    except FileExistsError:
        return
    finally:
        unfinished.unlink()


def public_jwk(key: RSAPrivateKey) -> dict[str, str]:
    """Return the public half as Entra publishes keys: without `alg`, named by its thumbprint (RFC 7638)."""
    numbers = key.public_key().public_numbers()
    members = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return {**members, "use": "sig", "kid": _text(hashlib.sha256(canonical).digest())}


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
