"""The operators: one per environment, who hands it over and back again and again, and follows it until it works."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from devhost.chaos.api import Answer, Api, Heard
from devhost.chaos.patience import Patience
from devhost.chaos.silence import Silence
from devhost.lab.names import GATEWAYS, LabGateway

AGAIN_S = 0.7
DONE_WITHIN_S = 90.0  # from the first request to an environment in the wanted hands, faults and all
STORM_SHARE = 0.25  # of the operations are asked for by several people at once
VACATE_SHARE = 0.12  # of the hand-overs begin with the holder being taken out by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """One change of holder as its operator saw it; `took_s` runs from the first request to the acknowledgement."""

    environment: str
    what: str
    token: str
    took_s: float
    asked_ns: int
    acknowledged_ns: int


@dataclass(slots=True)
class Tally:
    """What the operators have been told, and what they achieved."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    hand_overs: list[HandOver] = field(default_factory=list)
    late: list[str] = field(default_factory=list)  # what did not come about in time
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str, answer: Answer) -> None:
        """Count one answer."""
        with self.lock:
            self.answers[what, answer.heard.value] += 1


class Operator:
    """Hands one environment over and back."""

    def __init__(
        self,
        api: Api,
        environment: str,
        silence: Silence,
        *,
        patience: Patience,
        tally: Tally,
        chance: random.Random,
        say: Callable[[str], None],
        pause_s: tuple[float, float],
    ) -> None:
        self._api, self._environment, self._chance = api, environment, chance
        self._silence, self._patience, self._tally, self._say = silence, patience, tally, say
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self.primary, self.dr = (gateway for gateway in GATEWAYS if gateway.environment == environment)

    def run(self, stopping: threading.Event) -> None:
        """Hand over and back until told to stop; the environment is then with its primary, or on the way there."""
        self._stopping = stopping
        while not stopping.is_set():
            self.cycle()

    def cycle(self) -> None:
        """One failover and one failback."""
        with self._silence.of(self.primary):
            if self._chance.random() < VACATE_SHARE:
                self._ask("deactivate", self._deactivation(self.primary))
            self._until("failover", lambda: self._api.activate_dr(self._environment))
            self._pause()
        self._ask("deactivate", self._deactivation(self.primary, force=False))  # harmless: it does not hold the lock
        self._until("failback", lambda: self._api.failback(self._environment))
        self._pause()

    def come_home(self) -> bool:
        """Bring the environment to its primary; return whether that came about in time."""
        self._stopping = threading.Event()
        gives_up_at_s = time.monotonic() + DONE_WITHIN_S
        while time.monotonic() < gives_up_at_s:
            health = self._api.get("admin/gateway-health") or {"environments": []}
            stands = next((one for one in health["environments"] if one["id"] == self._environment), None)
            if stands is not None and stands["authority"] == "regressed":
                self._restore()
            elif stands is not None and stands["authority"] == "ok" and stands["lock"] and not stands["operation"]:
                holder = stands["lock"]["holder"]
                if holder == self.primary.id:
                    return True
                if holder is None:
                    self._until("failover", lambda: self._api.activate_dr(self._environment))
                self._until("failback", lambda: self._api.failback(self._environment))
            self._stopping.wait(AGAIN_S)
        return False

    def _restore(self) -> None:
        self._patience.wait()
        self._ask("restore", lambda: self._api.restore_authority(self._environment))

    def _until(self, what: str, ask: Callable[[], Answer]) -> bool:
        """Ask until the environment is where it should be, restoring the authority where it was lost."""
        began_s = time.monotonic()
        while not self._stopping.is_set():
            asked_ns = time.monotonic_ns()
            answer = self._ask(what, ask)
            took_s = time.monotonic() - began_s
            if answer.heard is Heard.OK:
                done = HandOver(
                    environment=self._environment,
                    what=what,
                    token=str(answer.body.get("fencing_token", "")),
                    took_s=took_s,
                    asked_ns=asked_ns,
                    acknowledged_ns=time.monotonic_ns(),
                )
                with self._tally.lock:
                    self._tally.hand_overs.append(done)
                self._say(f"{what} of {self._environment} acknowledged after {took_s:.1f} s under token {done.token}")
                return True
            if answer.code == "AuthorityRegressed":
                self._restore()
            if answer.code == "NotFailedOver":
                return True  # the failback of an earlier request is done, or nothing had moved
            if took_s > DONE_WITHIN_S:
                with self._tally.lock:
                    self._tally.late.append(f"{what} of {self._environment}: last answer {answer.status} {answer.code}")
                return False
            self._stopping.wait(AGAIN_S)
        return False

    def _ask(self, what: str, ask: Callable[[], Answer]) -> Answer:
        """Ask once, or as several people at once would; the first answer that says yes counts."""
        people = self._chance.choice((2, 3)) if self._chance.random() < STORM_SHARE else 1
        if people == 1:
            answers = [ask()]
        else:
            with ThreadPoolExecutor(people) as pool:
                answers = list(pool.map(lambda _: ask(), range(people)))
        for answer in answers:
            self._tally.count(what, answer)
            if what in ("deactivate", "restore") and answer.heard is Heard.OK:
                self._say(f"{what} in {self._environment}: {answer.body.get('message', '')}")
        return next((answer for answer in answers if answer.heard is Heard.OK), answers[0])

    def _deactivation(self, gateway: LabGateway, *, force: bool = True) -> Callable[[], Answer]:
        return lambda: self._api.deactivate(self._environment, gateway.id, force=force)

    def _pause(self) -> None:
        self._stopping.wait(self._chance.uniform(*self._pause_s))
