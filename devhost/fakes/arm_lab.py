"""The fake Resource Manager's own endpoints: fault switches, clusters, and their changes as they happen."""

from __future__ import annotations

import time
from dataclasses import asdict

from aiohttp import web

from devhost.fakes.arm_clusters import Cluster, Refused
from devhost.fakes.arm_faults import UnknownSwitch
from devhost.fakes.arm_live import LiveClusters
from devhost.fakes.serving import json_body


class LabEndpoints:
    """What a lab or a test asks of the fake behind its clients' backs."""

    def __init__(self, live: LiveClusters) -> None:
        """Serve these clusters."""
        self._live = live

    def routes(self) -> list[web.RouteDef]:
        """Return the routes below `/_lab/`."""
        return [
            web.post("/_lab/faults", self.set_faults),
            web.get("/_lab/faults", self.show_faults),
            web.delete("/_lab/faults", self.clear_faults),
            web.get("/_lab/clusters", self.show_clusters),
            web.post("/_lab/clusters", self.settle_cluster),
            web.get("/_lab/events", self.events),
        ]

    async def set_faults(self, request: web.Request) -> web.Response:
        """`POST /_lab/faults`."""
        try:
            self._live.faults.set(await json_body(request))
        except UnknownSwitch as unknown:
            return web.json_response({"error": str(unknown)}, status=400)
        return web.json_response(self._live.faults.report())

    async def show_faults(self, _: web.Request) -> web.Response:
        """`GET /_lab/faults`."""
        return web.json_response(self._live.faults.report())

    async def clear_faults(self, _: web.Request) -> web.Response:
        """`DELETE /_lab/faults`."""
        self._live.faults.clear()
        return web.json_response(self._live.faults.report())

    async def show_clusters(self, _: web.Request) -> web.Response:
        """`GET /_lab/clusters`."""
        await self._live.advance()
        return web.json_response([_brief(cluster) for cluster in self._live.clusters.clusters.values()])

    async def settle_cluster(self, request: web.Request) -> web.Response:
        """`POST /_lab/clusters`: what somebody did in the portal."""
        body = await json_body(request)
        try:
            cluster = self._live.clusters.get(str(body.get("id", "")))
        except (Refused, IndexError):
            return web.json_response({"error": "no such cluster"}, status=404)
        self._live.clusters.settle(
            cluster.resource_id,
            power=str(body.get("power", cluster.power)),
            provisioning=str(body.get("provisioning", "Succeeded")),
            now_s=time.time(),
        )
        await self._live.advance()
        return web.json_response(_brief(self._live.clusters.get(cluster.resource_id)))

    async def events(self, request: web.Request) -> web.Response:
        """`GET /_lab/events?after=N&wait=S`."""
        try:
            after, wait_s = int(request.query.get("after", "0")), float(request.query.get("wait", "0"))
        except ValueError:
            return web.json_response({"error": "after and wait are numbers"}, status=400)
        return web.json_response({"events": [asdict(event) for event in await self._live.events_after(after, wait_s)]})


def _brief(cluster: Cluster) -> dict[str, str]:
    return {"id": cluster.resource_id, "power": cluster.power, "provisioning": cluster.provisioning}
