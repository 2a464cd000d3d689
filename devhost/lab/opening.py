"""Start every part of the lab, as many at once as do not need each other, until the primaries work."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from devhost.backends.processes import free_port
from devhost.lab.api import ControlPlane, NotAnswered
from devhost.lab.children import Children, Program
from devhost.lab.gateways import Fleet
from devhost.lab.layout import Layout
from devhost.lab.names import ENVIRONMENTS, GATEWAYS, LabGateway
from devhost.lab.narrator import Narrator
from devhost.lab.parts import ARM, HOST, INBOX, ISSUER, Parts
from devhost.lab.settings import Addresses, Pace, app_settings, trace_settings
from devhost.lab.stores import start_database, start_tables
from devhost.lab.tokens import Tokens

PART_WITHIN_S = 30.0
HOST_WITHIN_S = 60.0
ACTIVE_WITHIN_S = 30.0
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `up` was asked for. `port` 0 means any free one; `traces` is where traces go, empty for nowhere."""

    layout: Layout
    pace: Pace
    app: Path
    port: int
    keep: bool
    traces: str
    detached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A lab that is up. `lab` is what `lab.json` holds, less tokens and process ids."""

    control_plane: ControlPlane
    fleet: Fleet
    host: Program
    arm_http_url: str
    inbox_url: str
    cluster_events_seen: int
    lab: dict[str, Any]


async def open_lab(
    wish: Wish, children: Children, narrator: Narrator, session: aiohttp.ClientSession, *, say: Callable[[str], None]
) -> Opened:
    """Start everything and return it once a gateway is active in every environment.

    Raises NotReady, NotAnswered, OSError, and whatever a store's start raises. What runs by then the caller ends.
    """
    parts = Parts(layout=wish.layout, pace=wish.pace, app=wish.app, port=wish.port or free_port())
    timed = _Timed(say)
    arm, issuer, inbox, tables, database = await _start_surroundings(wish, children, parts, timed)
    addresses = Addresses(
        public_url=f"http://127.0.0.1:{parts.port}",
        database_url=database,
        tables_connection_string=tables,
        arm_url=arm["url"],
        arm_ca_file=arm["certificate"],
        identity_endpoint=arm["identity_endpoint"],
        identity_header=arm["identity_header"],
        issuer=issuer["issuer"],
        jwks_url=issuer["jwks_url"],
        channels=inbox["channels"],
    )
    host = parts.host({**app_settings(wish.pace, addresses), **trace_settings(wish.traces)})
    children.start(host)
    tokens = Tokens(session=session, token_url=issuer["token_url"], folder=wish.layout.data / "tokens")
    await _all(tokens.renew(), children.ready(HOST, within_s=HOST_WITHIN_S))
    control_plane = ControlPlane(session=session, url=addresses.public_url, tokens=tokens)
    await timed("function host", control_plane.wait_until_ready(within_s=HOST_WITHIN_S))
    fleet = _fleet(wish, children, narrator, parts, tokens)
    await fleet.open()
    seen = await _follow_power(session, arm["http_url"], fleet)
    await _all(*(control_plane.put_demo_config(environment) for environment in ENVIRONMENTS))
    await timed("gateways", _bring_gateways_up(control_plane, fleet, children))
    where = {**arm, "token_url": issuer["token_url"], "inbox_url": inbox["url"]}
    return Opened(
        control_plane=control_plane,
        fleet=fleet,
        host=host,
        arm_http_url=arm["http_url"],
        inbox_url=inbox["url"],
        cluster_events_seen=seen,
        lab=_lab_members(wish.pace, addresses, where),
    )


async def _start_surroundings(
    wish: Wish, children: Children, parts: Parts, timed: _Timed
) -> tuple[dict[str, str], dict[str, str], dict[str, Any], str, str]:
    """Start all that the function app talks to.

    Returns what the fake Resource Manager, the token issuer and the inbox say of themselves, the tables' connection
    string, and the database's URL.
    """
    children.start(parts.arm())
    children.start(parts.issuer())
    children.start(parts.inbox())
    arm, issuer, inbox, tables, database = await _all(
        timed("fake Azure Resource Manager", children.ready(ARM, within_s=PART_WITHIN_S)),
        timed("token issuer", children.ready(ISSUER, within_s=PART_WITHIN_S)),
        timed("notification inbox", children.ready(INBOX, within_s=PART_WITHIN_S)),
        timed("Table Storage (Azurite)", start_tables(wish.layout, children, parts)),
        timed("PostgreSQL", start_database(wish.layout, children, parts, os.environ, keep=wish.keep)),
    )
    return arm, issuer, inbox, tables, database


def _lab_members(pace: Pace, addresses: Addresses, where: dict[str, str]) -> dict[str, Any]:
    """Return the members of `lab.json` that are no tokens and no process ids."""
    return {
        "url": addresses.public_url,
        "database_url": addresses.database_url,
        "tables_connection_string": addresses.tables_connection_string,
        "arm_url": addresses.arm_url,
        "arm_http_url": where["http_url"],
        "arm_ca_file": addresses.arm_ca_file,
        "jwks_url": addresses.jwks_url,
        "issuer": addresses.issuer,
        "token_url": where["token_url"],
        "inbox_url": where["inbox_url"],
        "speed": pace.speed,
        "environments": _environments(),
    }


class _Timed:
    """Says when something is done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    async def __call__(self, what: str, work: Awaitable[Answer]) -> Answer:
        answer = await work
        self._say(what)
        return answer


