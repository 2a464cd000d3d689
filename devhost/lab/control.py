"""How the lab's commands talk to its supervisor: one JSON line each way, over loopback, with a secret from `run.json`.

TCP and not a unix socket, whose path must be shorter than 108 bytes (unix(7)): a checkout's path may be longer.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from devhost.lab.births import Named
from devhost.lab.layout import Layout, read_json

ANSWER_WITHIN_S = 30.0
LONGEST_REQUEST_BYTES = 65536

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NoLab(RuntimeError):
    """No lab answers; the message says what to do."""


class CommandFailed(RuntimeError):
    """The supervisor could not do what it was asked; the message is its own."""


class ControlServer:
    """The supervisor's end."""

    def __init__(self, handler: Handler) -> None:
        """Serve requests with `handler`; it raises CommandFailed for what it refuses."""
        self._handler = handler
        self._secret = secrets.token_urlsafe(32)
        self._server: asyncio.Server | None = None

    async def listen(self) -> dict[str, str | int]:
        """Open a port and return what goes into `run.json` under `control`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST_REQUEST_BYTES)
        return {"port": int(self._server.sockets[0].getsockname()[1]), "secret": self._secret}

    def close(self) -> None:
        """Take no more commands."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            writer.write(json.dumps(await self._answer(request)).encode() + b"\n")
            await writer.drain()
        except (ValueError, OSError):
            pass  # not one of our commands, or its caller went away
        finally:
            writer.close()

    async def _answer(self, request: object) -> dict[str, Any]:
        given = request.get("secret", "") if isinstance(request, dict) else ""
        if not isinstance(request, dict) or not hmac.compare_digest(str(given), self._secret):
            return {"ok": False, "error": "wrong secret"}
        try:
            return {"ok": True, **await self._handler(request)}
        except CommandFailed as failed:
            return {"ok": False, "error": str(failed)}


def supervisor_of(layout: Layout) -> Named | None:
    """Return the supervisor of the lab in a directory while it runs, else None."""
    written = read_json(layout.run_file).get("supervisor")
    supervisor = Named(**written) if isinstance(written, dict) else None
    return supervisor if supervisor is not None and supervisor.alive else None


def ask(layout: Layout, command: str, *, within_s: float = ANSWER_WITHIN_S, **members: str) -> dict[str, Any]:
    """Send one command to the lab's supervisor and return its answer.

    Raises NoLab when none runs or it does not answer, CommandFailed when it refuses.
    """
    if supervisor_of(layout) is None:
        raise NoLab(f"no lab runs in {layout.folder}; start one with `make run`")
    control: Mapping[str, Any] = read_json(layout.run_file)["control"]
    request = {"secret": control["secret"], "command": command, **members}
    try:
        with socket.create_connection(("127.0.0.1", control["port"]), timeout=within_s) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer = json.loads(answers.readline() or b"{}")
    except (OSError, ValueError) as error:
        raise NoLab(f"the lab in {layout.folder} does not answer ({error}); try `down`, then start it again") from error
    if not answer.get("ok"):
        raise CommandFailed(str(answer.get("error", "the lab ended before it answered")))
    return dict(answer)
