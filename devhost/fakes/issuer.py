"""A development token issuer that signs tokens like those of Microsoft Entra ID, version 2.0.

    python -m devhost.fakes.issuer --port N --key-file FILE --ready-file FILE --audience api://mazevault-gateway-dr

It publishes its keys at `/<tenant>/discovery/v2.0/keys` and gives tokens to anybody on loopback at `POST /token`,
whose JSON body may name `subject`, `object_id`, `client_id`, `roles`, `app` and `lifetime_s`. The ready file is JSON:
`issuer`, `jwks_url`, `token_url`, `audience`, `tenant`, `pid`.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from devhost.fakes.issuer_keys import key_in, public_jwk
from devhost.fakes.serving import (
    json_body,
    loopback_names_only,
    loopback_socket,
    port_of,
    serve_until_told_to_end,
)

TENANT = "7d1f6c1e-2f5a-4c0e-9a52-6f4f3a1c9b10"
AUDIENCE = "api://mazevault-gateway-dr"
LIFETIME_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """A key, and the names that go into every token it signs."""

    key: RSAPrivateKey = field(repr=False)
    issuer: str
    audience: str
    tenant: str

    @classmethod
    def from_key_file(cls, path: Path, *, issuer: str, audience: str = AUDIENCE, tenant: str = TENANT) -> Issuer:
        """Return an issuer with the key in the file, which is made if it is missing."""
        return cls(key=key_in(path), issuer=issuer, audience=audience, tenant=tenant)

    def mint(
        self,
        *,
        subject: str,
        object_id: str | None = None,
        client_id: str | None = None,
        roles: tuple[str, ...] = (),
        app: bool = False,
        lifetime_s: float = LIFETIME_S,
    ) -> str:
        """Return a signed token, valid from now for `lifetime_s`; below zero it has expired already.

        `subject` names the caller; `object_id` stays the same for a subject when not given. With `app` it is the
        token of an application, as gateways and pipelines get it, else that of a person. Claims: "Access token claims
        reference" of the Microsoft identity platform.
        """
        now = time.time()
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": self.audience,
            "tid": self.tenant,
            "sub": subject,
            "oid": object_id or self._id_of(subject),
            "azp": client_id or self._id_of(f"client of {subject}" if app else "lab client"),
            "azpacr": "1" if app else "0",
            "idtyp": "app" if app else "user",
            "ver": "2.0",
            "roles": list(roles),
            "iat": int(now),
            "nbf": int(min(now, now + lifetime_s)),
            "exp": int(now + lifetime_s),
            "uti": secrets.token_urlsafe(16),
        }
        if not app:
            claims |= {"preferred_username": subject, "name": subject}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": public_jwk(self.key)["kid"]})

    def _id_of(self, name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.tenant}/{name}"))

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the published key set."""
        return {"keys": [{**public_jwk(self.key), "issuer": self.issuer}]}


def issuer_value(port: int, tenant: str) -> str:
    """Return the `iss` of an issuer that listens on this port."""
    return f"http://127.0.0.1:{port}/{tenant}/v2.0"


def jwks_url(port: int, tenant: str) -> str:
    """Return where an issuer that listens on this port publishes its keys."""
    return f"http://127.0.0.1:{port}/{tenant}/discovery/v2.0/keys"


class IssuerEndpoints:
    """The issuer over HTTP."""

    def __init__(self, issuer: Issuer, port: int) -> None:
        """Serve this issuer as being on `port`."""
        self._issuer = issuer
        self._jwks_url = jwks_url(port, issuer.tenant)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes: keys, configuration document, tokens."""
        tenant = f"/{self._issuer.tenant}"
        return [
            web.get(f"{tenant}/discovery/v2.0/keys", self.keys),
            web.get(f"{tenant}/v2.0/.well-known/openid-configuration", self.configuration),
            web.post("/token", self.token),
        ]

    async def keys(self, _: web.Request) -> web.Response:
        """`GET /<tenant>/discovery/v2.0/keys`."""
        return web.json_response(self._issuer.jwks())

    async def configuration(self, _: web.Request) -> web.Response:
        """`GET /<tenant>/v2.0/.well-known/openid-configuration`."""
        return web.json_response({"issuer": self._issuer.issuer, "jwks_uri": self._jwks_url})

    async def token(self, request: web.Request) -> web.Response:
        """`POST /token`."""
        wish = await json_body(request)
        try:
            lifetime_s = float(str(wish.get("lifetime_s", LIFETIME_S)))
        except ValueError:
            return web.json_response({"error": "invalid_request", "error_description": "lifetime_s"}, status=400)
        roles, object_id, client_id = wish.get("roles", []), wish.get("object_id"), wish.get("client_id")
        if not isinstance(roles, list):
            return web.json_response({"error": "invalid_request", "error_description": "roles is a list"}, status=400)
        token = self._issuer.mint(
            subject=str(wish.get("subject", "somebody")),
            object_id=None if object_id is None else str(object_id),
            client_id=None if client_id is None else str(client_id),
            roles=tuple(map(str, roles)),
            app=wish.get("app") is True,
            lifetime_s=lifetime_s,
        )
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime_s)})


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    listener = loopback_socket(arguments.port)
    port, tenant = port_of(listener), arguments.tenant
    issuer = Issuer.from_key_file(
        arguments.key_file, issuer=issuer_value(port, tenant), audience=arguments.audience, tenant=tenant
    )
    application = web.Application(middlewares=[loopback_names_only])
    application.add_routes(IssuerEndpoints(issuer, port).routes())
    ready = {
        "issuer": issuer.issuer,
        "jwks_url": jwks_url(port, tenant),
        "token_url": f"http://127.0.0.1:{port}/token",
        "audience": issuer.audience,
        "tenant": tenant,
    }
    await serve_until_told_to_end(application, listener, ready_file=arguments.ready_file, ready=ready)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m devhost.fakes.issuer", description="a development token issuer")
    line.add_argument("--port", type=int, default=0, help="port; 0 means any free one")
    line.add_argument("--key-file", type=Path, required=True, help="RSA key; made if it is missing")
    line.add_argument("--ready-file", type=Path, help="write where it listens to this file instead of the output")
    line.add_argument("--audience", default=AUDIENCE, help="aud of every token")
    line.add_argument("--tenant", default=TENANT, help="tid of every token")
    return line


if __name__ == "__main__":
    asyncio.run(serve(parser().parse_args()))
