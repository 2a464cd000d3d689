"""What a month costs: the counted figures times how often each piece of work happens, times the price table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from devhost.usage.derived import HostRequests, HubSettings, of_awake_worker, of_idle_host, of_operation
from devhost.usage.figures import Figures, Piece
from devhost.usage.prices import PriceTable
from shared.web.requests import DEFAULT_WAIT_S

MONTH_S: Final = 730 * 3600.0  # as Azure's price pages count a month
SHORTEST_BILLED_S: Final = 1.0  # Flex Consumption: one second at least, then steps of 100 ms
BILLED_STEP_S: Final = 0.1
STORED_GB: Final = 0.1  # operations and audit entries of years; a lock or a gateway is a kilobyte
GOAL_USD: Final = 1.0  # a month and environment, for everything that is billed by use
OPERATIONS: Final = ("failover", "failback", "stop_dr_cluster")


class Section(Enum):
    """The parts of a bill."""

    BY_USE = "billed by use: executions, storage, tables"
    ALWAYS_READY = "always-ready instances"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one control plane is set up and used. The defaults are those of the settings and of `infra/terraform`."""

    environments: int = 2
    heartbeat_s: float = 15.0
    monitor_s: float = 15.0
    mirror_s: float = 15.0
    timeouts_s: float = 15.0
    notification_s: float = 30.0
    claim_s: float = 15.0  # how often the holder looks for work
    memory_gb: float = 2.0
    always_ready_http: int = 2
    always_ready_durable: int = 1
    drills_a_month: float = 1 / 3  # failover, failback and stop, of each environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the bill: a month's quantity of a meter and what it costs, for the whole control plane."""

    section: Section
    what: str
    quantity: float
    unit: str
    usd: float
    derived: bool = False  # from documentation, not from counting


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month of one control plane."""

    plan: Plan
    lines: Sequence[Line]

    def usd(self, section: Section) -> float:
        """Return what a section costs."""
        return sum(line.usd for line in self.lines if line.section is section)

    @property
    def usd_by_use_per_environment(self) -> float:
        """What is billed by use, per environment; the goal is GOAL_USD."""
        return self.usd(Section.BY_USE) / self.plan.environments


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """A month's work: how often each piece happens, in three groups that are billed apart."""

    http: Sequence[tuple[Piece, float]]
    timers: Sequence[tuple[Piece, float]]
    operations: Sequence[tuple[Piece, float]]

    @property
    def table_requests(self) -> float:
        return sum(piece.requests * times for piece, times in (*self.http, *self.timers, *self.operations))


def bill(plan: Plan, figures: Figures, prices: PriceTable, hub: HubSettings) -> Bill:
    """Return the bill of a plan. Raises ValueError for a plan that nobody can run."""
    timers = (plan.monitor_s, plan.mirror_s, plan.timeouts_s, plan.notification_s)
    if plan.environments < 1 or min(plan.heartbeat_s, plan.claim_s, *timers) <= 0:
        raise ValueError("a plan has environments, and everything in it happens at intervals above 0 s")
    load = _load(plan, figures)
    lines = [*_compute(plan, load, prices), *_storage(plan, load, prices, hub), *_always_ready(plan, load, prices)]
    return Bill(plan=plan, lines=lines)


def billed_s(longest_s: float) -> float:
    """Return for how many seconds an execution is billed that takes `longest_s`."""
    steps = math.ceil(round(longest_s / BILLED_STEP_S, 6))
    return max(SHORTEST_BILLED_S, steps * BILLED_STEP_S)


def _load(plan: Plan, figures: Figures) -> _Load:
    pieces, drills = figures.pieces, plan.drills_a_month * plan.environments
    return _Load(
        http=(
            (pieces["heartbeat_holder"], plan.environments * MONTH_S / plan.heartbeat_s),
            (pieces["claim_of_nothing"], plan.environments * MONTH_S / plan.claim_s),
        ),
        timers=(
            (_for(figures.monitor_pass, plan.environments), MONTH_S / plan.monitor_s),
            (_for(figures.mirror_pass, plan.environments), MONTH_S / plan.mirror_s),
            (pieces["timeout_pass"], MONTH_S / plan.timeouts_s),
            (pieces["notification_pass"], MONTH_S / plan.notification_s),
        ),
        operations=tuple((pieces[name], drills) for name in OPERATIONS),
    )


