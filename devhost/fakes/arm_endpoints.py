"""The Resource Manager endpoints of the fake: the asynchronous protocol of AKS clusters."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass

from aiohttp import web

from devhost.fakes.arm_clusters import Cluster, Kind, Operation, Refused, instant
from devhost.fakes.arm_http import (
    CLUSTER_PATH,
    LOCATION_PATH,
    cluster_body,
    failure_message,
    operation_body,
    operation_urls,
    resource_id_of,
)
from devhost.fakes.arm_live import LiveClusters
from devhost.fakes.serving import json_body

PERMISSIONS_PATH = "/providers/Microsoft.Authorization/permissions"
CUSTOM_ROLE = (
    "Microsoft.ContainerService/managedClusters/read",
    "Microsoft.ContainerService/managedClusters/start/action",
    "Microsoft.ContainerService/managedClusters/stop/action",
    "Microsoft.ContainerService/managedClusters/runCommand/action",
    "Microsoft.ContainerService/managedClusters/commandResults/read",
)
ONE_POD = "NAME        READY   STATUS    RESTARTS   AGE\ngateway-0   1/1     Running   0          1m\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One accepted run command; it is over at `ends_at_s`."""

    cluster: str
    exit_code: int
    logs: str
    started_at_s: float
    ends_at_s: float


