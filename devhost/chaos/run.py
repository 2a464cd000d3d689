"""One run from start to the end of its history."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from devhost.chaos.api import Api
from devhost.chaos.director import Director, Lane
from devhost.chaos.faults_of_stores import StoreFaults
from devhost.chaos.load import Load, Resolver, put_configs
from devhost.chaos.operators import Operator, Tally
from devhost.chaos.patience import Patience
from devhost.chaos.record import Record
from devhost.chaos.settings import MARGINS_S, Work
from devhost.chaos.silence import Silence
from devhost.chaos.told import Told
from devhost.chaos.topology import Topology
from devhost.chaos.watch import Watch
from devhost.lab.births import end_all
from devhost.lab.layout import Layout
from devhost.lab.names import ENVIRONMENTS, GATEWAYS
from devhost.lab.supervisor import end_leftovers

READY_WITHIN_S = 90.0
SETTLED_WITHIN_S = 120.0  # after the last fault is healed
LOOK_S = 0.3
TOLD_EVERY_S = 30.0
Lanes = Callable[[Director], Sequence[Lane]]
UNDER_WAY = ("pending", "running", "in_doubt")


class RunFailed(RuntimeError):
    """The run itself did not work; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run was asked for.

    It lasts `minutes`; with `hand_overs` no longer than until so many are acknowledged, with `tasks` (per environment)
    until they are done.
    """

    seed: int
    minutes: float
    hosts: int
    work: Work
    tasks: int | None = None
    hand_overs: int | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run came to, less what its history tells."""

    faults: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    decided: Counter[str] = field(default_factory=Counter)
    unexpected_deaths: list[str] = field(default_factory=list)
    settled_after_s: float | None = None  # None: it did not settle in time
    unsettled: str = ""


def carry_out(
    wish: Wish,
    layout: Layout,
    lanes: Lanes,
    *,
    write: Callable[[str], None],
    stopping: threading.Event,
) -> Outcome:
    """Start everything, let it be broken, heal it, and return what came of it; the history lies in the layout.

    `lanes` gives what breaks it, such as `Director.lanes`, beside the silence of primaries that failovers need.
    `stopping` ends the faults early; whatever is left to be done then is done in order. Raises NotReady, RunFailed.
    """
    end_all(end_leftovers(layout), grace_s=1.0)
    layout.prepare(keep=False)
    shutil.rmtree(layout.folder / "history", ignore_errors=True)
    record = Record(layout.folder / "history" / "operators.jsonl")
    record.note("run", seed=wish.seed, margins_s=MARGINS_S)
    told = Told(record, write)
    with Topology(layout, hosts=wish.hosts, work=wish.work, say=told.say) as topology:
        api = Api(topology.url, topology.admin_token, record)
        try:
            return _Stage(wish, topology, api, told).play(lanes, stopping)
        finally:
            api.close()


