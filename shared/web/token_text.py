"""The text of a bearer token, before any key is looked at: its three segments and its header.

Cheap and the same amount of work for every token, so that nonsense never reaches the cryptography.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.faults import NotAuthenticated
from shared.web.strict_json import NotStrictJson, parse_strict

LARGEST_HEADER_BYTES: Final = 8 * 1024
ALGORITHMS: Final = ("RS256", "ES256")
TYPES: Final = ("JWT", "at+jwt")  # RFC 7519; RFC 9068
REFUSED_MEMBERS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc"})
"""Members that bring a key along, or change what the signature covers (RFC 7515, RFC 8725)."""

_AUTHORIZATION: Final = re.compile(r"bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE | re.ASCII)
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class TokenRefused(NotAuthenticated):
    """The one answer to every caller without a good token; `reason` is for the log and never leaves it."""

    def __init__(self, reason: str) -> None:
        super().__init__("A valid bearer token is required")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenText:
    """A token whose form is right; nothing in it is proven yet."""

    text: str
    algorithm: str
    kid: str


def token_text(authorization: str | None) -> TokenText:
    """Return the token of an Authorization header.

    Raises:
        TokenRefused: There is none, or its form or its header is not acceptable.
    """
    if not authorization:
        raise TokenRefused("no_token")
    if len(authorization) > LARGEST_HEADER_BYTES:
        raise TokenRefused("too_long")
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise TokenRefused("form")
    text = found[1]
    decoded = [_decoded(segment) for segment in text.split(".")]
    return _with_header(text, members_of(decoded[0], "header"))


def members_of(raw: bytes, part: str) -> Mapping[str, Any]:
    """Return the JSON object that a segment of the token holds. Raises TokenRefused."""
    try:
        members = parse_strict(raw)
    except NotStrictJson:
        raise TokenRefused(f"{part}_json") from None
    if not isinstance(members, dict):
        raise TokenRefused(f"{part}_json")
    return members


def _decoded(segment: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise TokenRefused("base64") from None
    # Bits left over at the end would let many texts pass as one token.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != segment:
        raise TokenRefused("base64")
    return raw


def _with_header(text: str, header: Mapping[str, Any]) -> TokenText:
    if REFUSED_MEMBERS & header.keys():
        raise TokenRefused("header_member")
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm")
    if header.get("typ") not in TYPES:
        raise TokenRefused("type")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise TokenRefused("kid")
    return TokenText(text=text, algorithm=str(algorithm), kid=kid)
