"""The parent of everything: starts the parts, keeps the host alive, obeys commands, ends all of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from devhost.backends.processes import NotReady
from devhost.lab import parts as part
from devhost.lab.api import NotAnswered, feed
from devhost.lab.births import Named, end_all, name_process
from devhost.lab.children import Children
from devhost.lab.control import CommandFailed, ControlServer
from devhost.lab.gateways import Fleet
from devhost.lab.layout import Layout, read_json, write_json
from devhost.lab.names import ENVIRONMENTS, GATEWAYS, UnknownGateway, of_cluster, resolve
from devhost.lab.narrator import Narrator
from devhost.lab.opening import Opened, Wish, open_lab
from devhost.lab.screen import Ready, Row, ready_screen
from devhost.lab.tail import Follower

FEED_EVERY_S = 3.0
FEED_ENOUGH = 5
HOST_RESTART_S, HOST_RESTART_LONGEST_S = 0.3, 5.0
WATCH_S = 0.1
GATEWAY_GRACE_S, HOST_GRACE_S, STORE_GRACE_S = 0.7, 1.5, 3.0


@dataclass(slots=True)
class Supervisor:
    """One lab from start to end."""

    wish: Wish
    write: Callable[[str], None]
    _began_s: float = field(default_factory=time.monotonic)
    _state: str = "starting"
    _control: dict[str, str | int] = field(default_factory=dict)
    _opened: Opened | None = None
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _running: list[asyncio.Task[None]] = field(default_factory=list)
    _told_ended: set[Named] = field(default_factory=set)
    children: Children = field(init=False)
    narrator: Narrator = field(init=False)
    follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        layout = self.wish.layout
        self.children = Children(layout, on_change=self._write_down)
        self.narrator = Narrator(
            layout.events_file, write=self.write, now=time.monotonic, wall=lambda: datetime.now(UTC)
        )
        self.follower = Follower(self.narrator.hear_line)

    async def run(self) -> int:
        """Run the lab until it is told to end, and return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_end)
        server = ControlServer(self._obey)
        self._control = await server.listen()
        self._write_down()
        try:
            async with aiohttp.ClientSession() as session:
                return await self._until_told_to_end(session)
        finally:
            server.close()
            await self._end()

    async def _until_told_to_end(self, session: aiohttp.ClientSession) -> int:
        opening = asyncio.create_task(open_lab(self.wish, self.children, self.narrator, session, say=self._progress))
        told = asyncio.create_task(self._ending.wait())
        await asyncio.wait((opening, told), return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            told.cancel()
            return 130
        try:
            opened = opening.result()
        except (NotReady, NotAnswered, OSError, RuntimeError) as failed:
            told.cancel()
            self.write(f"The lab did not come up: {failed}\nIts logs are in {self.wish.layout.logs}.")
            return 1
        self._opened = opened
        self._state = "ready"
        rows = await self._rows()
        self._write_lab_file()
        took_s = time.monotonic() - self._began_s
        ready = Ready(
            url=opened.control_plane.url,
            inbox_url=opened.inbox_url,
            folder=self.wish.layout.folder,
            pace=self.wish.pace,
            took_s=took_s,
            detached=self.wish.detached,
        )
        self.write(ready_screen(ready, rows))
        self._write_down()
        self._begin_watching(opened)
        await told
        return 0

    def _begin_watching(self, opened: Opened) -> None:
        layout = self.wish.layout
        self.follower.follow(part.HOST, layout.log(part.HOST))
        for gateway in GATEWAYS:
            self.follower.follow(gateway.id, layout.log(gateway.id))
        self._run(self.follower.run())
        self._run(self._watch())
        self._run(self._follow_clusters(opened))
        self._run(opened.control_plane.tokens.keep_fresh(on_renewal=self._write_lab_file))
        for environment in ENVIRONMENTS:
            pair = tuple(gateway for gateway in GATEWAYS if gateway.environment == environment)
            self._run(feed(opened.control_plane, pair, every_s=FEED_EVERY_S, enough=FEED_ENOUGH))

    async def _watch(self) -> None:
        """Notice what ended; start the host again as the platform would, and only tell of everything else."""
        pause_s = HOST_RESTART_S
        while True:
            self.narrator.tick()
            for named in self.children.named():
                if named.alive or named in self._told_ended:
                    continue
                self._told_ended.add(named)
                code = self.children.exit_code(named.name)
                how = "" if code is None else f" (code {code})"
                if named.name == part.HOST and self._opened is not None:
                    self.narrator.say("", f"function host ended{how}; starting it again, as the platform does")
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, HOST_RESTART_LONGEST_S)
                    self.children.start(self._opened.host)
                elif named.name in (part.ARM, part.ISSUER, part.INBOX, part.AZURITE, part.POSTGRES):
                    self.narrator.say("", f"{named.name} ended{how}; it stays down until the lab is started again")
                elif code != -signal.SIGKILL:  # kills are told by whoever sends them
                    self.narrator.say("", f"{named.name} ended{how}; see {self.wish.layout.log(named.name)}")
            host = self.children.find(part.HOST)
            if host is not None and self.wish.layout.ready_file(part.HOST).exists():
                pause_s = HOST_RESTART_S
            await asyncio.sleep(WATCH_S)

    async def _follow_clusters(self, opened: Opened) -> None:
        """Tell of every change of a cluster and let its gateway follow."""
        after, session = opened.cluster_events_seen, opened.control_plane.session
        while True:
            try:
                async with session.get(f"{opened.arm_http_url}/_lab/events?after={after}&wait=20") as response:
                    events = (await response.json())["events"]
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(1.0)
                continue
            for event in events:
                after = max(after, int(event["seq"]))
                self._cluster_changed(opened.fleet, event)

    def _cluster_changed(self, fleet: Fleet, event: dict[str, Any]) -> None:
        gateway = of_cluster(str(event["cluster"]))
        if gateway is None:
            return
        power, provisioning = str(event["power"]), str(event["provisioning"])
        self.narrator.hear_power(gateway.environment, cluster=gateway.cluster, power=power, provisioning=provisioning)
        fleet.cluster_changed(gateway, power=power, provisioning=provisioning)

    async def _obey(self, request: dict[str, Any]) -> dict[str, Any]:
        command = request.get("command")
        if command == "down":
            self._ending.set()
            return {"lines": ["ending"]}
        if command == "status":
            return await self._status()
        if self._opened is None or self._state != "ready":
            raise CommandFailed(f"the lab is {self._state}")
        fleet = self._opened.fleet
        acts = {"kill": fleet.kill, "heal": fleet.heal, "freeze": fleet.freeze, "partition": fleet.partition}
        if command not in acts:
            raise CommandFailed(f"no such command: {command}")
        try:
            gateway = resolve([str(request.get("gateway", ""))])
        except UnknownGateway as unknown:
            raise CommandFailed(str(unknown)) from unknown
        return {"lines": [acts[command](gateway)]}

    async def _status(self) -> dict[str, Any]:
        names = (part.ARM, part.ISSUER, part.INBOX, part.AZURITE, part.POSTGRES, part.HOST)
        known = {named.name for named in self.children.named()}
        return {
            "state": self._state,
            "url": self._opened.control_plane.url if self._opened else "-",
            "speed": self.wish.pace.speed,
            "up_s": time.monotonic() - self._began_s,
            "gateways": await self._rows(),
            "parts": [{"name": n, "state": "ok" if self.children.find(n) else "DOWN"} for n in names if n in known],
        }

    async def _rows(self) -> list[Row]:
        if self._opened is None:
            return []
        try:
            statuses = await self._opened.control_plane.statuses()
        except NotAnswered:
            statuses = {}
        rows: list[Row] = []
        for gateway in GATEWAYS:
            process = self.children.find(gateway.id)
            rows.append(
                {
                    "environment": gateway.environment,
                    "gateway": gateway.id,
                    "process": self._opened.fleet.condition(gateway).value,
                    "pid": str(process.pid) if process else "-",
                    "status": statuses.get(gateway.id, "?"),
                }
            )
        return rows

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._stumbled)
        self._running.append(task)

    def _stumbled(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.write(f"The lab's own {task.get_coro()} failed: {error!r}")
            self._ending.set()

    def _progress(self, what: str) -> None:
        self.write(f"  {time.monotonic() - self._began_s:5.1f} s  {what}")

    def _told_to_end(self) -> None:
        if self._ending.is_set():
            # A second Ctrl-C: no more patience with anybody.
            for named in self.children.named():
                named.send(signal.SIGKILL)
        self._ending.set()

    async def _end(self) -> None:
        """End everything in an order in which nothing complains about what went before it."""
        self._state = "ending"
        self.wish.layout.lab_file.unlink(missing_ok=True)
        opened = self._opened
        self._opened = None
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        gateways = [gateway.id for gateway in GATEWAYS]
        await self.children.end(gateways, grace_s=GATEWAY_GRACE_S)
        if opened is not None:
            await opened.fleet.close()
        await self.children.end([part.HOST], grace_s=HOST_GRACE_S)
        await self.children.end([named.name for named in self.children.named()], grace_s=STORE_GRACE_S)
        self.wish.layout.run_file.unlink(missing_ok=True)

    def _write_down(self) -> None:
        """Write what the lab's commands, and the next lab, need to know."""
        supervisor = name_process("supervisor", os.getpid())
        content = {
            "supervisor": supervisor.as_json(),
            "state": self._state,
            "control": self._control,
            "children": [named.as_json() for named in self.children.named()],
        }
        write_json(self.wish.layout.run_file, content)
        if self._opened is not None and self._state == "ready":
            self._write_lab_file()

    def _write_lab_file(self) -> None:
        assert self._opened is not None
        pids = {named.name: named.pid for named in self.children.named() if named.alive}
        tokens = self._opened.control_plane.tokens
        content = {
            **self._opened.lab,
            **tokens.people,
            "agent_tokens": tokens.agents,
            "pids": {"supervisor": os.getpid(), **pids},
        }
        write_json(self.wish.layout.lab_file, content)


def end_leftovers(layout: Layout) -> list[Named]:
    """End the processes that a lab without a supervisor left, and return them."""
    left = [Named(**one) for one in read_json(layout.run_file).get("children", [])]
    return end_all(left, grace_s=STORE_GRACE_S)
