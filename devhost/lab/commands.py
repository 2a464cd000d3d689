"""The lab's command line."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from devhost.lab.births import Named, birth_of, end_all, wait_until_gone
from devhost.lab.control import CommandFailed, NoLab, ask, supervisor_of
from devhost.lab.layout import DEFAULT, ROOT, LabRuns, LabUnusable, Layout, read_json
from devhost.lab.names import UnknownGateway, resolve
from devhost.lab.screen import status_text
from devhost.lab.settings import DEFAULT_SPEED, FASTEST, SLOWEST, pace_at

NOT_RUNNING = 3  # as `systemctl status` says it (LSB "Init Script Actions": program is not running)
DOWN_ANSWER_WITHIN_S, END_WITHIN_S, TERMINATE_WITHIN_S = 3.0, 12.0, 6.0
FOLLOW_EVERY_S = 0.1

in_folder = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT,
    show_default=".lab of the checkout",
    help="Where the lab lies.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def lab() -> None:
    """The lab: the whole product on this machine, for the environments NPR and PRO.

    GATEWAY is gw-npr-primary, gw-npr-dr, gw-pro-primary or gw-pro-dr; `pro-primary` and `primary PRO` mean the same.
    """


@lab.command()
@in_folder
@click.option("--detach", is_flag=True, help="Return once the lab is ready; `down` ends it.")
@click.option(
    "--speed",
    type=click.FloatRange(SLOWEST, FASTEST),
    default=DEFAULT_SPEED,
    show_default=True,
    help="How many times faster than in production.",
)
@click.option("--realtime", is_flag=True, help="True durations, as --speed 1.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="any free one", help="Port of the API.")
@click.option("--keep", is_flag=True, help="Go on with the data of the lab before instead of starting fresh.")
@click.option(
    "--app",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=ROOT,
    show_default="the checkout",
    help="Directory of the function app.",
)
@click.option("--traces", default="", help="OTLP endpoint for traces of operations: http://127.0.0.1:4318.")
def up(folder: Path, detach: bool, speed: float, realtime: bool, port: int, keep: bool, app: Path, traces: str) -> None:
    """Start the lab and tell what happens, until Ctrl-C."""
    layout = Layout(folder=folder.absolute())
    chosen = SLOWEST if realtime else speed
    if detach:
        words = ["--speed", f"{chosen:g}", "--port", str(port), "--app", str(app.absolute()), "--traces", traces]
        sys.exit(_detached(layout, [*words, *(["--keep"] if keep else [])]))
    sys.exit(_foreground(layout, speed=chosen, port=port, keep=keep, app=app.absolute(), traces=traces, detached=False))


@lab.command(hidden=True)
@in_folder
@click.option("--speed", type=float)
@click.option("--port", type=int)
@click.option("--keep", is_flag=True)
@click.option("--app", type=click.Path(path_type=Path))
@click.option("--traces", default="")
def supervise(folder: Path, speed: float, port: int, keep: bool, app: Path, traces: str) -> None:
    """Run the lab as the process that `up --detach` leaves behind."""
    layout = Layout(folder=folder)
    sys.exit(_foreground(layout, speed=speed, port=port, keep=keep, app=app, traces=traces, detached=True))


@lab.command()
@in_folder
def down(folder: Path) -> None:
    """End the lab, or whatever a killed one left."""
    layout = Layout(folder=folder.absolute())
    supervisor = supervisor_of(layout)
    children = [Named(**one) for one in read_json(layout.run_file).get("children", [])]
    if supervisor is not None:
        try:
            ask(layout, "down", within_s=DOWN_ANSWER_WITHIN_S)
        except (NoLab, CommandFailed) as error:
            click.echo(f"The supervisor does not answer ({error}); ending it by signal.")
            supervisor.send(signal.SIGCONT)
            supervisor.send(signal.SIGTERM)
        if not wait_until_gone([supervisor], within_s=END_WITHIN_S):
            end_all([supervisor], grace_s=TERMINATE_WITHIN_S)
    left = end_all(children, grace_s=TERMINATE_WITHIN_S)
    layout.lab_file.unlink(missing_ok=True)
    layout.run_file.unlink(missing_ok=True)
    if supervisor is not None:
        click.echo("The lab has ended.")
    elif left:
        click.echo(f"No lab ran; ended what a killed one left: {', '.join(one.name for one in left)}.")
    else:
        click.echo("No lab runs.")


@lab.command()
@in_folder
def status(folder: Path) -> None:
    """Show what runs; exit code 0 when a lab does, 3 when none does."""
    layout = Layout(folder=folder.absolute())
    try:
        answer = ask(layout, "status")
    except NoLab as none:
        left = [one for one in read_json(layout.run_file).get("children", []) if Named(**one).alive]
        click.echo(f"{str(none)[0].upper()}{str(none)[1:]}.")
        if left:
            click.echo(f"A killed one left {len(left)} processes; `down` or the next `up` ends them.")
        sys.exit(NOT_RUNNING)
    except CommandFailed as failed:
        raise click.ClickException(str(failed)) from failed
    click.echo(status_text(answer, answer["gateways"], answer["parts"]))


def _gateway_command(name: str, text: str) -> None:
    @lab.command(name, help=text)
    @in_folder
    @click.argument("gateway", nargs=-1, required=True)
    def command(folder: Path, gateway: tuple[str, ...]) -> None:
        try:
            answer = ask(Layout(folder=folder.absolute()), name, gateway=resolve(gateway).id)
        except UnknownGateway as unknown:
            raise click.BadArgumentUsage(str(unknown)) from unknown
        except (NoLab, CommandFailed) as failed:
            raise click.ClickException(str(failed)) from failed
        click.echo("\n".join(answer["lines"]))


_gateway_command("kill", "End a gateway's process as a crash does (SIGKILL).")
_gateway_command("heal", "Undo kill, freeze and partition: start it again, wake it, let its traffic through.")
_gateway_command("freeze", "Stop a gateway's process in its tracks (SIGSTOP).")
_gateway_command("partition", "Cut a gateway off from the control plane; it runs on.")


def _foreground(layout: Layout, *, speed: float, port: int, keep: bool, app: Path, traces: str, detached: bool) -> int:
    """Run the lab in this process and return the exit code."""
    from devhost.lab.opening import Wish  # only this command pays for importing what the supervisor needs
    from devhost.lab.supervisor import Supervisor, end_leftovers

    write: Callable[[str], None] = click.echo
    try:
        with layout.only_one():
            if left := end_leftovers(layout):
                write(f"Ended what a killed lab left: {', '.join(one.name for one in left)}.")
            layout.prepare(keep=keep)
            pace = pace_at(speed)
            write(f"Starting the lab in {layout.folder} ({speed:g}x) ...")
            wish = Wish(layout=layout, pace=pace, app=app, port=port, keep=keep, traces=traces, detached=detached)
            code = asyncio.run(Supervisor(wish, write).run())
            write("The lab has ended.")
            return code
    except (LabRuns, LabUnusable) as error:
        click.echo(f"Error: {error}", err=True)
        return 1


def _detached(layout: Layout, words: list[str]) -> int:
    """Start the lab as a process of its own, show what it says until it is ready, and return the exit code."""
    layout.folder.mkdir(parents=True, exist_ok=True)
    log = layout.folder / "supervisor.log"
    try:
        with layout.only_one(), log.open("wb"):
            pass  # nobody else writes to this log
    except (LabRuns, LabUnusable) as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "devhost", "supervise", "--dir", str(layout.folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _show_until_ready(layout, process, log)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        return 130


def _show_until_ready(layout: Layout, process: subprocess.Popen[bytes], log: Path) -> int:
    birth = birth_of(process.pid)
    with log.open(encoding="utf-8") as said:
        while True:
            code = process.poll()
            run = read_json(layout.run_file)
            ready = run.get("state") == "ready" and run.get("supervisor", {}).get("birth") == birth
            click.echo(said.read(), nl=False)
            if code is not None:
                return code or 1
            if ready:
                return 0
            time.sleep(FOLLOW_EVERY_S)
