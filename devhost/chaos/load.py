"""The load: tasks queued all the time, each under a key that is sent again until somebody says yes."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

from devhost.chaos.api import Answer, Api, Heard
from devhost.lab.names import demo_config

HELD_SHARE = 0.15  # of the tasks belong to a config whose lost work waits for a person
DONE_SHARE = 0.2  # of the tasks in doubt are declared done, the others retried
RETRY_S = 0.2
RESOLVED_EVERY_S = 1.0
MAX_ATTEMPTS = 100  # the most there can be: chaos interrupts often, and an exhausted task would hide a lost one


def configs_of(environment: str) -> tuple[str, str]:
    """Return the ids of the config whose interrupted work is queued again, and of the one whose work is held."""
    return demo_config(environment), f"{demo_config(environment)}-held"


def put_configs(api: Api, environment: str) -> bool:
    """Store both configs; return whether that was answered with yes."""
    again, held = configs_of(environment)
    body = {"environment": environment, "name": "chaos", "max_attempts": MAX_ATTEMPTS}
    answers = [
        api.put_config(again, {**body, "on_lost_owner": "requeue"}),
        api.put_config(held, {**body, "on_lost_owner": "hold"}),
    ]
    return all(answer.heard is Heard.OK for answer in answers)


class Load:
    """Queues the tasks of one environment; `queued` holds every key that was accepted, with the instant (ns)."""

    def __init__(self, api: Api, environment: str, chance: random.Random, *, per_s: float, limit: int | None) -> None:
        """`limit` is how many tasks there are in all; None: as many as there is time for. `per_s` 0: no pause."""
        self._api, self._environment, self._chance = api, environment, chance
        self._per_s, self._limit = per_s, limit
        self.queued: dict[str, int] = {}
        self.begun = 0
        self._configs: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []  # key and config of what has to be sent again
        self._lock = threading.Lock()

    def run(self, stopping: threading.Event) -> None:
        """Queue until told to stop, or until the limit is queued; what was sent is queued in the end in any case."""
        next_at_s = time.monotonic()
        while not stopping.is_set() and (self._limit is None or self.begun < self._limit):
            if self._open:
                self._again(stopping)
                continue
            self.one_more()
            if self._per_s:
                next_at_s = max(next_at_s + 1 / self._per_s, time.monotonic() - 1.0)
                stopping.wait(max(0.0, next_at_s - time.monotonic()))

    def one_more(self) -> None:
        """Queue one task."""
        self.begun += 1
        again, held = configs_of(self._environment)
        config = held if self._chance.random() < HELD_SHARE else again
        self._send(f"{self._environment}-{self.begun}", config)

    def settle(self, within_s: float) -> bool:
        """Send again what is still open; return whether everything was accepted in time."""
        gives_up_at_s, never = time.monotonic() + within_s, threading.Event()
        while self._open and time.monotonic() < gives_up_at_s:
            self._again(never)
        return not self._open

    def send_again(self, since_ns: int) -> int:
        """Queue everything again that was accepted since an instant, because a store has lost it; return how much."""
        with self._lock:
            lost = [key for key, at_ns in self.queued.items() if at_ns >= since_ns]
            for key in lost:
                del self.queued[key]
                self._open.append((key, self._configs[key]))
        return len(lost)

    def _again(self, stopping: threading.Event) -> None:
        with self._lock:
            if not self._open:
                return
            key, config = self._open.pop(0)
        self._send(key, config)
        if self._open:
            stopping.wait(RETRY_S)

    def _send(self, key: str, config: str) -> Answer:
        answer = self._api.execute(self._environment, config, key)
        with self._lock:
            self._configs[key] = config
            if answer.heard is Heard.OK:
                self.queued[key] = time.monotonic_ns()
            else:
                self._open.append((key, config))
        return answer


class Resolver:
    """A person who decides about tasks in doubt; `decided` counts the decisions."""

    def __init__(self, api: Api, chance: random.Random) -> None:
        self._api, self._chance = api, chance
        self.decided: Counter[str] = Counter()

    def run(self, stopping: threading.Event) -> None:
        """Look every second until told to stop."""
        while not stopping.wait(RESOLVED_EVERY_S):
            self.resolve_all()

    def resolve_all(self) -> None:
        """Decide about every task that is in doubt now."""
        for task in self._api.tasks("in_doubt") or []:
            decision = "done" if self._chance.random() < DONE_SHARE else "retry"
            if self._api.resolve(task["id"], decision).heard is Heard.OK:
                self.decided[decision] += 1
