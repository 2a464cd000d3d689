"""The counted figures: what each piece of the control plane's work asks of Table Storage and of the Functions host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

KEPT: Final = Path(__file__).with_name("figures.json")

HEARTBEAT_CEILING: Final = 3
"""Table requests of one heartbeat."""
PASS_CEILING_PER_ENVIRONMENT: Final = 2
"""Table requests of an idle pass of the health monitor, per environment (ADR 0020)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of work, counted. Equal pieces use the same; how long the functions ran does not count for that."""

    table_requests: Mapping[str, int]  # by table and verb, such as `gateways.replace`
    http_calls: int = 0
    timer_calls: int = 0
    activities: int = 0
    durable_timers: int = 0
    lasts_s: float = 0.0  # on the control plane's clock; operations only
    longest_s: float = field(default=0.0, compare=False)  # the slowest function, stores on loopback

    @property
    def requests(self) -> int:
        """All table requests."""
        return sum(self.table_requests.values())

    @property
    def episodes(self) -> int:
        """How often the orchestrator function ran: at the start, and after each activity and each durable timer."""
        return 1 + self.activities + self.durable_timers if self.activities else 0

    @property
    def durable_calls(self) -> int:
        """Executions of the Durable functions."""
        return self.activities + self.episodes

    @property
    def executions(self) -> int:
        """All function executions."""
        return self.http_calls + self.timer_calls + self.durable_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Every piece by name; what depends on the number of environments is there for several numbers of them."""

    pieces: Mapping[str, Piece]
    monitor_pass: Mapping[int, Piece]  # by number of environments
    mirror_pass: Mapping[int, Piece]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return {
            "pieces": {name: _to_json(piece) for name, piece in self.pieces.items()},
            "monitor_pass": {str(number): _to_json(piece) for number, piece in self.monitor_pass.items()},
            "mirror_pass": {str(number): _to_json(piece) for number, piece in self.mirror_pass.items()},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Figures:
        """Return the figures that `to_json` rendered."""
        return cls(
            pieces={name: Piece(**piece) for name, piece in raw["pieces"].items()},
            monitor_pass={int(number): Piece(**piece) for number, piece in raw["monitor_pass"].items()},
            mirror_pass={int(number): Piece(**piece) for number, piece in raw["mirror_pass"].items()},
        )


def kept_figures() -> Figures:
    """Return the figures that `make usage` kept last."""
    return Figures.from_json(json.loads(KEPT.read_text(encoding="utf-8")))


def keep(figures: Figures) -> None:
    """Keep the figures for the calculator and for the test that counts again."""
    KEPT.write_text(json.dumps(figures.to_json(), indent=2) + "\n", encoding="utf-8")


def _to_json(piece: Piece) -> dict[str, Any]:
    return {
        "table_requests": dict(sorted(piece.table_requests.items())),
        "http_calls": piece.http_calls,
        "timer_calls": piece.timer_calls,
        "activities": piece.activities,
        "durable_timers": piece.durable_timers,
        "lasts_s": piece.lasts_s,
        "longest_s": piece.longest_s,
    }
