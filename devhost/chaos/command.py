"""`python -m devhost chaos`: break everything for a while and judge what came of it."""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from devhost.backends.processes import NotReady
from devhost.chaos.checker import check
from devhost.chaos.director import Director, Lane
from devhost.chaos.record import read_history
from devhost.chaos.report import Report
from devhost.chaos.run import RunFailed, Wish, carry_out
from devhost.chaos.settings import FOLDER, FULL_SPEED, HOSTS, STEADY
from devhost.lab.layout import LabRuns, LabUnusable, Layout


@click.command()
@click.option("--minutes", type=click.FloatRange(0.1), default=60.0, show_default=True, help="How long.")
@click.option("--seed", type=click.IntRange(0), help="What faults and operations are drawn from; any if not said.")
@click.option("--hosts", type=click.IntRange(1, 16), default=HOSTS, show_default=True, help="Function hosts at once.")
@click.option(
    "--tasks",
    type=click.IntRange(2),
    help="So many tasks as fast as they go; only primaries fall silent.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    show_default=".lab/chaos of the checkout",
    help="Where everything lies.",
)
def chaos(minutes: float, seed: int | None, hosts: int, tasks: int | None, folder: Path) -> None:
    """Break hosts, gateways, stores and links while environments are handed over under load.

    Exit code 0 only without a violation, when everything settled in time after healing, and when work was done around
    every hand-over. Ctrl-C ends the faults early; a second one ends everything.
    """
    wish = Wish(
        seed=random.SystemRandom().randrange(10**6) if seed is None else seed,
        minutes=minutes,
        hosts=hosts,
        work=FULL_SPEED if tasks else STEADY,
        tasks=tasks // 2 if tasks else None,
    )
    stopping = _stopped_by_signals()
    where = Layout(folder=folder.absolute())
    click.echo(f"seed {wish.seed}; everything lies in {where.folder}")
    try:
        with where.only_one():
            lanes = Director.lanes if tasks is None else _no_lanes
            outcome = carry_out(wish, where, lanes, write=click.echo, stopping=stopping)
    except (LabRuns, LabUnusable, NotReady, RunFailed) as failed:
        click.echo(f"The run did not work: {failed}\nIts logs are in {where.logs}.", err=True)
        sys.exit(2)
    history = read_history(where.folder / "history")
    report = Report(wish=wish, outcome=outcome, judgement=check(history), history=history)
    for line in report.lines():
        click.echo(line)
    sys.exit(0 if report.is_good else 1)


def _no_lanes(_: Director) -> Sequence[Lane]:
    return ()


def _stopped_by_signals() -> threading.Event:
    """Return what the first signal sets; the second one is an ordinary interruption."""
    stopping = threading.Event()

    def stop(*_: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return stopping