def _for(counted: Mapping[int, Piece], environments: int) -> Piece:
    """Return the pass for a number of environments: counted, or that of the next larger number counted, or in line."""
    if environments in counted:
        return counted[environments]
    if larger := [number for number in counted if number > environments]:
        return counted[min(larger)]
    low, high = sorted(counted)[-2:]
    slope = (counted[high].requests - counted[low].requests) / (high - low)
    requests = math.ceil(counted[high].requests + slope * (environments - high))
    return Piece(table_requests={"all": requests}, timer_calls=1, longest_s=counted[high].longest_s)


def _compute(plan: Plan, load: _Load, prices: PriceTable) -> list[Line]:
    """Executions and memory. A group with always-ready instances has no free grant, and its memory is billed there."""
    on_demand: list[tuple[float, float]] = [_timers(load)]
    ready: list[tuple[float, float]] = []
    (ready if plan.always_ready_http else on_demand).append(_http(load))
    (ready if plan.always_ready_durable else on_demand).append(_durable(load))
    calls, seconds = (sum(group[i] for group in on_demand) for i in (0, 1))
    ready_calls = sum(group[0] for group in ready)
    by_use = Section.BY_USE
    return [
        Line(section=by_use, what="memory of functions on demand", quantity=seconds * plan.memory_gb, unit="GB-s",
             usd=prices["on_demand_gb_s"].of(seconds * plan.memory_gb)),
        Line(section=by_use, what="executions on demand", quantity=calls, unit="executions",
             usd=prices["executions"].of(calls)),
        Line(section=by_use, what="executions on always-ready instances", quantity=ready_calls, unit="executions",
             usd=prices["executions"].ungranted(ready_calls)),
    ]  # fmt: skip


def _storage(plan: Plan, load: _Load, prices: PriceTable, hub: HubSettings) -> list[Line]:
    host = of_idle_host(hub, timers=len(load.timers)).times(MONTH_S)
    for piece, times in load.operations:
        host += of_operation(piece, hub).times(times)
    if plan.always_ready_durable:
        host += of_awake_worker(hub).times(MONTH_S * plan.always_ready_durable)
    return [
        Line(section=Section.BY_USE, what="requests to the lock account's tables", quantity=load.table_requests,
             unit="requests", usd=prices["table_requests"].of(load.table_requests)),
        *_host_lines(host, prices),
        Line(section=Section.BY_USE, what="stored rows", quantity=STORED_GB, unit="GB", derived=True,
             usd=prices["storage_gb"].of(STORED_GB)),
    ]  # fmt: skip


def _host_lines(host: HostRequests, prices: PriceTable) -> list[Line]:
    kinds = (("queue", host.queue), ("table", host.table), ("blob", host.blob))
    return [
        Line(section=Section.BY_USE, what=f"{kind} requests of the Functions host and Durable", quantity=quantity,
             unit="requests", usd=prices[f"{kind}_requests"].of(quantity), derived=True)
        for kind, quantity in kinds
    ]  # fmt: skip


def _always_ready(plan: Plan, load: _Load, prices: PriceTable) -> list[Line]:
    lines = []
    groups = (("HTTP", plan.always_ready_http, _http(load)), ("Durable", plan.always_ready_durable, _durable(load)))
    for name, instances, (_, seconds) in groups:
        if not instances:
            continue
        exists, runs = instances * MONTH_S * plan.memory_gb, seconds * plan.memory_gb
        lines += [
            Line(section=Section.ALWAYS_READY, what=f"{instances} {name}, existing", quantity=exists, unit="GB-s",
                 usd=prices["always_ready_baseline_gb_s"].of(exists)),
            Line(section=Section.ALWAYS_READY, what=f"{name}, executing", quantity=runs, unit="GB-s",
                 usd=prices["always_ready_active_gb_s"].of(runs)),
        ]  # fmt: skip
    return lines


def _http(load: _Load) -> tuple[float, float]:
    calls = sum(times for _, times in load.http) + sum(piece.http_calls * times for piece, times in load.operations)
    seconds = sum(billed_s(piece.longest_s) * times for piece, times in load.http)
    # Whoever asks for an operation waits for its end; the function runs as long.
    for piece, times in load.operations:
        seconds += billed_s(min(DEFAULT_WAIT_S, piece.lasts_s)) * piece.http_calls * times
    return calls, seconds


def _timers(load: _Load) -> tuple[float, float]:
    return (
        sum(times for _, times in load.timers),
        sum(billed_s(piece.longest_s) * times for piece, times in load.timers),
    )  # fmt: skip


def _durable(load: _Load) -> tuple[float, float]:
    return (
        sum(piece.durable_calls * times for piece, times in load.operations),
        sum(billed_s(piece.longest_s) * piece.durable_calls * times for piece, times in load.operations),
    )  # fmt: skip
