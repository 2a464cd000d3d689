"""A gateway of the lab: a process that registers, beats, claims rotation tasks and works visibly.

    python -m devhost.gateway --id gw-pro-primary --url URL --token-file FILE --state-file FILE
        [--work-s 0.4] [--history FILE] [--region REGION]

Who it is comes from the environment variables of runbook section 4. Each of its events is one JSON line on standard
output, changes only. `--data FOLDER` in place of `--state-file` keeps state and history in a folder, as `/data` does
in a pod. It ends at SIGINT or SIGTERM. Exit codes: 0 ended when asked to, 2 wrong settings or another gateway's state.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from devhost.gateway_history import History
from devhost.gateway_work import Worker
from gateway_agent import Agent, CanaryOrder, ControlPlane, GatewaySettings, OtherGateway, SettingsFault, settings_from
from gateway_agent.settings import CONTROL_PLANE_URL, GATEWAY_ID, REGION, STATE_FILE
from gateway_agent.tokens import token_in_file

VERSION = "lab"
WORK_S = 0.4
LONGEST_RETRY_S = 1.0  # the lab's story is quick: a gateway that finds the control plane late spoils it
WARNINGS = frozenset(
    {
        "claim.unanswered",
        "control_plane.away",
        "heartbeat.refused",
        "lease.lost",
        "registration.refused",
        "state.not_written",
        "state.unreadable",
        "write.refused",
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a gateway until it is told to end, and return its exit code."""
    options = _options(arguments)
    state_file, history_file = _files(options)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = settings_from(_variables(options, state_file))
        telling = Telling(settings)
        control_plane = ControlPlane(
            settings.control_plane_url, settings.gateway_id, token=token_in_file(options.token_file)
        )
        agent = Agent(
            settings,
            control_plane,
            on_event=telling,
            version=VERSION,
            checks=lambda: {"key_vault": "ok"},
            longest_retry_s=LONGEST_RETRY_S,
            on_canary=lambda order: rotate_canary(order, options.data or state_file.parent, work_s=options.work_s),
        )
        with agent:
            history = History(history_file, gateway_id=settings.gateway_id, boot_id=agent.boot_id)
            Worker(agent, history, telling, work_s=options.work_s, stopping=stopping).run()
        control_plane.close()
    except (SettingsFault, OtherGateway) as error:
        print(error, file=sys.stderr, flush=True)
        return 2
    telling("gateway.ended")
    return 0


def rotate_canary(order: CanaryOrder, folder: Path, *, work_s: float) -> Mapping[str, str]:
    """Write a new version of the drill's disposable secret; the lab's vault is a file beside the gateway's state."""
    time.sleep(work_s)
    secret = folder / f"canary-{order.config.get('name', 'secret')}.txt"
    secret.write_text(f"{order.drill_id}\n", encoding="utf-8")
    return {"key_vault_write": "ok", "secret": secret.name}


class Telling:
    """Writes events as JSON lines on standard output. Safe to use from several threads."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._who = {"gateway": settings.gateway_id, "environment": settings.environment}
        self._lock = threading.Lock()

    def __call__(self, name: str, /, **fields: object) -> None:
        """Write one event."""
        level = "warning" if name in WARNINGS else "info"
        line = {"at": datetime.now(UTC).isoformat(), "level": level, "event": name, **self._who, **fields}
        with self._lock:
            print(json.dumps(line), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    line = argparse.ArgumentParser(prog="python -m devhost.gateway", description="a gateway of the lab")
    line.add_argument("--id", default=os.environ.get(GATEWAY_ID, ""), help="name the gateway registers under")
    line.add_argument("--url", default=os.environ.get(CONTROL_PLANE_URL, ""), help="control plane, without /api")
    line.add_argument("--token-file", type=Path, required=True, help="bearer token, read again for every request")
    place = line.add_mutually_exclusive_group(required=True)
    place.add_argument("--state-file", type=Path, help="where the gateway keeps its state")
    place.add_argument("--data", type=Path, help="folder for gateway-state.json and history.jsonl")
    line.add_argument("--history", type=Path, help="what the gateway did, one JSON line each")
    line.add_argument("--work-s", type=float, default=WORK_S, help="how long a task takes")
    line.add_argument("--region", default="", help="region the gateway says it is in")
    return line.parse_args(arguments)


def _files(options: argparse.Namespace) -> tuple[Path, Path | None]:
    if options.data is None:
        return options.state_file, options.history
    return options.data / "gateway-state.json", options.history or options.data / "history.jsonl"


def _variables(options: argparse.Namespace, state_file: Path) -> Mapping[str, str]:
    given = {GATEWAY_ID: options.id, CONTROL_PLANE_URL: options.url, STATE_FILE: str(state_file)}
    return {**os.environ, **given, **({REGION: options.region} if options.region else {})}


if __name__ == "__main__":
    sys.exit(main())
