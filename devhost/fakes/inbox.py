"""An inbox that stands in for a webhook's receiver, Slack, Teams and PagerDuty, and shows what they got.

    python -m devhost.fakes.inbox --port N --ready-file FILE

It refuses what the real ones refuse. `GET /` is a page, `GET /_lab/inbox` the same as JSON (messages oldest first,
incidents, modes, attempts), `POST /_lab/mode` takes `{"mode": …, "receivers": […]}`, `DELETE /_lab/inbox` forgets all.
The ready file is JSON: `url`, `channels` (a value of MVDR_NOTIFICATION_CHANNELS), `pid`.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from devhost.fakes.inbox_checks import cloud_event_faults, pagerduty_faults, slack_faults, teams_faults
from devhost.fakes.inbox_kept import RECEIVERS, Kept, Message, Mode
from devhost.fakes.inbox_modes import misbehave
from devhost.fakes.inbox_page import HEADERS, page
from devhost.fakes.serving import (
    json_body,
    loopback_names_only,
    loopback_socket,
    port_of,
    serve_until_told_to_end,
)
from shared.domain.webhook_signatures import NotVerified, verify

LARGEST_REQUEST_BYTES = 1024 * 1024
ROOM = "C0LAB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a sender has to know, made anew for every inbox."""

    webhook_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    slack_token: str = field(default_factory=lambda: f"xoxb-lab-{secrets.token_hex(12)}", repr=False)
    teams_path: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    routing_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def channels(self, url: str) -> dict[str, dict[str, Any]]:
        """Return a channel of every kind that leads to the inbox at `url`."""
        return {
            "lab-webhook": {"kind": "webhook", "url": f"{url}/webhook", "secret": self.webhook_secret},
            "lab-slack": {
                "kind": "slack", "token": self.slack_token, "channel": ROOM, "api_url": f"{url}/slack/api",
            },
            "lab-teams": {"kind": "teams", "url": f"{url}/teams/{self.teams_path}"},
            "lab-pagerduty": {
                "kind": "pagerduty", "routing_key": self.routing_key, "url": f"{url}/pagerduty", "at_least": "error",
            },
        }  # fmt: skip


