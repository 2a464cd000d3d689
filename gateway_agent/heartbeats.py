"""The heartbeat: one leaves on every tick of a steady interval, however long the answers to the others take."""

import random
import threading
import time
from collections.abc import Callable, Mapping

from gateway_agent.answers import CanaryOrder, HeartbeatAnswer, Refusal, Registered
from gateway_agent.client import ControlPlane, NoAnswer
from gateway_agent.events import Events
from gateway_agent.held import HeldLease
from gateway_agent.settings import GatewaySettings

MOST_IN_FLIGHT = 4  # heartbeats whose answer is awaited; beyond that the control plane is plainly away
FIRST_TIMEOUT_S = 5.0  # until the control plane has told its own
FIRST_RETRY_S, LAST_RETRY_S = 0.25, 10.0
SHORTEST_INTERVAL_S = 0.02


class Heartbeats:
    """Registers the gateway and beats until stopped. Everything it learns of the lease goes into a HeldLease."""

    def __init__(
        self,
        settings: GatewaySettings,
        control_plane: ControlPlane,
        held: HeldLease,
        events: Events,
        *,
        boot_id: str,
        version: str,
        checks: Callable[[], Mapping[str, str]],
        clock: Callable[[], float],
        on_token: Callable[[], None],
        on_canary: Callable[[CanaryOrder], None],
        longest_retry_s: float = LAST_RETRY_S,
    ) -> None:
        """`checks` tells what the gateway knows of itself; it never waits or raises. `on_token` hears of new ones,
        `on_canary` of every order of a drill, as often as it is told.
        """
        self._settings, self._control_plane, self._held, self._events = settings, control_plane, held, events
        self._boot_id, self._version, self._checks = boot_id, version, checks
        self._clock, self._on_token, self._on_canary = clock, on_token, on_canary
        self._longest_retry_s = longest_retry_s
        self._stopping = threading.Event()
        self._slots = threading.BoundedSemaphore(MOST_IN_FLIGHT)
        self._lock = threading.RLock()  # over what follows
        self._policy: Registered | None = None
        self._interval_s = SHORTEST_INTERVAL_S
        self._status, self._draining, self._trouble = "", False, ""
        self._thread = threading.Thread(target=self._run, name="gateway-heartbeats", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more, and wait for the requests that are on their way, for two request time-outs at most."""
        self._stopping.set()
        gives_up_at_s = time.monotonic() + 2 * self.request_timeout_s
        self._thread.join(max(gives_up_at_s - time.monotonic(), 0.0))
        for _ in range(MOST_IN_FLIGHT):
            self._slots.acquire(timeout=max(gives_up_at_s - time.monotonic(), 0.0))

    @property
    def request_timeout_s(self) -> float:
        """How long one request may take, as the control plane wants it."""
        with self._lock:
            return self._policy.request_timeout_s if self._policy else FIRST_TIMEOUT_S

    @property
    def activation_status(self) -> str:
        """What the newest answer said; empty before the first."""
        with self._lock:
            return self._status

    @property
    def draining(self) -> bool:
        """Whether a failback is about to move the lock."""
        with self._lock:
            return self._draining

    def _run(self) -> None:
        if not self._register_until_known():
            return
        next_at_s = self._clock()
        while not self._stopping.is_set():
            now_s = self._clock()
            if now_s >= next_at_s:
                self._launch()
                interval_s = self._interval()
                next_at_s += interval_s
                if next_at_s <= now_s:  # after a pause one heartbeat leaves, not all the missed ones
                    next_at_s = now_s + interval_s
            lease_left_s = self._held.notice()
            until_beat_s = max(next_at_s - self._clock(), 0.0)
            self._stopping.wait(until_beat_s if lease_left_s is None else min(until_beat_s, lease_left_s))

    def _register_until_known(self) -> bool:
        pause_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            if self._register():
                return True
            # Chance keeps the gateways of a region from coming back all at once.
            self._stopping.wait(min(pause_s, self._longest_retry_s) * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, LAST_RETRY_S)
        return False

    def _register(self) -> bool:
        own = self._settings
        body = {
            "environment": own.environment,
            "role": own.role.value,
            "boot_id": self._boot_id,
            "region": own.region,
            "version": self._version,
        }
        try:
            answer = self._control_plane.register(body, timeout_s=self.request_timeout_s)
        except NoAnswer as error:
            self._in_trouble("control_plane.away", str(error))
            return False
        if isinstance(answer, Refusal):
            self._in_trouble("registration.refused", f"{answer.code}: {answer.message}")
            return False
        with self._lock:
            self._policy, self._interval_s = answer, max(answer.heartbeat_interval_s, SHORTEST_INTERVAL_S)
            self._status = answer.activation_status
        self._out_of_trouble()
        self._events.tell(
            "gateway.ready", role=own.role.value, environment=own.environment, boot_id=self._boot_id,
            activation_status=answer.activation_status, heartbeat_interval_s=answer.heartbeat_interval_s,
        )  # fmt: skip
        return True

    def _launch(self) -> None:
        if not self._slots.acquire(blocking=False):
            return
        threading.Thread(target=self._beat, name="gateway-heartbeat", daemon=True).start()

    def _beat(self) -> None:
        try:
            sequence = self._held.sent()
            token = self._held.fencing_token
            body = {
                "environment": self._settings.environment,
                "role": self._settings.role.value,
                "boot_id": self._boot_id,
                "sequence": sequence,
                "fencing_token": None if token is None else str(token),
                "version": self._version,
                "checks": dict(self._checks()),
            }
            answer = self._control_plane.heartbeat(body, timeout_s=self.request_timeout_s)
            if isinstance(answer, Refusal):
                self._refused(answer)
            elif answer.lease.sequence == sequence:  # anything else was said to another heartbeat, by a cache perhaps
                self._take(answer)
        except NoAnswer as error:
            self._in_trouble("control_plane.away", str(error))
        finally:
            self._slots.release()

    def _refused(self, answer: Refusal) -> None:
        self._in_trouble("heartbeat.refused", f"{answer.code}: {answer.message}")
        if answer.status == 404:  # the registration is gone, with a restored store for instance
            self._register()

    def _take(self, answer: HeartbeatAnswer) -> None:
        highest = self._held.highest_token
        with self._lock:  # over both, or an answer overtaken just here would bring back an old status
            if self._policy is None or not self._held.answered(answer, own_margin_s=self._policy.own_margin_s):
                return
            self._out_of_trouble()
            self._interval_s = max(answer.heartbeat_interval_s, SHORTEST_INTERVAL_S)
            former, self._status = self._status, answer.activation_status
            was_draining, self._draining = self._draining, answer.draining
            if former != answer.activation_status:
                self._events.tell("status.changed", activation_status=answer.activation_status, former=former)
            if was_draining is not answer.draining:
                self._events.tell("draining.changed", draining=answer.draining)
        if self._held.highest_token > highest:
            self._on_token()
        if answer.canary is not None:
            self._on_canary(answer.canary)

    def _interval(self) -> float:
        with self._lock:
            return self._interval_s

    def _in_trouble(self, event: str, detail: str) -> None:
        with self._lock:
            if self._trouble != event:
                self._trouble = event
                self._events.tell(event, detail=detail)

    def _out_of_trouble(self) -> None:
        with self._lock:
            if self._trouble:
                self._trouble = ""
                self._events.tell("control_plane.back")
