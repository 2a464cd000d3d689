"""`python -m devhost usage` counts what the control plane uses; `python -m devhost cost` computes what that costs."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Final

import click

from devhost.usage.bill import Plan
from devhost.usage.derived import hub_settings
from devhost.usage.figures import Figures, Piece, keep, kept_figures
from devhost.usage.prices import load_prices
from devhost.usage.report import report

USUAL: Final = Plan()
EVERY: Final = click.FloatRange(0, 86400, min_open=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--keep", "keeps", is_flag=True, help="Keep them as the figures the calculator uses.")
def usage(as_json: bool, keeps: bool) -> None:
    """Count table requests and function executions, per heartbeat, pass, idle minutes and operation.

    The real steps run against Azurite and PostgreSQL, both started for it; a proxy counts the requests that reach
    Azurite. Takes about half a minute.
    """
    figures = count()
    if keeps:
        keep(figures)
    click.echo(json.dumps(figures.to_json(), indent=2) if as_json else table(figures))


@click.command(context_settings={"show_default": True})
@click.option("--environments", type=click.IntRange(1, 1000), default=USUAL.environments)
@click.option("--heartbeat", type=EVERY, default=USUAL.heartbeat_s, help="Seconds between heartbeats.")
@click.option("--monitor", type=EVERY, default=USUAL.monitor_s, help="Seconds between passes of the monitor.")
@click.option("--mirror", type=EVERY, default=USUAL.mirror_s, help="Of the reconciler.")
@click.option("--timeouts", type=EVERY, default=USUAL.timeouts_s, help="Of the task time-outs.")
@click.option("--notification", type=EVERY, default=USUAL.notification_s, help="Of the notifications.")
@click.option("--claim", type=EVERY, default=USUAL.claim_s, help="Seconds between a holder's looks for work.")
@click.option("--memory-mb", type=click.Choice(["512", "2048", "4096"]), default="2048", help="Of one instance.")
@click.option("--always-ready-http", type=click.IntRange(0, 100), default=USUAL.always_ready_http)
@click.option("--always-ready-durable", type=click.IntRange(0, 100), default=USUAL.always_ready_durable)
def cost(
    environments: int, heartbeat: float, monitor: float, mirror: float, timeouts: float, notification: float,
    claim: float, memory_mb: str, always_ready_http: int, always_ready_durable: int,
) -> None:  # fmt: skip
    """Compute what a month costs, from the kept figures and the price table."""
    plan = Plan(
        environments=environments, heartbeat_s=heartbeat, monitor_s=monitor, mirror_s=mirror, timeouts_s=timeouts,
        notification_s=notification, claim_s=claim, memory_gb=int(memory_mb) / 1024,
        always_ready_http=always_ready_http, always_ready_durable=always_ready_durable,
    )  # fmt: skip
    click.echo(report(plan, kept_figures(), load_prices(), hub_settings()))


def count() -> Figures:
    """Return the figures, counted anew. Once per process."""
    from devhost.usage.drive import ENVIRONMENTS, drive  # only this command pays for importing the product
    from devhost.usage.stage import stage

    logging.disable(logging.CRITICAL)  # the events of a whole failover say nothing about usage
    with tempfile.TemporaryDirectory(prefix="usage-") as folder, stage(Path(folder), ENVIRONMENTS) as prepared:
        return drive(prepared)


def table(figures: Figures) -> str:
    """Return the figures as people read them."""
    rows = list(figures.pieces.items())
    rows += [(f"monitor_pass, {number} environments", piece) for number, piece in figures.monitor_pass.items()]
    rows += [(f"mirror_pass, {number} environments", piece) for number, piece in figures.mirror_pass.items()]
    head = f"{'':32} {'table requests':>14} {'executions':>10} {'slowest':>8}  of which"
    return "\n".join([head, *(_line(name, piece) for name, piece in rows), _idle_hour(figures)])


def _idle_hour(figures: Figures) -> str:
    """Two environments with the usual intervals, put together from what was counted; `idle_five_minutes` proves it."""
    ticks, passes = (
        3600 / USUAL.monitor_s,
        (figures.monitor_pass[2], figures.mirror_pass[2], figures.pieces["timeout_pass"]),
    )
    requests = 2 * figures.pieces["heartbeat_holder"].requests + sum(piece.requests for piece in passes)
    calls = 2 + len(passes)
    return f"{'idle hour, 2 environments':32} {requests * ticks:>14.0f} {calls * ticks:>10.0f}"


def _line(name: str, piece: Piece) -> str:
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(piece.table_requests.items()))
    return f"{name:32} {piece.requests:>14} {piece.executions:>10} {piece.longest_s:>6.1f} s  {kinds}"