class Inbox:
    """The four receivers over HTTP."""

    def __init__(self, keys: Keys, kept: Kept) -> None:
        """Take what is sent with these keys."""
        self._keys = keys
        self._kept = kept

    def routes(self) -> list[web.RouteDef]:
        """Return the routes: receivers, page, control."""
        receive = self._behaving
        return [
            web.post("/webhook", receive("webhook", self.webhook)),
            web.post("/slack/services/{path}", receive("slack", self.slack_webhook)),
            web.post("/slack/api/chat.postMessage", receive("slack", self.slack)),
            web.post("/teams/{path}", receive("teams", self.teams)),
            web.post("/pagerduty/v2/enqueue", receive("pagerduty", self.pagerduty)),
            web.post("/pagerduty/v2/change/enqueue", receive("pagerduty", self.pagerduty_change)),
            web.get("/", self.page),
            web.get("/_lab/inbox", self.read),
            web.delete("/_lab/inbox", self.forget),
            web.post("/_lab/mode", self.mode),
        ]

    def _behaving(
        self, receiver: str, handler: Callable[[web.Request, bytes], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._kept.attempts[receiver] += 1
            raw = await request.read()
            mode = self._kept.modes[receiver]
            return await (handler(request, raw) if mode is Mode.OK else misbehave(request, self._kept, mode))

        return handle

    async def webhook(self, request: web.Request, raw: bytes) -> web.Response:
        """`POST /webhook`: a signed CloudEvent; 401 without a signature that fits, 400 for what is none."""
        try:
            verify(request.headers, raw, secret=self._keys.webhook_secret, now_unix_s=time.time())
            status, faults = 204, []
        except NotVerified as refused:
            status, faults = 401, [str(refused)]
        event = _object(raw)
        if not faults and (faults := cloud_event_faults(event, request.content_type)):
            status = 400
        told = f"{event.get('type', '')} {event.get('subject', '')}"
        self._keep("webhook", event, id=event.get("id"), title=told, text=event.get("summary"), faults=faults,
                   thread=event.get("incident"))  # fmt: skip
        return web.Response(status=status)

    async def slack_webhook(self, _: web.Request, raw: bytes) -> web.Response:
        """`POST /slack/services/…`: an incoming webhook."""
        message = _object(raw)
        faults = slack_faults(message)
        self._keep_slack(message, thread=None, faults=faults)
        return web.Response(status=400, text=faults[0].partition(":")[0]) if faults else web.Response(text="ok")

    async def slack(self, request: web.Request, raw: bytes) -> web.Response:
        """`POST /slack/api/chat.postMessage`: always 200; `ok` says whether it was taken."""
        message, thread = _object(raw), None
        faults = slack_faults(message)
        if not hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {self._keys.slack_token}"):
            faults = ["invalid_auth"]
        elif message.get("channel") != ROOM:
            faults = ["channel_not_found"]
        elif (thread := message.get("thread_ts")) is not None and thread not in self._kept.threads:
            faults = ["thread_not_found"]
        kept = self._keep_slack(message, thread=thread, faults=faults)
        if faults:
            return web.json_response({"ok": False, "error": faults[0].partition(":")[0]})
        self._kept.threads.add(str(kept.thread))
        ts = kept.thread if thread is None else f"{time.time():.0f}.{kept.number:06d}"
        return web.json_response({"ok": True, "channel": ROOM, "ts": ts, "message": message})

    def _keep_slack(self, message: dict[str, Any], *, thread: str | None, faults: list[str]) -> Message:
        text = str(message.get("text", "")).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        began = thread or f"{time.time():.0f}.{len(self._kept.threads):06d}"
        action = "starts a thread" if thread is None else "reply"
        return self._keep("slack", message, id="", title=action, text=text, faults=faults, thread=began)

    async def teams(self, request: web.Request, raw: bytes) -> web.Response:
        """`POST /teams/…`: a Workflows webhook; 202 when the card will be posted."""
        message = _object(raw)
        faults = teams_faults(message, len(raw))
        if request.match_info["path"] != self._keys.teams_path:
            faults = ["no workflow is behind this URL"]
        lines = list(_texts(message)) or [""]
        self._keep("teams", message, id="", title=lines[0], text=" · ".join(lines[1:]), faults=faults)
        return web.json_response({"error": {"code": "InvalidCard", "message": faults[0][:100]}}, status=400) if faults \
            else web.Response(status=202)  # fmt: skip

    async def pagerduty(self, _: web.Request, raw: bytes) -> web.Response:
        """`POST /pagerduty/v2/enqueue`: an alert event."""
        return self._pagerduty(raw, change=False)

    async def pagerduty_change(self, _: web.Request, raw: bytes) -> web.Response:
        """`POST /pagerduty/v2/change/enqueue`: a change event."""
        return self._pagerduty(raw, change=True)

    def _pagerduty(self, raw: bytes, *, change: bool) -> web.Response:
        event = _object(raw)
        faults = pagerduty_faults(event, len(raw), routing_key=self._keys.routing_key, change=change)
        key = None if change else str(event.get("dedup_key") or secrets.token_hex(16))
        action = "change" if change else str(event.get("event_action", ""))
        payload = event.get("payload") or {}
        shown = {name: value for name, value in event.items() if name != "routing_key"}
        self._keep("pagerduty", shown, id="", title=action, text=payload.get("summary"), faults=faults, thread=key,
                   action=action)  # fmt: skip
        if faults:
            document = {"status": "invalid event", "message": "Event object is invalid", "errors": faults}
            return web.json_response(document, status=400)
        if key is not None:
            self._kept.act(key, action)
        return web.json_response({"status": "success", "message": "Event processed", "dedup_key": key}, status=202)

    def _keep(
        self, receiver: str, body: dict[str, Any], *, id: Any, title: str, text: Any, faults: list[str],
        thread: Any = None, action: str = "",
    ) -> Message:  # fmt: skip
        kept = self._kept.keep(
            receiver, body, at=datetime.now(UTC).isoformat(), id=str(id or ""), title=title, text=str(text or ""),
            thread=None if thread is None else str(thread), action=action, faults=faults,
        )  # fmt: skip
        said = json.dumps([kept.title, kept.text[:120], list(kept.faults)], ensure_ascii=False)
        print(f"{receiver} {kept.thread or '-'} {said}", flush=True)
        return kept

    async def page(self, _: web.Request) -> web.Response:
        """`GET /`."""
        return web.Response(text=page(self._kept), content_type="text/html", headers=HEADERS)

    async def read(self, _: web.Request) -> web.Response:
        """`GET /_lab/inbox`."""
        kept = self._kept
        return web.json_response(
            {
                "messages": [message.document() for message in kept.messages],
                "incidents": kept.incidents,
                "modes": {name: mode.value for name, mode in kept.modes.items()},
                "attempts": {name: kept.attempts[name] for name in RECEIVERS},
            }
        )

    async def forget(self, _: web.Request) -> web.Response:
        """`DELETE /_lab/inbox`."""
        self._kept.forget()
        return web.Response(status=204)

    async def mode(self, request: web.Request) -> web.Response:
        """`POST /_lab/mode`: how the named receivers, all by default, behave from the next request on."""
        wish = await json_body(request)
        names = wish.get("receivers", list(RECEIVERS))
        try:
            mode = Mode(wish.get("mode"))
        except ValueError:
            return web.json_response({"error": f"mode is one of {', '.join(one.value for one in Mode)}"}, status=400)
        if not isinstance(names, list) or not set(names) <= set(RECEIVERS):
            return web.json_response({"error": f"receivers are of {', '.join(RECEIVERS)}"}, status=400)
        self._kept.modes |= dict.fromkeys(names, mode)
        return web.json_response({name: one.value for name, one in self._kept.modes.items()})


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _texts(card: Any) -> list[str]:
    """Return every text of an Adaptive Card, one per line of it."""
    found: list[str] = []
    for attachment in card.get("attachments") or []:
        for element in (attachment.get("content") or {}).get("body") or []:
            found.append("".join(str(run.get("text", "")) for run in element.get("inlines") or [element]))
    return found


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    listener = loopback_socket(arguments.port)
    keys, url = Keys(), f"http://127.0.0.1:{port_of(listener)}"
    application = web.Application(middlewares=[loopback_names_only], client_max_size=LARGEST_REQUEST_BYTES)
    application.add_routes(Inbox(keys, Kept()).routes())
    ready = {"url": url, "channels": keys.channels(url)}
    await serve_until_told_to_end(application, listener, ready_file=arguments.ready_file, ready=ready)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m devhost.fakes.inbox", description="an inbox for notifications")
    line.add_argument("--port", type=int, default=0, help="port; 0 means any free one")
    line.add_argument("--ready-file", type=Path, help="write where it listens to this file instead of the output")
    return line


if __name__ == "__main__":
    asyncio.run(serve(parser().parse_args()))
