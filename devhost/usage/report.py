"""A bill as people read it: use against the goal, what the levers do, the options, and others' prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from devhost.usage.bill import GOAL_USD, MONTH_S, Bill, Plan, Section, bill
from devhost.usage.derived import HubSettings
from devhost.usage.figures import Figures
from devhost.usage.prices import PriceTable

HOUR_S: Final = 3600.0
DRILL_HOURS: Final = 4.0  # how long the DR cluster runs for a drill
NODES: Final = 2  # of the DR cluster while it runs
PRIVATE_ENDPOINTS: Final = 4  # lock tables; blobs, queues and tables of the host
WEB_TEST_LOCATIONS: Final = 3
WEB_TEST_EVERY_S: Final = 300.0
LOG_GB: Final = 6.0
LOG_RULES: Final = 4
SERVERS: Final = 2  # PostgreSQL: the primary and the replica in the other region

LEVERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "memory of an instance 512 MB": {"memory_gb": 0.5},
    "reconciler and task time-outs once a minute": {"mirror_s": 60.0, "timeouts_s": 60.0},
    "health monitor every 30 s": {"monitor_s": 30.0},
    "notifications once a minute": {"notification_s": 60.0},
    "no channels, notifications once a day": {"notification_s": 86400.0},
    "heartbeat every 30 s": {"heartbeat_s": 30.0},
    "look for work once a minute": {"claim_s": 60.0},
    "no always-ready Durable instance": {"always_ready_durable": 0},
}
LEAN: Final[Mapping[str, Any]] = {"memory_gb": 0.5, "mirror_s": 60.0, "timeouts_s": 60.0, "claim_s": 60.0,
                                  "notification_s": 86400.0, "always_ready_durable": 0}  # fmt: skip
"""The levers that cost no detection time, for a control plane without notification channels."""


def report(plan: Plan, figures: Figures, prices: PriceTable, hub: HubSettings) -> str:
    """Return the month of a plan as text."""
    made = bill(plan, figures, prices, hub)
    lines = [
        f"One month of 730 h, {plan.environments} environments in one control plane, a heartbeat every "
        f"{plan.heartbeat_s:g} s, instances of {plan.memory_gb:g} GB.",
        f"Prices: {prices.region}; written {prices.written}; "
        + ("checked." if prices.checked else "NOT checked against a price list. Free grants are per subscription."),
        "",
    ]
    for section in Section:
        lines += [*_section(made, section), ""]
    lines += [*_against_the_goal(made), ""]
    lines += [*_levers(plan, figures, prices, hub), "", *_options(plan, prices), "", *_others(plan, prices, made)]
    return "\n".join(lines)


def _section(made: Bill, section: Section) -> Iterator[str]:
    yield f"{section.value[0].upper()}{section.value[1:]}"
    for line in made.lines:
        if line.section is section:
            origin = " (derived)" if line.derived else ""
            yield f"  {line.what + origin:58} {_rounded(line.quantity):>14,.10g} {line.unit:10} {line.usd:>8.2f} USD"
    yield f"  {'together':58} {'':14} {'':10} {made.usd(section):>8.2f} USD"


def _rounded(quantity: float) -> float:
    """Three digits: one request more in a failover must not change what a page shows."""
    return float(f"{quantity:.3g}")


def _against_the_goal(made: Bill) -> Iterator[str]:
    usd = made.usd_by_use_per_environment
    verdict = "met" if usd < GOAL_USD else "NOT met"
    yield f"Billed by use, per environment: {usd:.2f} USD. The goal of less than {GOAL_USD:.2f} USD is {verdict}."


def _levers(plan: Plan, figures: Figures, prices: PriceTable, hub: HubSettings) -> Iterator[str]:
    yield "What moves it (by use and environment; always-ready instances in all)"
    for name, change in {**LEVERS, "together those that cost no detection time": LEAN}.items():
        changed = bill(replace(plan, **change), figures, prices, hub)
        ready = changed.usd(Section.ALWAYS_READY)
        yield f"  {name:58} {changed.usd_by_use_per_environment:>8.2f} USD   always ready {ready:>8.2f} USD"


def _options(plan: Plan, prices: PriceTable) -> Iterator[str]:
    runs = WEB_TEST_LOCATIONS * MONTH_S / WEB_TEST_EVERY_S
    drill_hours = plan.drills_a_month * DRILL_HOURS * plan.environments
    rows = (
        ("cold DR clusters: what a stopped one leaves", "aks_stopped", plan.environments),
        (f"nodes of the DR clusters in drills, {DRILL_HOURS:g} h each", "aks_node_hour", NODES * drill_hours),
        ("PostgreSQL, primary and replica, without HA and storage", "postgresql_server", SERVERS),
        (f"private endpoints, {PRIVATE_ENDPOINTS}", "private_endpoint", PRIVATE_ENDPOINTS),
        (f"logs, {LOG_GB:g} GB", "log_gb", LOG_GB),
        (f"log alert rules, {LOG_RULES}, each minute", "log_alert_rule", LOG_RULES),
        (f"web test from {WEB_TEST_LOCATIONS} places each {WEB_TEST_EVERY_S:g} s", "web_test_run", runs),
    )
    yield "What stands beside it, and is an option or there anyway"
    for what, price, quantity in rows:
        yield f"  {what:58} {prices[price].of(quantity):>8.2f} USD"
    warm = prices["aks_standard_tier"].of(1) + prices["aks_node_hour"].of(NODES * MONTH_S / HOUR_S)
    yield f"  {'a DR cluster that ran all month instead, each':58} {warm:>8.2f} USD"


def _others(plan: Plan, prices: PriceTable, made: Bill) -> Iterator[str]:
    ours = made.usd(Section.BY_USE) + made.usd(Section.ALWAYS_READY)
    yield "Others, for as many environments (they orchestrate or replicate; none of them fences a gateway)"
    yield f"  {'this control plane, always-ready instances included':58} {ours:>8.2f} USD"
    plans, cluster = prices["arc_plan"].of(plan.environments), prices["arc_routing_cluster_hour"].of(MONTH_S / HOUR_S)
    yield f"  {'AWS ARC Region switch, a plan each':58} {plans:>8.2f} USD"
    yield f"  {'AWS ARC routing control, one cluster':58} {cluster:>8.2f} USD"
    machines = prices["asr_instance"].of(NODES * plan.environments)
    yield f"  {f'Azure Site Recovery, {NODES} machines each, fee alone':58} {machines:>8.2f} USD"