class ResourceManager:
    """The fake's endpoints over a set of clusters."""

    def __init__(self, live: LiveClusters, *, retry_after_s: int | None = None, command_s: float = 0.5) -> None:
        """`retry_after_s` is sent with every 202; the recorded service sends none, which is the default here."""
        self._live = live
        self._clusters = live.clusters
        self._faults = live.faults
        self._commands: dict[str, Command] = {}
        self._retry_after = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        self._command_s = command_s

    def routes(self) -> list[web.RouteDef]:
        """Return the routes below `/subscriptions/`."""
        return [
            web.get(CLUSTER_PATH, self.get_cluster),
            web.post(CLUSTER_PATH + "/start", self.start),
            web.post(CLUSTER_PATH + "/stop", self.stop),
            web.post(CLUSTER_PATH + "/runCommand", self.run_command),
            web.get(CLUSTER_PATH + PERMISSIONS_PATH, self.permissions),
            web.get(CLUSTER_PATH + "/commandResults/{command}", self.command_result),
            web.get(LOCATION_PATH + "/operations/{operation}", self.poll),
            web.get(LOCATION_PATH + "/operationresults/{operation}", self.result),
        ]

    async def get_cluster(self, request: web.Request) -> web.Response:
        """`GET managedClusters/NAME`."""
        cluster = await self._enter(request)
        return web.json_response(cluster_body(cluster))

    async def start(self, request: web.Request) -> web.Response:
        """`POST managedClusters/NAME/start`."""
        cluster = await self._enter(request)
        if self._faults.use_up(cluster.resource_id, "start_conflict"):
            raise Refused(
                409,
                "OperationNotAllowed",
                "Operation is not allowed: Another operation (Updating) is in progress, please wait for it to finish "
                "before starting a new operation.",
            )
        return await self._begin(Kind.START, cluster, request)

    async def stop(self, request: web.Request) -> web.Response:
        """`POST managedClusters/NAME/stop`."""
        return await self._begin(Kind.STOP, await self._enter(request), request)

    async def permissions(self, request: web.Request) -> web.Response:
        """`GET …/providers/Microsoft.Authorization/permissions`: what the caller's roles allow on the cluster."""
        cluster = await self._enter(request)
        denied = self._faults.of(cluster.resource_id).denied_action
        return web.json_response({"value": [{"actions": CUSTOM_ROLE, "notActions": [denied] if denied else []}]})

    async def poll(self, request: web.Request) -> web.Response:
        """The `Azure-AsyncOperation` address of a start or stop."""
        operation = await self._enter_operation(request)
        odd = self._faults.of(operation.cluster).not_latest or self._clusters.is_superseded(operation)
        return web.json_response(operation_body(operation, not_latest=odd))

    async def result(self, request: web.Request) -> web.Response:
        """The `Location` address of a start or stop: 202 while it runs, 204 with a fresh `Location` afterwards."""
        operation = await self._enter_operation(request)
        if operation.status == "Failed":
            raise Refused(409, operation.error, failure_message(operation))
        location = operation_urls(request, operation)["Location"]
        return web.Response(status=202 if operation.status == "InProgress" else 204, headers={"Location": location})

    async def run_command(self, request: web.Request) -> web.Response:
        """`POST managedClusters/NAME/runCommand`; needs a running cluster."""
        cluster = await self._enter(request)
        body = await json_body(request)
        if not body.get("command"):
            raise Refused(400, "InvalidParameter", "The command is empty.")
        if cluster.power != "Running" or not cluster.settled:
            raise Refused(
                409,
                "OperationNotAllowed",
                f"managed cluster is in Provisioning State({cluster.provisioning}) and Power State({cluster.power}), "
                "run command cannot be performed.",
            )
        faults, command_id, now_s = self._faults.of(cluster.resource_id), uuid.uuid4().hex, time.time()
        self._commands[command_id] = Command(
            cluster=cluster.resource_id,
            exit_code=faults.command_exit_code,
            logs=faults.command_logs or ONE_POD,
            started_at_s=now_s,
            ends_at_s=now_s + self._command_s,
        )
        return web.Response(status=202, headers=self._command_location(request, command_id))

    async def command_result(self, request: web.Request) -> web.Response:
        """`GET managedClusters/NAME/commandResults/ID`: 202 until the command is over."""
        cluster = await self._enter(request)
        command_id = request.match_info["command"]
        command = self._commands.get(command_id)
        if command is None or command.cluster != cluster.resource_id:
            raise Refused(404, "NotFound", f"Command {command_id} was not found.")
        if time.time() < command.ends_at_s:
            return web.Response(status=202, headers=self._command_location(request, command_id))
        properties = {
            "provisioningState": "Succeeded" if command.exit_code == 0 else "Failed",
            "exitCode": command.exit_code,
            "startedAt": instant(command.started_at_s),
            "finishedAt": instant(command.ends_at_s),
            "logs": command.logs,
        }
        return web.json_response({"id": command_id, "properties": properties})

    async def _enter(self, request: web.Request) -> Cluster:
        """Return the cluster of a request after the faults that strike every request."""
        return await self._strike(resource_id_of(request))

    async def _enter_operation(self, request: web.Request) -> Operation:
        operation = self._clusters.operations.get(request.match_info["operation"])
        if operation is None or request.query.get("s") != operation.secret:
            raise Refused(404, "NotFound", "The operation was not found.")
        await self._strike(operation.cluster)
        return self._clusters.operations[operation.id]

    async def _strike(self, resource_id: str) -> Cluster:
        await asyncio.sleep(self._faults.of(resource_id).latency_s)
        await self._live.advance()
        cluster = self._clusters.get(resource_id)
        if self._faults.use_up(resource_id, "throttle"):
            raise web.HTTPTooManyRequests(
                headers={"Retry-After": str(self._faults.of(resource_id).retry_after_s)},
                content_type="application/json",
                text='{"error": {"code": "TooManyRequests", "message": "The request is being throttled."}}',
            )
        return cluster

    async def _begin(self, kind: Kind, cluster: Cluster, request: web.Request) -> web.Response:
        operation = self._clusters.begin(kind, cluster.resource_id, self._faults.of(cluster.resource_id), time.time())
        await self._live.advance()
        if self._faults.use_up(cluster.resource_id, "lose_response") and request.transport is not None:
            request.transport.abort()
        return web.Response(status=202, headers={**operation_urls(request, operation), **self._retry_after})

    def _command_location(self, request: web.Request, command_id: str) -> dict[str, str]:
        path = f"{resource_id_of(request)}/commandResults/{command_id}"
        return {"Location": f"{request.url.origin()}{path}?api-version={request.query['api-version']}"}
