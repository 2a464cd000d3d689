"""What the inbox keeps: the newest messages, the incidents of the fake PagerDuty, and how each receiver behaves."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

RECEIVERS = ("webhook", "slack", "teams", "pagerduty")
KEPT = 500


class Mode(Enum):
    """How a receiver answers."""

    OK = "ok"
    HANG = "hang"  # takes the request and never answers
    FAIL = "fail"  # 500
    THROTTLE = "throttle"  # 429 with Retry-After
    FLOOD = "flood"  # 10 MB
    DRIP = "drip"  # a byte at a time, without end


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One request that was taken or refused. `thread` is what it belongs to, by the receiver's own name."""

    number: int
    at: str
    receiver: str
    id: str
    title: str
    text: str
    thread: str | None
    action: str  # of PagerDuty; of the others what they call it
    is_repeated: bool
    faults: tuple[str, ...]
    body: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Kept:
    """The inbox's memory. `attempts` counts every request, whatever became of it."""

    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT))
    modes: dict[str, Mode] = field(default_factory=lambda: dict.fromkeys(RECEIVERS, Mode.OK))
    attempts: Counter[str] = field(default_factory=Counter)
    incidents: dict[str, list[str]] = field(default_factory=dict)
    threads: set[str] = field(default_factory=set)
    retry_after_s: int = 1
    _count: int = 0
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def keep(
        self, receiver: str, body: Mapping[str, Any], *, at: str, id: str, title: str, text: str,
        thread: str | None = None, action: str = "", faults: list[str],
    ) -> Message:  # fmt: skip
        """Keep a message and return it; one that came before, as its id tells, is marked."""
        self._count += 1
        is_repeated = bool(id) and not faults and (receiver, id) in self._seen
        if not faults:
            self._seen.add((receiver, id))
        message = Message(
            number=self._count, at=at, receiver=receiver, id=id, title=title, text=text, thread=thread, action=action,
            is_repeated=is_repeated, faults=tuple(faults), body=dict(body),
        )  # fmt: skip
        self.messages.append(message)
        return message

    def act(self, key: str, action: str) -> None:
        """Do what an event asks of an incident; only an open one is acknowledged or resolved."""
        actions = self.incidents.setdefault(key, [])
        is_open = bool(actions) and actions[-1] != "resolve"
        if action == "trigger" or is_open:
            actions.append(action)

    def forget(self) -> None:
        """Forget every message, incident and count, and behave again."""
        self.messages.clear()
        self.attempts.clear()
        self.incidents.clear()
        self.threads.clear()
        self._seen.clear()
        self.modes = dict.fromkeys(RECEIVERS, Mode.OK)
