"""A fake Azure Resource Manager for AKS clusters on loopback, for the real SDK.

    python -m devhost.fakes.arm --state FILE --ready-file FILE --cluster RESOURCE_ID=stopped --start-s 5 --stop-s 3

The ready file is JSON: `url` (https), `http_url`, `certificate` (to be trusted), `identity_endpoint`,
`identity_header`, `pid`.

It speaks the asynchronous protocol of `Microsoft.ContainerService/managedClusters` (GET, start, stop, runCommand)
over https and plain http, is the managed-identity endpoint at `/msi/token`, and has its own switches under `/_lab/`:

* `POST /_lab/faults` sets switches (see `arm_faults.Faults`), `GET` shows them, `DELETE` sets them all back;
* `GET /_lab/clusters` lists `{"id", "power", "provisioning"}`; `POST` with such an object puts a cluster into that
  state;
* `GET /_lab/events?after=N&wait=S` answers `{"events": [{"seq", "cluster", "power", "provisioning", "at"}]}`, later
  than number N, waiting up to S seconds for the first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from functools import partial
from pathlib import Path

from aiohttp import web

from devhost.fakes import arm_state
from devhost.fakes.arm_clusters import Clusters, Durations
from devhost.fakes.arm_endpoints import ResourceManager
from devhost.fakes.arm_http import as_resource_manager
from devhost.fakes.arm_lab import LabEndpoints
from devhost.fakes.arm_live import LiveClusters
from devhost.fakes.certificate import certificate_in
from devhost.fakes.identity_endpoint import IdentityEndpoint
from devhost.fakes.serving import (
    SHUTDOWN_S,
    loopback_names_only,
    loopback_socket,
    port_of,
    until_told_to_end,
    write_ready_file,
)

POWERS = {"running": "Running", "stopped": "Stopped"}


def declared_cluster(text: str) -> tuple[str, str]:
    """Split `RESOURCE_ID=running|stopped` into the id and the service's word for the power state."""
    resource_id, _, power = text.rpartition("=")
    if power not in POWERS or len(resource_id.strip("/").split("/")) != 8:
        raise argparse.ArgumentTypeError(f"not RESOURCE_ID=running or RESOURCE_ID=stopped: {text}")
    return resource_id, POWERS[power]


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m devhost.fakes.arm", description="a fake Resource Manager for AKS")
    line.add_argument("--port", type=int, default=0, help="https port; 0 means any free one")
    line.add_argument("--http-port", type=int, default=0, help="plain http port; 0 means any free one")
    line.add_argument("--state", type=Path, help="keep clusters and operations in this file")
    line.add_argument("--certificates", type=Path, default=Path(".lab/arm"), help="directory of certificate and key")
    line.add_argument("--ready-file", type=Path, help="write where it listens to this file instead of the output")
    line.add_argument("--start-s", type=float, default=Durations().start_s, help="seconds a start takes")
    line.add_argument("--stop-s", type=float, default=Durations().stop_s, help="seconds a stop takes")
    line.add_argument("--command-s", type=float, default=0.5, help="seconds a run command takes")
    line.add_argument("--retry-after", type=int, help="send Retry-After with every 202")
    line.add_argument("--identity-header", help="secret of the managed-identity endpoint; made up if not given")
    line.add_argument("--cluster", action="append", type=declared_cluster, default=[], metavar="RESOURCE_ID=POWER")
    return line


def clusters_of(arguments: argparse.Namespace) -> Clusters:
    """Return the clusters of the state file and, where it does not know them, of the command line."""
    clusters = Clusters(Durations(start_s=arguments.start_s, stop_s=arguments.stop_s))
    if arguments.state is not None:
        arguments.state.parent.mkdir(parents=True, exist_ok=True)
        arm_state.load(clusters, arguments.state)
        clusters.on_change = partial(arm_state.save, clusters, arguments.state)
    for resource_id, power in arguments.cluster:
        clusters.declare(resource_id, power, time.time())
    return clusters


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    live, identity = LiveClusters(clusters_of(arguments)), IdentityEndpoint(arguments.identity_header)
    manager = ResourceManager(live, retry_after_s=arguments.retry_after, command_s=arguments.command_s)
    application = web.Application(middlewares=[loopback_names_only, as_resource_manager])
    application.add_routes([*manager.routes(), *LabEndpoints(live).routes(), *identity.routes()])
    certificate = certificate_in(arguments.certificates)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    secure, plain = loopback_socket(arguments.port), loopback_socket(arguments.http_port)
    clock = asyncio.create_task(live.run_clock())
    try:
        await web.SockSite(runner, secure, ssl_context=certificate.server_context()).start()
        await web.SockSite(runner, plain).start()
        ready = {
            "url": f"https://127.0.0.1:{port_of(secure)}",
            "http_url": f"http://127.0.0.1:{port_of(plain)}",
            "certificate": str(certificate.certificate_file.absolute()),
            "identity_endpoint": f"http://127.0.0.1:{port_of(plain)}/msi/token",
            "identity_header": identity.header,
            "pid": os.getpid(),
        }
        write_ready_file(arguments.ready_file, ready)
        ended = asyncio.create_task(until_told_to_end())
        await asyncio.wait([clock, ended], return_when=asyncio.FIRST_COMPLETED)
        if clock.done():
            clock.result()  # it only ends by failing, and a fake whose time stands still is worse than none
    finally:
        clock.cancel()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(parser().parse_args()))
