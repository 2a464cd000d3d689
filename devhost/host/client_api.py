"""The management API of Durable Functions: what the client library and the public webhooks ask of the host.

Paths, verbs and status codes follow the 3.x Durable extension (`HttpApiHandler`): a taken id answers 409, purging an
unfinished instance 412, and an unknown orchestrator is accepted and then fails as an instance.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from devhost.host import history
from devhost.host.decisions import RuntimeStatus
from devhost.host.dispatcher import Dispatcher, new_execution_id
from devhost.host.episode import start_message
from devhost.host.history import Event, parse_time
from devhost.host.journal import InstanceExists, Journal
from devhost.host.records import Instance, NewMessage
from devhost.host.settings import HostSettings
from devhost.host.status import flag, management_payload, shaped_history, status_body

_BAD_ID = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_ID_LIMIT = 256
_PAGE = 100


class ClientApi:
    """Answers management requests from the journal; `origin` is the address of the public listener."""

    def __init__(
        self,
        journal: Journal,
        dispatcher: Dispatcher,
        settings: HostSettings,
        now: Callable[[], datetime],
        origin: str,
    ) -> None:
        self._journal = journal
        self._dispatcher = dispatcher
        self._settings = settings
        self._now = now
        self._origin = origin

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request whose path below the API's root is the match value `tail`."""
        path = request.match_info["tail"].split("/")
        match (request.method, path[0].lower(), path[1:]):
            case ("POST", "orchestrators", [name]):
                return await self._start(request, name, new_execution_id())
            case ("POST", "orchestrators", [name, instance_id]):
                return await self._start(request, name, instance_id or new_execution_id())
            case ("GET", "instances", [] | [""]):
                return self._list(request)
            case ("DELETE", "instances", [] | [""]):
                return self._purge_many(request)
            case (("GET" | "DELETE" | "POST"), "instances", [instance_id, *operation]):
                instance = self._journal.instance(instance_id)
                if instance is None:
                    return web.Response(status=404)
                return await self._on_instance(request, instance, [part for part in operation if part])
        return web.Response(status=404)

    async def _on_instance(self, request: web.Request, instance: Instance, operation: list[str]) -> web.Response:
        reason = request.query.get("reason", "")
        at = self._now()
        match (request.method, [part.lower() for part in operation]):
            case ("GET", []):
                return self._status(request, instance)
            case ("DELETE", []):
                return self._purge_one(instance)
            case ("POST", ["raiseevent", _]):
                return await self._raise_event(request, instance, operation[1])
            case ("POST", ["terminate"]):
                return self._send(instance, history.execution_terminated(at, reason))
            case ("POST", ["suspend"]):
                return self._hold(instance, history.execution_suspended(at, reason))
            case ("POST", ["resume"]):
                return self._release(instance, history.execution_resumed(at, reason))
            case ("POST", ["restart"]):
                return await self._restart(request, instance)
            case ("POST", ["rewind"]):
                return _refusal(501, "The local host does not rewind instances.")
        return web.Response(status=404)

    # Starting --------------------------------------------------------------------------------------------------

    async def _start(self, request: web.Request, name: str, instance_id: str) -> web.Response:
        text = await request.text()
        if text and not _is_json(text):
            return _refusal(400, "The request body is not valid JSON.")
        version = request.query.get("version", self._settings.default_version)
        return await self._begin(request, name, instance_id, text or None, version)

    async def _restart(self, request: web.Request, old: Instance) -> web.Response:
        fresh = flag(request.query, "restartWithNewInstanceId", default=True)
        instance_id = new_execution_id() if fresh else old.instance_id
        return await self._begin(request, old.name, instance_id, old.input_text, old.version)

    async def _begin(
        self, request: web.Request, name: str, instance_id: str, input_text: str | None, version: str | None
    ) -> web.Response:
        if len(instance_id) > _ID_LIMIT or instance_id.startswith("@") or _BAD_ID.search(instance_id):
            return _refusal(400, f"The instance id '{instance_id}' is not valid.")
        at = self._now()
        instance = Instance(
            instance_id=instance_id,
            execution_id=new_execution_id(),
            name=name,
            version=version,
            status=RuntimeStatus.PENDING,
            input_text=input_text,
            output=None,
            custom_status=None,
            created_at=at,
            updated_at=at,
        )
        replaceable = frozenset(
            status for status in RuntimeStatus if status.finished or self._settings.replaces_any_state
        )
        try:
            self._journal.start(instance, start_message(instance, at), replaceable=replaceable)
        except InstanceExists as error:
            return _refusal(409, str(error))
        self._dispatcher.expect(instance_id, at)
        return await self._wait_if_asked(request, instance_id)

    async def _wait_if_asked(self, request: web.Request, instance_id: str) -> web.Response:
        loop = asyncio.get_running_loop()
        if "timeout" in request.query and "pollingInterval" in request.query:
            pause_s = float(request.query["pollingInterval"])
            deadline = loop.time() + float(request.query["timeout"])
            while loop.time() < deadline:
                instance = self._journal.instance(instance_id)
                if instance is not None and instance.status is RuntimeStatus.COMPLETED:
                    return web.json_response(status_body(instance, with_input=False)["output"])
                if instance is not None and instance.status.finished:
                    failed = instance.status is RuntimeStatus.FAILED
                    return web.json_response(status_body(instance, with_input=True), status=500 if failed else 200)
                await asyncio.sleep(min(pause_s, max(0.0, deadline - loop.time())))
        payload = management_payload(self._origin, instance_id, self._settings)
        location = payload["statusQueryGetUri"]
        del payload["rewindPostUri"]
        return web.json_response(payload, status=202, headers={"Location": location, "Retry-After": "10"})

    # Messages --------------------------------------------------------------------------------------------------

    async def _raise_event(self, request: web.Request, instance: Instance, name: str) -> web.Response:
        if instance.status.finished:
            return web.Response(status=410)
        if request.content_type != "application/json":
            return _refusal(400, "Only application/json request content is supported")
        text = await request.text()
        if not _is_json(text):
            return _refusal(400, "The request body is not valid JSON.")
        return self._send(instance, history.event_raised(self._now(), name, text))

    def _hold(self, instance: Instance, event: Event) -> web.Response:
        if instance.status is RuntimeStatus.SUSPENDED:
            return _refusal(500, f"The instance '{instance.instance_id}' is already suspended.")
        return self._send(instance, event)

    def _release(self, instance: Instance, event: Event) -> web.Response:
        if not instance.status.finished and instance.status is not RuntimeStatus.SUSPENDED:
            return _refusal(500, f"The instance '{instance.instance_id}' is not suspended.")
        return self._send(instance, event)

    def _send(self, instance: Instance, event: Event) -> web.Response:
        if instance.status.finished:
            return web.Response(status=410)
        due_at = parse_time(event["Timestamp"])
        self._dispatcher.post(
            NewMessage(instance_id=instance.instance_id, execution_id=None, due_at=due_at, event=event)
        )
        return web.Response(status=202)

    # Reading and purging ---------------------------------------------------------------------------------------

    def _status(self, request: web.Request, instance: Instance) -> web.Response:
        with_input = flag(request.query, "showInput", default=True)
        body = status_body(instance, with_input=with_input)
        if flag(request.query, "showHistory", default=False):
            with_output = flag(request.query, "showHistoryOutput", default=False)
            events = self._journal.history(instance.instance_id)
            body["historyEvents"] = shaped_history(events, with_output=with_output, with_input=with_input)
        if not instance.status.finished:
            location = management_payload(self._origin, instance.instance_id, self._settings)["statusQueryGetUri"]
            return web.json_response(body, status=202, headers={"Location": location, "Retry-After": "5"})
        failed = instance.status is RuntimeStatus.FAILED
        alarming = failed and flag(request.query, "returnInternalServerErrorOnFailure", default=False)
        return web.json_response(body, status=500 if alarming else 200)

    def _list(self, request: web.Request) -> web.Response:
        found = self._filtered(request)
        try:
            first = int(request.headers.get("x-ms-continuation-token") or 0)
            size = int(request.query.get("top") or _PAGE)
        except ValueError:
            return _refusal(400, "top and x-ms-continuation-token must be numbers here")
        with_input = flag(request.query, "showInput", default=True)
        bodies = [status_body(instance, with_input=with_input) for instance in found[first : first + size]]
        more = {"x-ms-continuation-token": str(first + size)} if first + size < len(found) else {}
        return web.json_response(bodies, headers=more)

    def _filtered(self, request: web.Request) -> list[Instance]:
        query = request.query
        wanted = {text.strip().lower() for text in query.get("runtimeStatus", "").split(",") if text.strip()}
        since = parse_time(query["createdTimeFrom"]) if "createdTimeFrom" in query else None
        until = parse_time(query["createdTimeTo"]) if "createdTimeTo" in query else None
        return [
            instance
            for instance in self._journal.instances()
            if instance.instance_id.startswith(query.get("instanceIdPrefix", ""))
            and (not wanted or instance.status.value.lower() in wanted)
            and (since is None or instance.created_at >= since)
            and (until is None or instance.created_at <= until)
        ]

    def _purge_one(self, instance: Instance) -> web.Response:
        if not instance.status.finished:
            return _refusal(412, f"The instance is {instance.status.value}; only finished instances can be purged.")
        self._journal.purge([instance.instance_id])
        return web.json_response({"instancesDeleted": 1})

    def _purge_many(self, request: web.Request) -> web.Response:
        if "createdTimeFrom" not in request.query:
            return _refusal(400, "createdTimeFrom is required.")
        finished = [instance.instance_id for instance in self._filtered(request) if instance.status.finished]
        if not finished:
            return web.Response(status=404)
        self._journal.purge(finished)
        return web.json_response({"instancesDeleted": len(finished)})


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"Message": message}, status=status)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
