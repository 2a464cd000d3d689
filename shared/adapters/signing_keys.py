"""The token issuer's public keys: fetched rarely, kept through an outage, and only such as may sign a token.

PyJWT's own client is not used for the fetching: it forgets its keys when their lifetime ends during an outage, asks
again for every token while the issuer is down, and reads an answer of any size.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.domain.faults import SigningKeysUnavailable
from shared.telemetry import log, warn

FETCH_TIMEOUT_S: Final = 3.0
LONGEST_WAIT_S: Final = 2 * FETCH_TIMEOUT_S  # for a fetch that another caller has begun
FRESH_FOR: Final = timedelta(minutes=5)
"""After this a set is fetched anew, so that a key the issuer has taken back stops counting (PyJWT's own default)."""
KEPT_FOR: Final = timedelta(hours=24)
"""How long the last good set is used while the issuer does not answer; Entra announces its keys longer ahead."""
BETWEEN_FETCHES: Final = timedelta(seconds=30)
"""Unknown key ids cannot make us ask the issuer more often; a new key is noticed at most this late."""
BETWEEN_FIRST_FETCHES: Final = timedelta(seconds=1)
LARGEST_SET_BYTES: Final = 256 * 1024
MOST_KEYS: Final = 100
RSA_BITS: Final = range(2048, 8193)
SMALLEST_RSA_EXPONENT: Final = 65537

_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_ALGORITHMS: Final[Mapping[object, str]] = {"RSA": "RS256", "EC": "ES256"}


class NotAKeySet(ValueError):
    """The issuer's answer holds no key that may sign a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The usable keys by id, and when they were fetched."""

    keys: Mapping[str, jwt.PyJWK]
    fetched_at: datetime


class SigningKeys:
    """Finds the issuer's key by its id; safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Nothing is fetched before the first call.

        Args:
            url: Where the issuer publishes its JWKS: https, or http on loopback for a development issuer.

        Raises:
            ValueError: Another scheme; over plain http anybody on the way could hand out keys.
        """
        parts = urlsplit(url)
        local = parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            raise ValueError("the JWKS URL must begin with https://")
        self._url = url
        # What is asked of loopback must not be answered by a proxy that the environment names.
        self._opener = urllib.request.build_opener(_NoRedirect(), urllib.request.ProxyHandler({} if local else None))
        self._known: KeySet | None = None
        self._tried_at: datetime | None = None
        self._tries = 0
        self._fetching = threading.Lock()

    def find(self, kid: str, *, now: datetime) -> jwt.PyJWK | None:
        """Return the key with this id, or None when the issuer has none.

        An unknown id and a set that is no longer fresh lead to a fetch, at a bounded rate and one at a time.

        Raises:
            SigningKeysUnavailable: No set was ever obtained, or the last one is too old to be trusted.
        """
        known = self._usable(now)
        key = known.keys.get(kid) if known else None
        if key is None or known is None or not _is_within(now, known.fetched_at, FRESH_FOR):
            # Whoever has a key already does not queue behind a slow issuer.
            self._refresh(now, wait_s=LONGEST_WAIT_S if key is None else 0.0)
            known = self._usable(now)
        if known is None:
            raise SigningKeysUnavailable("the token issuer's keys could not be read")
        return known.keys.get(kid)

    def _usable(self, now: datetime) -> KeySet | None:
        known = self._known
        return known if known is not None and _is_within(now, known.fetched_at, KEPT_FOR) else None

    def _refresh(self, now: datetime, *, wait_s: float) -> None:
        tries = self._tries  # read first: a fetch that ends from here on is this caller's fetch as well
        if self._too_soon(now) and not self._fetching.locked():
            return
        if not self._fetching.acquire(timeout=wait_s):
            return
        try:
            if self._tries == tries and not self._too_soon(now):
                self._fetch(now)
        finally:
            self._fetching.release()

    def _too_soon(self, now: datetime) -> bool:
        pause = BETWEEN_FETCHES if self._usable(now) else BETWEEN_FIRST_FETCHES
        return self._tried_at is not None and _is_within(now, self._tried_at, pause)

    def _fetch(self, now: datetime) -> None:
        self._tried_at = now
        try:
            keys = usable_keys(self._read())
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as failure:
            warn("signing_keys.not_fetched", detail=f"{type(failure).__name__}: {failure}")
        else:
            self._known = KeySet(keys=keys, fetched_at=now)
            log("signing_keys.fetched", keys=len(keys))
        self._tries += 1

    def _read(self) -> bytes:
        request = urllib.request.Request(self._url, headers={"Accept": "application/json"})
        try:
            with self._opener.open(request, timeout=FETCH_TIMEOUT_S) as response:
                raw: bytes = response.read(LARGEST_SET_BYTES + 1)
        except urllib.error.HTTPError as answer:
            answer.close()
            raise
        if len(raw) > LARGEST_SET_BYTES:
            raise NotAKeySet(f"more than {LARGEST_SET_BYTES} bytes")
        return raw


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes a redirect an error: keys come from the configured address or not at all."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def usable_keys(raw: bytes) -> dict[str, jwt.PyJWK]:
    """Return the keys of a JWKS document that may verify RS256 or ES256, by id; two keys under one id drop out.

    Raises:
        NotAKeySet: None is left, or there are more than `MOST_KEYS`. ValueError: not JSON.
    """
    document = json.loads(raw)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise NotAKeySet("no list of keys, or too long a one")
    ids = [entry.get("kid") for entry in listed if isinstance(entry, dict)]
    keys: dict[str, jwt.PyJWK] = {}
    for entry in listed:
        key = _usable_key(entry) if isinstance(entry, dict) else None
        if key is not None and ids.count(entry["kid"]) == 1:
            keys[entry["kid"]] = key
    if not keys:
        raise NotAKeySet("no usable signing key")
    return keys


def _usable_key(entry: dict[str, Any]) -> jwt.PyJWK | None:
    """Return the key when it is a public RSA or P-256 key meant for signatures and of a sane size (RFC 7517, 7518)."""
    kid, kty = entry.get("kid"), entry.get("kty")
    algorithm = _ALGORITHMS.get(kty) if isinstance(kty, str) else None
    uses = entry.get("key_ops", ["verify"])
    meant = entry.get("use", "sig") == "sig" and isinstance(uses, list) and "verify" in uses
    if not isinstance(kid, str) or not _KID.fullmatch(kid) or algorithm is None or not meant:
        return None
    if entry.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm=algorithm)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None
    return key if _is_strong(key.key) else None


def _is_strong(key: object) -> bool:
    if isinstance(key, RSAPublicKey):
        return key.key_size in RSA_BITS and key.public_numbers().e >= SMALLEST_RSA_EXPONENT
    return isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1"


def _is_within(now: datetime, then: datetime, limit: timedelta) -> bool:
    """Whether two instants are closer than `limit`, in either order: a clock that steps back must not stop us."""
    return abs(now - then) < limit
