"""The managed-identity endpoint that a function app finds at IDENTITY_ENDPOINT (App Service, version 2019-08-01)."""

from __future__ import annotations

import hmac
import secrets
import time

from aiohttp import web

TOKEN_LIFETIME_S = 24 * 3600


class IdentityEndpoint:
    """Hands out opaque tokens to callers that know the secret; the fakes accept any well-formed token."""

    def __init__(self, header: str | None = None) -> None:
        """`header` is the secret that callers send, made up when not given."""
        self.header = header or secrets.token_urlsafe(24)

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoint's route, `/msi/token`."""
        return [web.get("/msi/token", self.token)]

    async def token(self, request: web.Request) -> web.Response:
        """Answer as App Service does: `expires_on` in seconds since the epoch, as text."""
        if not hmac.compare_digest(request.headers.get("X-IDENTITY-HEADER", ""), self.header):
            return web.json_response(
                {"statusCode": 401, "message": "X-IDENTITY-HEADER is missing or wrong"}, status=401
            )
        resource = request.query.get("resource", "")
        if not resource or request.query.get("api-version") != "2019-08-01":
            return web.json_response(
                {"statusCode": 400, "message": "resource and api-version=2019-08-01 are required"}, status=400
            )
        return web.json_response(
            {
                "access_token": f"lab.{secrets.token_urlsafe(48)}",
                "expires_on": str(int(time.time()) + TOKEN_LIFETIME_S),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": request.query.get("client_id", "00000000-0000-0000-0000-000000000000"),
            }
        )
