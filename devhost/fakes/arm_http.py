"""Requests and answers of Azure Resource Manager: what every one of them has in common."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from devhost.fakes.arm_clusters import Cluster, Operation, Refused, instant

TYPE = "Microsoft.ContainerService/ManagedClusters"
CLUSTER_PATH = (
    "/subscriptions/{subscription}/{_groups:(?i:resourceGroups)}/{group}/providers"
    "/{_provider:(?i:Microsoft.ContainerService)}/{_type:(?i:managedClusters)}/{name}"
)
LOCATION_PATH = "/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}"
LOCATION = "westeurope"
BEARER = re.compile(r"Bearer [A-Za-z0-9._~+/-]+=*")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def as_resource_manager(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask for a bearer token and an API version, turn refusals into the service's error body, and number the answer."""
    if not request.path.lower().startswith("/subscriptions/"):
        return await handler(request)
    try:
        _check(request)
        response = await handler(request)
    except Refused as refused:
        response = error_response(refused)
    except web.HTTPNotFound:
        response = error_response(
            Refused(404, "InvalidResourceType", f"The resource type at {request.path} is unknown.")
        )
    response.headers["x-ms-request-id"] = str(uuid.uuid4())
    response.headers["Cache-Control"] = "no-cache"
    return response


def _check(request: web.Request) -> None:
    presented = request.headers.get("Authorization", "")
    if not presented:
        raise Refused(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    if not BEARER.fullmatch(presented):
        raise Refused(401, "InvalidAuthenticationToken", "The access token is invalid.")
    if "api-version" not in request.query:
        raise Refused(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required.")


def error_response(refused: Refused) -> web.Response:
    """Return the service's answer to a refused request."""
    response = web.json_response(
        {"error": {"code": refused.code, "message": refused.message}, "code": refused.code, "message": refused.message},
        status=refused.status,
    )
    if refused.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token", error_description="no usable token"'
    return response


def resource_id_of(request: web.Request) -> str:
    """Return the id of the cluster that a request names."""
    named = request.match_info
    return (
        f"/subscriptions/{named['subscription']}/resourceGroups/{named['group']}"
        f"/providers/Microsoft.ContainerService/managedClusters/{named['name']}"
    )


def cluster_body(cluster: Cluster) -> dict[str, object]:
    """Return a cluster as a GET shows it, reduced to what callers of this kind read."""
    name = cluster.resource_id.split("/")[-1]
    return {
        "id": cluster.resource_id,
        "name": name,
        "type": TYPE,
        "location": LOCATION,
        "sku": {"name": "Base", "tier": "Standard"},
        "properties": {
            "provisioningState": cluster.provisioning,
            "powerState": {"code": cluster.power},
            "kubernetesVersion": "1.34",
            "dnsPrefix": name,
            "fqdn": f"{name}.hcp.{LOCATION}.azmk8s.io",
            "agentPoolProfiles": [
                {"name": "system", "count": 1, "mode": "System", "powerState": {"code": cluster.power}}
            ],
        },
    }


def operation_body(operation: Operation, *, not_latest: bool) -> dict[str, object]:
    """Return an operation as a poll shows it.

    Once it is over, a poll of an operation that is not the newest carries an error beside the status `Succeeded`
    (public recordings of `az aks`): `status` is what counts.
    """
    body: dict[str, object] = {
        "name": operation.id,
        "status": operation.status,
        "startTime": instant(operation.started_at_s),
    }
    if operation.ended_at_s is not None:
        body["endTime"] = instant(operation.ended_at_s)
    if operation.status == "Failed":
        body["error"] = {"code": operation.error, "message": failure_message(operation)}
    elif operation.status == "Succeeded" and not_latest:
        body["error"] = {"code": "NotLatestOperation", "message": "Cannot get error details of a superseded operation."}
    return body


def failure_message(operation: Operation) -> str:
    """Return the text that goes with an operation's error code."""
    known = {
        "AllocationFailed": "Allocation failed. We do not have sufficient capacity for the requested VM size.",
        "OverconstrainedAllocationRequest": "Allocation failed. VM(s) with the requested constraints cannot be "
        "allocated, because the conditions are too restrictive.",
        "NodePoolNotReady": "The control plane is running; nodes of pool 'system' did not become ready.",
    }
    return known.get(operation.error, f"The operation failed with {operation.error}.")


def operation_urls(request: web.Request, operation: Operation) -> dict[str, str]:
    """Return the headers that tell where an operation is polled and where its result is, with signed queries."""
    subscription = operation.cluster.split("/")[2]
    base = f"{request.url.origin()}{LOCATION_PATH.format(subscription=subscription, location=LOCATION)}"
    signed = f"api-version={request.query['api-version']}&t={secrets.token_hex(9)}&c={'M' * 600}&s={operation.secret}"
    return {
        "Azure-AsyncOperation": f"{base}/operations/{operation.id}?{signed}",
        "Location": f"{base}/operationresults/{operation.id}?{signed}",
    }
