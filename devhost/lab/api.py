"""What the lab itself asks of the control plane, over HTTP like everybody else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from devhost.lab.names import LabGateway, demo_config
from devhost.lab.tokens import Tokens

TIMEOUT_S = 10.0
POLL_S = 0.1
REGISTERED_EARLIER = "registered-earlier"


class NotAnswered(RuntimeError):
    """The control plane did not do what it was asked; the message has its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """The control plane at one URL, asked with the tokens of an administrator and of the gateways."""

    session: aiohttp.ClientSession
    url: str
    tokens: Tokens

    async def call(self, method: str, path: str, *, token: str | None = None, body: object = None) -> Any:
        """Return the JSON answer of a call. Raises NotAnswered for an answer other than 2xx, and for none."""
        headers = {"Authorization": f"Bearer {token or self.tokens.people['admin_token']}"}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self.session.request(
                method, f"{self.url}/api{path}", json=body, headers=headers, timeout=timeout
            ) as response:
                if response.status >= 300:
                    raise NotAnswered(f"{method} {path}: {response.status} {(await response.text())[:300]}")
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotAnswered(f"{method} {path}: {type(error).__name__} {error}") from error

    async def wait_until_ready(self, *, within_s: float) -> None:
        """Return once the readiness endpoint says yes. Raises NotAnswered with its last word."""
        gives_up_at = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                await self.call("GET", "/health/ready")
                return
            except NotAnswered:
                if asyncio.get_running_loop().time() > gives_up_at:
                    raise
                await asyncio.sleep(POLL_S)

    async def register_earlier(self, gateway: LabGateway) -> None:
        """Register a cold standby as the boot it had before its cluster was stopped (runbook 1.3)."""
        await self.call(
            "POST",
            f"/v1/gateways/{gateway.id}/register",
            token=self.tokens.agents[gateway.id],
            body={
                "environment": gateway.environment,
                "role": gateway.role,
                "boot_id": REGISTERED_EARLIER,
                "region": gateway.region,
                "version": "lab",
            },
        )

    async def put_demo_config(self, environment: str) -> None:
        """Store the rotation config that the lab keeps executing."""
        body = {
            "environment": environment,
            "name": f"Demo secret of {environment}",
            "on_lost_owner": "requeue",
            "max_attempts": 3,
            "payload": {"secret": f"demo-{environment.lower()}"},
        }
        await self.call("PUT", f"/v1/rotation/configs/{demo_config(environment)}", body=body)

    async def execute(self, environment: str) -> None:
        """Queue one execution of the demo config."""
        await self.call("POST", f"/v1/rotation/configs/{demo_config(environment)}/execute")

    async def pending(self, gateway: LabGateway) -> int:
        """Return how many tasks wait for a gateway; none wait for one that is not the holder."""
        return len(await self.call("GET", f"/v1/admin/gateways/{gateway.id}/tasks?status=pending"))

    async def statuses(self) -> dict[str, str]:
        """Return the activation_status of every registered gateway."""
        listed = await self.call("GET", "/v1/admin/gateways")
        return {str(one["id"]): str(one["activation_status"]) for one in listed}


async def feed(control_plane: ControlPlane, gateways: tuple[LabGateway, ...], *, every_s: float, enough: int) -> None:
    """Keep one environment's gateways in work: one task at a time, none while more than `enough` wait.

    Runs until cancelled. Whatever the control plane answers, the next round comes: in a lab it is down at times.
    """
    while True:
        try:
            waiting = sum([await control_plane.pending(gateway) for gateway in gateways])
            if waiting <= enough:
                await control_plane.execute(gateways[0].environment)
        except NotAnswered:
            pass
        await asyncio.sleep(every_s)
