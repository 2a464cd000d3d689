"""Drives a control plane through its days, from idle hours to a failover and back, and counts each piece of work."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Final, ParamSpec, TypeVar

from devhost.emulators.memory_notifications import MemoryReceivers
from devhost.lab.names import cluster_id
from devhost.usage.figures import Figures, Piece
from devhost.usage.household import Household
from devhost.usage.stage import DATABASE_LEASE_S, DATABASE_MARGIN_S, Stage
from functions.admin_failover import LOOK_S
from shared.domain.notifications import Channel, ChannelKind
from shared.domain.operations import OperationKind, OperationRequest, OperationStatus
from shared.domain.tasks import RotationConfig, TaskStatus
from shared.flows.catalogue import FLOWS
from shared.flows.commands import Call, Sleep, StepOutcome, StepResult
from shared.ports import Ports, TaskReport
from shared.steps.admin_calls import execute_rotation, find_operation, put_config
from shared.steps.begin_drill import running_drills
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.gateway_calls import claim_tasks, report_task
from shared.steps.notify import notify
from shared.steps.quiet_look import MonitorMemory
from shared.steps.reconcile import expire_tasks, running_operations, sync_mirrors
from shared.steps.run_step import run_step
from shared.steps.watch_health import watch_health
from shared.web.requests import DEFAULT_WAIT_S

ENVIRONMENTS: Final = ("NPR", "PRO", "UAT", "DEV")
SIZES: Final = (1, 2, 4)
IDLE_S: Final = 300.0
COMMANDS_LIMIT: Final = 10_000
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Clockwork:
    """Runs pieces of work under their labels and remembers how long each function took."""

    stage: Stage
    longest_s: dict[str, float] = field(default_factory=dict)

    def run(self, label: str, work: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """Run one function; its table requests count under the label."""
        began = time.perf_counter()
        with self.stage.meter.under(label):
            result = work(*args, **named)
        took_s = time.perf_counter() - began
        self.longest_s[label] = max(self.longest_s.get(label, 0.0), math.ceil(took_s * 10) / 10)
        return result

    def piece(self, label: str, **calls: float) -> Piece:
        """Return what was counted under a label."""
        return Piece(
            table_requests=dict(self.stage.meter.counted(label)), longest_s=self.longest_s[label], **calls  # type: ignore[arg-type]
        )  # fmt: skip


def drive(stage: Stage) -> Figures:
    """Return the figures of a control plane with production numbers. Takes about half a minute."""
    works = Clockwork(stage)
    home = Household(stage, ENVIRONMENTS)
    home.found()
    home.pass_time(2 * stage.ports.policy.heartbeat_interval_s)
    pieces = _heartbeats(works, home) | _tasks(works, home)
    monitor, mirror = _passes(works)
    pieces["monitor_first_pass"] = _timer(works, "monitor_first_pass", watch_health, stage.ports)
    pieces["timeout_pass"] = _timer(works, "timeout_pass", expire_tasks, stage.ports)
    pieces |= _notifications(works)
    pieces["idle_five_minutes"] = _idle(works, home, stage.with_environments(ENVIRONMENTS[:2]))
    pieces |= _failover_and_back(works, home)
    return Figures(pieces=pieces, monitor_pass=monitor, mirror_pass=mirror)


def _heartbeats(works: Clockwork, home: Household) -> dict[str, Piece]:
    primary, standby = home.primaries["PRO"], home.standbys["PRO"]
    works.run("heartbeat_holder", primary.beat)
    works.run("heartbeat_standby", standby.beat)
    primary.boot()
    works.run("heartbeat_first", primary.beat)
    primary.beat()
    return {name: works.piece(name, http_calls=1)
            for name in ("heartbeat_holder", "heartbeat_standby", "heartbeat_first")}  # fmt: skip


def _tasks(works: Clockwork, home: Household) -> dict[str, Piece]:
    ports, primary = works.stage.ports, home.primaries["PRO"]
    put_config(ports, RotationConfig(id="cfg", environment="PRO", name="demo"), actor="operator")
    works.run("execute", execute_rotation, ports, "cfg", actor="operator", idempotency_key="first")
    primary.beat()
    claimed = works.run("claim", claim_tasks, ports, primary.caller, primary.identity, limit=1)
    assert isinstance(claimed, tuple | list), claimed
    (task,) = claimed

    def report(status: TaskStatus) -> None:
        told = TaskReport(task_id=task.id, attempt=task.attempt, status=status, result={})
        report_task(ports, primary.caller, primary.identity, told)

    works.run("progress", report, TaskStatus.RUNNING)
    works.run("complete", report, TaskStatus.SUCCEEDED)
    works.run("claim_of_nothing", claim_tasks, ports, primary.caller, primary.identity, limit=1)
    names = ("execute", "claim", "progress", "complete", "claim_of_nothing")
    return {name: works.piece(name, http_calls=1) for name in names}


def _passes(works: Clockwork) -> tuple[dict[int, Piece], dict[int, Piece]]:
    monitor, mirror = {}, {}
    for size in SIZES:
        ports = works.stage.with_environments(ENVIRONMENTS[:size])
        memory = MonitorMemory()
        watch_health(ports, memory)
        monitor[size] = _timer(works, f"monitor_pass_{size}", partial(watch_health, memory=memory), ports)
        mirror[size] = _timer(works, f"mirror_pass_{size}", _reconcile, ports)
    return monitor, mirror


def _notifications(works: Clockwork) -> dict[str, Piece]:
    """A pass without channels, and one without news for a channel that follows every environment."""
    without = _timer(works, "notification_without_channels", notify, works.stage.ports)
    receivers = MemoryReceivers(Channel(name="on-call", kind=ChannelKind.WEBHOOK))
    ports = replace(works.stage.ports, receivers=receivers)
    notify(ports)
    return {
        "notification_without_channels": without,
        "notification_pass": _timer(works, "notification_pass", notify, ports),
    }


def _reconcile(ports: Ports) -> list[OperationRequest]:
    sync_mirrors(ports)
    return [*running_operations(ports), *running_drills(ports)]


def _timer(works: Clockwork, label: str, work: Callable[[Ports], object], ports: Ports) -> Piece:
    works.run(label, work, ports)
    return works.piece(label, timer_calls=1)


def _idle(works: Clockwork, home: Household, ports: Ports) -> Piece:
    """Two environments in steady state: the primaries beat, three timers fire, the standbys are cold."""
    beats = timers = 0
    functions: tuple[Callable[[Ports], object], ...] = (
        partial(watch_health, memory=MonitorMemory()), expire_tasks, _reconcile,
    )  # fmt: skip
    interval_s = ports.policy.heartbeat_interval_s
    for _ in range(round(IDLE_S / interval_s)):
        works.stage.clock.time += timedelta(seconds=interval_s)
        for name in ports.environments:
            works.run("idle_five_minutes", home.primaries[name].beat)
            beats += 1
        for timer in functions:
            works.run("idle_five_minutes", timer, ports)
            timers += 1
    return works.piece("idle_five_minutes", http_calls=beats, timer_calls=timers)


def _failover_and_back(works: Clockwork, home: Household) -> dict[str, Piece]:
    stage, policy, ports = works.stage, works.stage.ports.policy, home.keep_only("PRO")
    home.pass_time(policy.heartbeat_interval_s)
    home.primaries["PRO"].alive = False
    # On PostgreSQL's clock too, the lease of a gateway that has been silent for six minutes is over.
    time.sleep(DATABASE_LEASE_S + DATABASE_MARGIN_S)
    home.pass_time(policy.heartbeat_timeout_s * policy.failure_threshold - policy.heartbeat_interval_s)
    stage.clock.time += timedelta(seconds=policy.heartbeat_interval_s)
    pieces = {"marking_pass": _timer(works, "marking_pass", watch_health, ports)}
    execute_rotation(ports, "cfg", actor="operator", idempotency_key="second")
    pieces["failover"] = _asked_for(works, home, ports, OperationKind.FAILOVER)
    home.primaries["PRO"].boot()
    home.pass_time(policy.stability_window_s + 2 * policy.heartbeat_interval_s)
    pieces["failback"] = _asked_for(works, home, ports, OperationKind.FAILBACK)
    stage.clock.time += timedelta(seconds=policy.hold_s)
    (request,) = _reconcile(ports)
    pieces["stop_dr_cluster"] = _carried_out(works, home, ports, request)
    assert stage.clusters.state(cluster_id("PRO", "dr")).stopped
    return pieces


def _asked_for(works: Clockwork, home: Household, ports: Ports, kind: OperationKind) -> Piece:
    """Begin an operation by a call, carry it out, and count the looks of the caller who waits for its end."""
    label = kind.value
    begun = works.run(label, begin_operation, ports, "PRO", kind, requested_by="operator", reason="usage")
    assert isinstance(begun, Begun), begun
    piece = _carried_out(works, home, ports, begun.request)
    for _ in range(looks_within(min(DEFAULT_WAIT_S, piece.lasts_s))):
        works.run(label, find_operation, ports, begun.request.id)
    counted = works.piece(label)
    return replace(piece, table_requests=counted.table_requests, http_calls=1)


def _carried_out(works: Clockwork, home: Household, ports: Ports, request: OperationRequest) -> Piece:
    stage, label = works.stage, request.kind.value
    began, commands, flow = stage.clock.now(), Counter[type](), FLOWS[request.kind]()
    command = next(flow)
    for _ in range(COMMANDS_LIMIT):
        commands[type(command)] += 1
        match command:
            case Call(step, args):
                result = works.run(label, run_step, ports, request, step, args)
            case Sleep(seconds):
                home.pass_time(seconds)
                result = StepResult(outcome=StepOutcome.DONE)
        try:
            command = flow.send(result)
        except StopIteration:
            break
    record = ports.operations.read(request.id)
    assert record is not None
    assert record.value.status is OperationStatus.SUCCEEDED, record.value.error
    lasts_s = (stage.clock.now() - began).total_seconds()
    return works.piece(label, activities=commands[Call], durable_timers=commands[Sleep], lasts_s=lasts_s)


def looks_within(wait_s: float) -> int:
    """Return how often a caller who waits that long looks at its operation, the first and the last look included."""
    looks, at_s, pauses, pause_s = 1, 0.0, iter(LOOK_S), LOOK_S[0]
    while at_s < wait_s:
        pause_s = next(pauses, pause_s)
        at_s += min(pause_s, wait_s - at_s)
        looks += 1
    return looks