async def _all(*works: Awaitable[Any]) -> list[Any]:
    """Return the results of works that run at once; the first failure cancels the others and is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _fleet(wish: Wish, children: Children, narrator: Narrator, parts: Parts, tokens: Tokens) -> Fleet:
    def command(gateway: LabGateway, url: str) -> Program:
        return parts.gateway(gateway, url=url, token_file=tokens.file(gateway.id))

    return Fleet(children, narrator, wish.pace, host_port=parts.port, command=command)


async def _follow_power(session: aiohttp.ClientSession, arm_http_url: str, fleet: Fleet) -> int:
    """Let the gateways know how their clusters stand at the start, and return the number of the last change.

    The number is read first, so that no change between the two is missed; one that is seen twice does no harm.
    """
    async with session.get(f"{arm_http_url}/_lab/events?after=0&wait=0") as response:
        events = (await response.json())["events"]
    async with session.get(f"{arm_http_url}/_lab/clusters") as response:
        clusters = {one["id"].lower(): one for one in await response.json()}
    for gateway in GATEWAYS:
        cluster = clusters[gateway.cluster.lower()]
        fleet.cluster_changed(gateway, power=cluster["power"], provisioning=cluster["provisioning"])
    return max((int(event["seq"]) for event in events), default=0)


async def _bring_gateways_up(control_plane: ControlPlane, fleet: Fleet, children: Children) -> None:
    """Start the primaries, register the standbys, and return once every environment has an active gateway.

    Raises NotReady when a primary ends meanwhile, NotAnswered when none becomes active.
    """
    for gateway in GATEWAYS:
        if not gateway.is_dr:
            fleet.start(gateway)
    known = await control_plane.statuses()
    new = [gateway for gateway in GATEWAYS if gateway.is_dr and gateway.id not in known]
    await _all(*(control_plane.register_earlier(gateway) for gateway in new))
    gives_up_at = asyncio.get_running_loop().time() + ACTIVE_WITHIN_S
    while True:
        statuses = await control_plane.statuses()
        waiting = {gateway.environment for gateway in GATEWAYS} - {
            gateway.environment for gateway in GATEWAYS if statuses.get(gateway.id) == "active"
        }
        if not waiting:
            return
        for gateway in GATEWAYS:
            children.raise_if_ended(gateway.id)
        if asyncio.get_running_loop().time() > gives_up_at:
            raise NotAnswered(
                f"no active gateway in {', '.join(sorted(waiting))} after {ACTIVE_WITHIN_S:g} s: {statuses}"
            )
        await asyncio.sleep(0.1)


def _environments() -> dict[str, dict[str, str]]:
    return {
        name: {
            ("dr" if gateway.is_dr else "primary"): gateway.id for gateway in GATEWAYS if gateway.environment == name
        }
        | {"config": next(gateway.config for gateway in GATEWAYS if gateway.environment == name)}
        | {f"{'dr' if g.is_dr else 'primary'}_cluster": g.cluster for g in GATEWAYS if g.environment == name}
        for name in ENVIRONMENTS
    }
