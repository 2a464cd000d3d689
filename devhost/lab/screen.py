"""The texts the lab shows: the screen when it is ready, and the status table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devhost.lab.settings import Pace

Row = Mapping[str, str]
TABLE = (("environment", "ENV"), ("gateway", "GATEWAY"), ("process", "PROCESS"), ("pid", "PID"), ("status", "STATUS"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the first screen is about. `folder` is the lab's directory."""

    url: str
    inbox_url: str
    folder: Path
    pace: Pace
    took_s: float
    detached: bool


def ready_screen(ready: Ready, gateways: Sequence[Row]) -> str:
    """Return everything a newcomer needs to carry the runbook out, on one screen."""
    lab_file = _short(ready.folder / "lab.json")
    pace = ready.pace
    speed = "true durations" if pace.speed == 1 else f"{pace.speed:g} times as fast as in production"
    back_s = pace.policy.stability_window_s + pace.policy.heartbeat_interval_s
    end = _command(ready, "down") if ready.detached else "Ctrl-C here"
    curl = 'curl -s -H "Authorization: Bearer $TOKEN"'
    post = 'curl -s -X POST -H "Authorization: Bearer $TOKEN"'
    return f"""
The lab is ready after {ready.took_s:.1f} s: {speed}.   {ready.url}

{table(gateways)}

Who is told what: {ready.inbox_url}

In another terminal, in this directory:

  export URL={ready.url} TOKEN=$(jq -r .admin_token {lab_file})

  {_command(ready, "kill gw-pro-primary"):<40}  # 1  marked failed after about {pace.failed_after_s:.0f} s
  {curl} $URL/api/v1/admin/gateway-health | jq .
  {post} $URL/api/v1/admin/failover/PRO/activate-dr | jq .
  {curl} $URL/api/v1/admin/gateways | jq .

  {_command(ready, "heal gw-pro-primary"):<40}  # 2  it stays failed; fail back after {back_s:.0f} s
  {post} $URL/api/v1/admin/failover/PRO/failback | jq .

More: make lab ARGS="--help".   Everything lies in {_short(ready.folder)}.   {end} ends all of it.
"""


def table(rows: Sequence[Row]) -> str:
    """Return the gateways as columns."""
    cells = [[title for _, title in TABLE], *([row.get(name, "") for name, _ in TABLE] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(TABLE))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def status_text(status: Mapping[str, object], rows: Sequence[Row], parts: Sequence[Row]) -> str:
    """Return what `status` prints for a running lab."""
    said = "  ".join(f"{row['name']} {row['state']}" for row in parts)
    head = f"{status['state']}: {status['url']}, {status['speed']:g}x, up {status['up_s']:.0f} s"
    return f"{head}\n\n{table(rows)}\n\n  {said}"


def _command(ready: Ready, words: str) -> str:
    # A lab elsewhere than in the usual place has to be named in every command.
    elsewhere = "" if ready.folder.name == ".lab" and ready.folder.parent == Path.cwd() else f" --dir {ready.folder}"
    return f'make lab ARGS="{words}{elsewhere}"'


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