class _Stage:
    """The people and programs around a running topology."""

    def __init__(self, wish: Wish, topology: Topology, api: Api, told: Told) -> None:
        self._wish, self._topology, self._api, self._told = wish, topology, api, told
        self._outcome = Outcome(faults=told.faults)
        self._patience = Patience()
        silence = Silence(topology, told, self._chance("silence"))
        self._operators = [
            Operator(
                api,
                name,
                silence,
                patience=self._patience,
                tally=self._outcome.tally,
                chance=self._chance(f"operator {name}"),
                pause_s=wish.work.pause_s,
                say=lambda text: told.say(f"operator {text}"),
            )
            for name in ENVIRONMENTS
        ]
        self._loads = [
            Load(api, name, self._chance(f"load {name}"), per_s=wish.work.per_s, limit=wish.tasks)
            for name in ENVIRONMENTS
        ]
        self._resolver = Resolver(api, self._chance("resolver"))
        self._watch = Watch(topology)
        self._failed: list[str] = []
        self._threads: list[threading.Thread] = []

    def play(self, lanes: Lanes, stopping: threading.Event) -> Outcome:
        """Run until the time is over or the tasks are done, then heal and settle."""
        self._make_ready(stopping)
        feeding, acting, ending = threading.Event(), threading.Event(), threading.Event()
        loads = [self._begin(load.run, feeding) for load in self._loads]
        self._wait_for_work(stopping)
        actors = [self._begin(operator.run, acting) for operator in self._operators]
        helpers = [self._begin(self._resolver.run, ending), self._begin(self._watch.run, ending)]
        actors += [self._begin(lane, acting) for lane in lanes(self._director())]
        self._wait(stopping, loads)
        acting.set()
        for thread in actors:
            thread.join()
        self._settle(feeding, loads)
        ending.set()
        for thread in helpers:
            thread.join()
        self._list_all()
        self._outcome.decided = self._resolver.decided
        self._outcome.unexpected_deaths = self._watch.unexpected
        if self._failed:
            raise RunFailed("; ".join(self._failed))
        return self._outcome

    def _director(self) -> Director:
        stores = StoreFaults(
            self._topology, self._told, self._api, self._outcome.tally,
            loads=self._loads, patience=self._patience, chance=self._chance("stores"),
        )  # fmt: skip
        return Director(
            topology=self._topology, told=self._told, stores=stores, patience=self._patience, chance=self._chance
        )

    def _make_ready(self, stopping: threading.Event) -> None:
        """Register the cold standbys as an earlier boot (runbook 1.3), and wait for an active gateway everywhere."""
        gives_up_at_s = time.monotonic() + READY_WITHIN_S
        for gateway in GATEWAYS:
            if gateway.is_dr:
                self._topology.register_earlier(gateway)
        while not all(put_configs(self._api, name) for name in ENVIRONMENTS):
            self._or_give_up(gives_up_at_s, stopping, "the rotation configs are not stored")
        while sum(one["activation_status"] == "active" for one in self._api.get("admin/gateways") or []) < len(
            ENVIRONMENTS
        ):
            self._or_give_up(gives_up_at_s, stopping, "no gateway becomes active")
        self._told.say("every environment has an active gateway")

    def _wait_for_work(self, stopping: threading.Event) -> None:
        """Wait until every primary has done some work, so that there is something to hand over."""
        gives_up_at_s = time.monotonic() + READY_WITHIN_S
        for name in ENVIRONMENTS:
            while not (self._api.get(f"admin/tasks?environment={name}&status=succeeded&limit=1") or {}).get("value"):
                self._or_give_up(gives_up_at_s, stopping, f"nothing is done in {name}")

    def _wait(self, stopping: threading.Event, loads: list[threading.Thread]) -> None:
        ends_at_s = time.monotonic() + self._wish.minutes * 60
        told_at_s = time.monotonic()
        while not stopping.wait(LOOK_S) and not self._failed:
            if time.monotonic() > ends_at_s:
                return
            if self._wish.hand_overs is not None and len(self._outcome.tally.hand_overs) >= self._wish.hand_overs:
                return
            if self._wish.tasks is not None and not any(thread.is_alive() for thread in loads) and self._is_idle():
                return
            if time.monotonic() - told_at_s > TOLD_EVERY_S:
                told_at_s = time.monotonic()
                self._told.say(self._so_far())

    def _is_idle(self) -> bool:
        """Whether no task waits or runs."""
        pages = [self._api.get(f"admin/tasks?status={status}&limit=1") for status in UNDER_WAY]
        return all(page is not None and not page["value"] for page in pages)

    def _settle(self, feeding: threading.Event, loads: Sequence[threading.Thread]) -> None:
        """Heal what the faults have left, bring everybody home, and wait until nothing is left to be done."""
        began_s = time.monotonic()
        self._told.say("healing; from now on nothing is broken any more")
        self._watch.heal_all()
        at_home = [operator.come_home() for operator in self._operators]
        if not all(at_home):
            self._outcome.unsettled = "an environment does not come home"
        feeding.set()
        for thread in loads:
            thread.join()
        if self._outcome.unsettled:
            return
        for load in self._loads:
            load.one_more()  # so that there is work after the last hand-over
        unsettled = "?" if all(load.settle(SETTLED_WITHIN_S) for load in self._loads) else "tasks cannot be queued"
        while unsettled and time.monotonic() - began_s < SETTLED_WITHIN_S:
            unsettled = self._unsettled()
            time.sleep(LOOK_S)
        self._outcome.unsettled = unsettled
        if not unsettled:
            self._outcome.settled_after_s = time.monotonic() - began_s
            self._told.say(f"settled {self._outcome.settled_after_s:.1f} s after the last fault")

    def _unsettled(self) -> str:
        self._resolver.resolve_all()
        for status in UNDER_WAY:
            tasks = self._api.tasks(status)
            if tasks is None or tasks:
                return f"{len(tasks or [])} tasks are {status}" if tasks else "the control plane does not answer"
        health = self._api.get("admin/gateway-health")
        if health is None:
            return "the control plane does not answer"
        for one in health["environments"]:
            if one["operation"] or one["authority"] != "ok" or one["mirror"] != "raised":
                return f"{one['id']}: {one}"
        active = sum(one["activation_status"] == "active" for one in health["gateways"])
        return "" if active == len(ENVIRONMENTS) else f"{active} active gateways"

    def _list_all(self) -> None:
        """Write down how everything stands at the end, as the control plane lists it."""
        tasks = self._api.tasks()
        for task in tasks or []:
            members = ("id", "status", "attempt", "gateway_id", "fencing_token", "environment")
            self._told.record.note("final.task", **{name: task[name] for name in members})
        for name in ENVIRONMENTS:
            for operation in (self._api.get(f"admin/operations?environment={name}&limit=500") or {"value": []})[
                "value"
            ]:
                told: dict[str, Any] = {"id": operation["id"], "reason": operation["reason"]}
                self._told.record.note("final.operation", **told, status=operation["status"])
        self._told.record.note("final", complete=tasks is not None)

    def _begin(self, work: Callable[[threading.Event], None], event: threading.Event) -> threading.Thread:
        def guarded() -> None:
            try:
                work(event)
            except Exception as error:  # whatever it is, the run must not go on as if this part were still there
                self._failed.append(f"{getattr(work, '__qualname__', work)}: {error!r}")
                raise

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def _or_give_up(self, at_s: float, stopping: threading.Event, what: str) -> None:
        if time.monotonic() > at_s or stopping.wait(LOOK_S):
            raise RunFailed(what)

    def _so_far(self) -> str:
        queued = sum(len(load.queued) for load in self._loads)
        tally = self._outcome.tally
        faults = sum(self._told.faults.values())
        return f"so far: {queued} tasks queued, {len(tally.hand_overs)} hand-overs, {faults} faults"

    def _chance(self, name: str) -> random.Random:
        """Return a stream of its own for each actor, so that one more of them does not shift the others."""
        return random.Random(f"{self._wish.seed}/{name}")
