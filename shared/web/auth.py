"""Who calls, and may they: a bearer token becomes a principal, or the same refusal whatever was wrong with it.

PyJWT checks the signature. Everything else is checked here, because it accepts tokens without an expiry, with an
audience list, with duplicate claims or with a clock of its own (RFC 8725; Microsoft identity platform, "Validate
tokens").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import jwt

from shared.domain.faults import NotAuthorized
from shared.web.token_text import TokenRefused, TokenText, members_of, token_text

LEEWAY_S: Final = 60
LONGEST_LIFETIME_S: Final = 24 * 3600 + 300
"""Entra issues access tokens for at most 24 hours ("Configurable token lifetimes"), and dates them 5 minutes back."""

MOST_ROLES: Final = 64
ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash"})
"""Claims of a sign-in token, which proves who signed in to another application and grants nothing here."""

_ROLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}")
_IDENTIFIER: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?")


class TokenKeys(Protocol):
    """The issuer's public keys."""

    def find(self, kid: str, *, now: datetime) -> jwt.PyJWK | None:
        """Return the key with this id, or None. Raises SigningKeysUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What an acceptable token says; every value is compared as it stands, letter by letter."""

    issuer: str
    audience: str
    tenant_id: str
    longest_lifetime_s: float = LONGEST_LIFETIME_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller whose token is good. `object_id` stays the same for ever; `name` is for people to read."""

    subject: str
    object_id: str
    tenant_id: str
    roles: frozenset[str]
    is_app: bool
    name: str
    client_id: str = ""  # `azp`: the application that asked for the token


def authenticate(
    authorization_header: str | None, *, keys: TokenKeys, expected: TokenRules, now: datetime
) -> Principal:
    """Return the caller that the token of the Authorization header proves.

    Raises:
        NotAuthenticated: The same for every fault; its `reason` is for the log.
        SigningKeysUnavailable: No token can be judged at present.
    """
    token = token_text(authorization_header)
    claims = members_of(_verified_payload(token, keys, now), "payload")
    _check_times(claims, expected, now)
    if claims.get("iss") != expected.issuer:
        raise TokenRefused("issuer")
    if claims.get("aud") != expected.audience:
        raise TokenRefused("audience")
    if claims.get("tid") != expected.tenant_id:
        raise TokenRefused("tenant")
    if ID_TOKEN_CLAIMS & claims.keys():
        raise TokenRefused("id_token")
    subject, object_id = _identifier(claims, "sub"), _identifier(claims, "oid")
    return Principal(
        subject=subject,
        object_id=object_id,
        tenant_id=expected.tenant_id,
        roles=_roles(claims),
        is_app=claims.get("idtyp") == "app",
        name=_name(claims, subject),
        client_id=_client(claims),
    )


def require(principal: Principal, *roles: str) -> None:
    """Do nothing when the caller has one of the roles.

    Raises:
        NotAuthorized: It has none of them; names those that would do and those it has.
    """
    if principal.roles.intersection(roles):
        return
    wanted = " or ".join(roles) or "that nobody has"
    have = ", ".join(sorted(principal.roles)) or "none"
    raise NotAuthorized(f"Role {wanted} is required; your roles: {have}")


def require_only(principal: Principal, role: str, *, among: frozenset[str], client_id: str) -> None:
    """Do nothing when the caller is this application, and of the roles `among` has no other than this one.

    A webhook's sender that could also administer would make everybody who can send an alert an administrator.

    Raises:
        NotAuthorized: It lacks the role, has another one, or is another application.
    """
    require(principal, role)
    others = principal.roles & (among - {role})
    if others:
        raise NotAuthorized(f"Role {role} must be the only one here; your roles: {', '.join(sorted(principal.roles))}")
    if principal.client_id != client_id:
        raise NotAuthorized("The token is not one of Azure Monitor's action groups")


def _verified_payload(token: TokenText, keys: TokenKeys, now: datetime) -> bytes:
    key = keys.find(token.kid, now=now)
    if key is None:
        raise TokenRefused("unknown_key")
    # The key says how it may be used; what the token says must agree and never decides.
    if key.algorithm_name != token.algorithm:
        raise TokenRefused("key_algorithm")
    try:
        payload = jwt.PyJWS(algorithms=[key.algorithm_name]).decode(
            token.text, key=key, algorithms=[key.algorithm_name], options={"enforce_minimum_key_length": True}
        )
    except (jwt.PyJWTError, TypeError, ValueError):
        raise TokenRefused("signature") from None
    if not isinstance(payload, bytes):
        raise TokenRefused("signature")
    return payload


def _check_times(claims: Mapping[str, Any], expected: TokenRules, now: datetime) -> None:
    expires, issued, begins = (_seconds(claims, name) for name in ("exp", "iat", "nbf"))
    now_s = now.timestamp()
    if expires + LEEWAY_S <= now_s:
        raise TokenRefused("expired")
    if begins - LEEWAY_S > now_s or issued - LEEWAY_S > now_s:
        raise TokenRefused("not_yet_valid")
    if expires - issued > expected.longest_lifetime_s:
        raise TokenRefused("lifetime")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or value <= 0:
        raise TokenRefused(f"claim_{name}")
    return value


def _identifier(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise TokenRefused(f"claim_{name}")
    return value


def _roles(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the app roles, compared as exact ASCII; a token without any is good and may do nothing."""
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or len(roles) > MOST_ROLES:
        raise TokenRefused("claim_roles")
    if not all(isinstance(role, str) and _ROLE.fullmatch(role) for role in roles):
        raise TokenRefused("claim_roles")
    return frozenset(roles)


def _client(claims: Mapping[str, Any]) -> str:
    given = claims.get("azp")
    return given if isinstance(given, str) and _IDENTIFIER.fullmatch(given) else ""


def _name(claims: Mapping[str, Any], subject: str) -> str:
    given = claims.get("preferred_username") or claims.get("name")
    if not isinstance(given, str):
        return subject
    return "".join(letter if letter.isprintable() else "?" for letter in given[:128])
