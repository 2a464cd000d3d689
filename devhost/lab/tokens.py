"""The tokens of everybody in the lab: minted by the development issuer, and renewed long before they end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from devhost.lab.names import GATEWAYS

LIFETIME_S = 24 * 3600.0  # the control plane takes none that lives longer
RENEWED_EVERY_S = 8 * 3600.0
RETRY_S = 60.0
TIMEOUT_S = 10.0
PEOPLE = {
    "admin_token": ("lab-admin", ("gateway:read", "gateway:operate", "gateway:admin")),
    "reader_token": ("lab-reader", ("gateway:read",)),
    "alert_token": ("lab-alerts", ("alert:ingest",)),
}
CLIENTS = {"alert_token": "461e8683-5575-4561-ac7f-899cc907d62a"}  # Azure Monitor's action groups, in every tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The present token of every person by its name in `lab.json`, and of every gateway by its id.

    A gateway finds its own in a file, which it reads for every request.
    """

    session: aiohttp.ClientSession = field(repr=False)
    token_url: str
    folder: Path
    people: dict[str, str] = field(default_factory=dict, repr=False)
    agents: dict[str, str] = field(default_factory=dict, repr=False)

    def file(self, gateway_id: str) -> Path:
        """Return where a gateway finds its token."""
        return self.folder / f"{gateway_id}.token"

    async def renew(self) -> None:
        """Mint every token anew; the same subject always has the same object id. Raises aiohttp.ClientError."""
        for name, (subject, roles) in PEOPLE.items():
            self.people[name] = await self._mint(subject, roles, app=False, client_id=CLIENTS.get(name))
        for gateway in GATEWAYS:
            self.agents[gateway.id] = await self._mint(gateway.id, ("gateway:agent",), app=True)
            self._store(self.file(gateway.id), self.agents[gateway.id])

    async def keep_fresh(self, *, on_renewal: Callable[[], None], every_s: float = RENEWED_EVERY_S) -> None:
        """Renew them again and again; runs until cancelled. An issuer that does not answer is asked again soon."""
        pause_s = every_s
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self.renew()
            except (aiohttp.ClientError, TimeoutError):
                pause_s = min(RETRY_S, every_s)
            else:
                pause_s = every_s
                on_renewal()

    async def _mint(self, subject: str, roles: tuple[str, ...], *, app: bool, client_id: str | None = None) -> str:
        wish = {
            "subject": subject, "roles": list(roles), "app": app, "lifetime_s": LIFETIME_S, "client_id": client_id,
        }  # fmt: skip
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self.session.post(self.token_url, json=wish, timeout=timeout) as response:
            response.raise_for_status()
            return str((await response.json())["access_token"])

    def _store(self, file: Path, token: str) -> None:
        """Replace the file for its owner alone to read; its reader sees the old token or the new, never a part."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as target:
            target.write(token)
        unfinished.replace(file)
