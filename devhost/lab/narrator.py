"""Tell the person watching what happens, one line each, and keep all of it in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devhost.lab.names import ENVIRONMENTS
from devhost.lab.sentences import Tally, parse_event, power_sentence, tell

SUMMARY_EVERY_S = 10.0
REPEATED_WITHIN_S = 10.0


@dataclass(slots=True)
class Repeat:
    """A sentence that was told, until when its like is only counted, and how often it came since."""

    until_s: float
    count: int = 0


class Narrator:
    """Prints lines like `20:15:03 PRO  gw-pro-primary marked failed (3 missed heartbeats)`.

    Routine is summed up every 10 s. A sentence told less than 10 s ago is counted instead of printed again, and the
    count is told when that time is over. The file gets every event at once, told or not.
    """

    def __init__(
        self, events_file: Path, *, write: Callable[[str], None], now: Callable[[], float], wall: Callable[[], datetime]
    ) -> None:
        """`write` prints a line, `now` gives monotonic seconds, `wall` the instant of lines that have none."""
        self._events_file = events_file
        self._write = write
        self._now = now
        self._wall = wall
        self._tallies: dict[str, Tally] = {}
        self._summary_at_s = now() + SUMMARY_EVERY_S
        self._repeats: dict[tuple[str, str], Repeat] = {}

    def hear_line(self, source: str, line: str) -> None:
        """Take a log line of a process; one without an event in it concerns nobody."""
        record = parse_event(line)
        if record is not None:
            self.hear(source, record)

    def hear(self, source: str, record: dict[str, Any]) -> None:
        """Take one event."""
        self._keep({"source": source, **record})
        told = tell(source, record)
        if told is None:
            return
        if told.counted_as:
            self._tallies.setdefault(told.environment, Tally()).add(told)
        else:
            self._say(told.environment, told.sentence, self._instant(record))

    def hear_power(self, environment: str, *, cluster: str, power: str, provisioning: str) -> None:
        """Take a change of a cluster's state."""
        self.say(environment, power_sentence(cluster, power, provisioning), cluster=cluster, power=power)

    def say(self, environment: str, sentence: str, **fields: str) -> None:
        """Tell something the lab itself did or saw; `environment` is empty for all of them."""
        at = self._wall()
        self._keep({"source": "lab", "at": at.isoformat(), "environment": environment, "sentence": sentence, **fields})
        self._say(environment, sentence, at)

    def tick(self) -> None:
        """Tell the summaries that are due."""
        now_s = self._now()
        for (environment, sentence), repeat in list(self._repeats.items()):
            if now_s >= repeat.until_s:
                del self._repeats[environment, sentence]
                if repeat.count:
                    self._print(environment, f"{sentence} ({repeat.count} more)", self._wall())
        if now_s >= self._summary_at_s:
            self._summary_at_s = now_s + SUMMARY_EVERY_S
            for environment in sorted(self._tallies):
                if sentence := self._tallies[environment].sentence():
                    self._print(environment, sentence, self._wall())
            self._tallies.clear()

    def _say(self, environment: str, sentence: str, at: datetime) -> None:
        key = (environment, sentence)
        now_s = self._now()
        known = self._repeats.get(key)
        if known is not None and now_s < known.until_s:
            known.count += 1
            return
        self._repeats[key] = Repeat(until_s=now_s + REPEATED_WITHIN_S)
        self._print(environment, sentence, at)

    def _print(self, environment: str, sentence: str, at: datetime) -> None:
        width = max(map(len, ENVIRONMENTS))
        self._write(f"{at.astimezone():%H:%M:%S} {environment:<{width}}  {sentence}")

    def _instant(self, record: dict[str, Any]) -> datetime:
        try:
            at = datetime.fromisoformat(str(record.get("at", "")))
        except ValueError:
            return self._wall()
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)

    def _keep(self, record: dict[str, Any]) -> None:
        record.setdefault("at", self._wall().isoformat())
        with self._events_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, default=str) + "\n")
