"""The agent: keeps a gateway registered and beating, and lets it work only while its lease lasts."""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

from gateway_agent.answers import ClaimedTask, Refusal
from gateway_agent.canaries import Canaries, Rotate
from gateway_agent.client import ControlPlane, NoAnswer
from gateway_agent.clock import boot_s
from gateway_agent.events import Events, Listener, deaf
from gateway_agent.heartbeats import LAST_RETRY_S, Heartbeats
from gateway_agent.held import Guard, HeldLease
from gateway_agent.settings import GatewaySettings
from gateway_agent.state_file import GatewayState, Unreadable, read_state, require_own_state, write_state

# Refusals that speak of the gateway's right to act rather than of one task.
LEASE_IS_GONE = frozenset({"not_holder", "stale_token", "holder_failed", "not_before", "lease_expired"})
COMPLETE_RETRY_S, LONGEST_COMPLETE_RETRY_S = 0.1, 2.0
TELLING_ENDS_S = 2.0


class TaskEnd(Enum):
    """How a task ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Outcome(Enum):
    """What became of a report about a task. Only the first two let the work go on."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"  # the control plane had heard the same before
    REFUSED = "refused"  # drop the work: it belongs to somebody else by now
    LEASE_OVER = "lease_over"  # nothing was sent, as the lease is over or the agent stops: drop the work
    UNANSWERED = "unanswered"  # nobody knows; the task time-out sorts it out


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a report about a task, with the refusal if there was one."""

    outcome: Outcome
    refusal: Refusal | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the control plane took it."""
        return self.outcome in (Outcome.ACCEPTED, Outcome.REPEATED)


class Agent:
    """One boot of one gateway. Safe to use from several threads; start it once, with `with` or `start` and `stop`."""

    def __init__(
        self,
        settings: GatewaySettings,
        control_plane: ControlPlane,
        *,
        on_event: Listener = deaf,
        version: str = "",
        checks: Callable[[], Mapping[str, str]] = dict,
        clock: Callable[[], float] = boot_s,
        longest_retry_s: float = LAST_RETRY_S,
        on_canary: Rotate | None = None,
    ) -> None:
        """Read the state file. Raises OtherGateway when it belongs to another role, environment or gateway.

        `clock` gives seconds, never goes back and does not stand still while the machine sleeps. `checks` tells what
        the gateway last found out about itself, such as `{"key_vault": "ok"}`; it neither waits nor raises. `on_canary`
        rotates the disposable secret of a drill, in a thread of its own.
        """
        self._settings, self._control_plane, self._clock = settings, control_plane, clock
        self.boot_id = str(uuid.uuid4())
        self._events = Events(on_event)
        self._held = HeldLease(self._events, clock=clock, highest_token=self._token_of_state_file())
        self._canaries = Canaries(
            control_plane, self._events, environment=settings.environment, rotate=on_canary,
            timeout_s=lambda: self._heartbeats.request_timeout_s,
        )  # fmt: skip
        self._heartbeats = Heartbeats(
            settings, control_plane, self._held, self._events, boot_id=self.boot_id, version=version,
            checks=checks, clock=clock, on_token=self._keep_state, on_canary=self._canaries.take,
            longest_retry_s=longest_retry_s,
        )  # fmt: skip
        self._stopping = threading.Event()
        self._state_lock = threading.Lock()
        self._claim_lock = threading.Lock()
        self._claim_trouble = ""

    def start(self) -> None:
        """Write the state file and begin to register and beat; returns at once. Raises OSError."""
        self._write_state()
        self._events.start()
        self._heartbeats.start()

    def stop(self) -> None:
        """Send nothing more, wait for what is on its way, and tell the last events."""
        self._stopping.set()
        self._canaries.stop(within_s=TELLING_ENDS_S)
        self._heartbeats.stop()
        self._events.stop(within_s=TELLING_ENDS_S)

    def __enter__(self) -> "Agent":
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    @property
    def fencing_token(self) -> int | None:
        """The token the gateway holds its environment under, as last told; no permission to act, which `guard` is."""
        return self._held.fencing_token

    @property
    def activation_status(self) -> str:
        """`active`, `standby` or `failed`, as last told; empty before the first answer."""
        return self._heartbeats.activation_status

    def guard(self, task: ClaimedTask) -> Guard:
        """Return what to ask before each effect of a task."""
        return Guard(self._held, task.fencing_token)

    def claim(self, *, limit: int) -> tuple[ClaimedTask, ...]:
        """Return up to `limit` new tasks; none when the lease is over, or the answer is no, or there is no answer."""
        token = self._held.fencing_token
        if token is None or self._stopping.is_set() or self._heartbeats.draining:
            return ()
        if not Guard(self._held, token).may_act():
            return ()
        body = {"environment": self._settings.environment, "fencing_token": str(token), "limit": limit}
        try:
            answer = self._control_plane.claim(body, timeout_s=self._heartbeats.request_timeout_s)
        except NoAnswer as error:
            self._claim_failed("claim.unanswered", detail=str(error))
            return ()
        if isinstance(answer, Refusal):
            self._give_way(token, answer)
            self._claim_failed("write.refused", **_refused("claim", token, answer))
            return ()
        with self._claim_lock:
            self._claim_trouble = ""
        # A task of another token could not be guarded; it is not ours.
        return tuple(task for task in answer if task.fencing_token == token)

    def progress(self, task: ClaimedTask, detail: Mapping[str, object]) -> Report:
        """Say that a task still runs, which keeps the task time-out away (runbook section 3). Asked once."""
        if not self.guard(task).may_act():
            return Report(outcome=Outcome.LEASE_OVER)
        body = {**self._task_body(task), "detail": dict(detail)}
        try:
            answer = self._control_plane.progress(task.id, body, timeout_s=self._heartbeats.request_timeout_s)
        except NoAnswer:
            return Report(outcome=Outcome.UNANSWERED)
        return self._reported("progress", task, answer)

    def complete(self, task: ClaimedTask, end: TaskEnd, result: Mapping[str, object]) -> Report:
        """Say how a task ended; asked again, as often as it takes, until there is an answer or the lease is over."""
        pause_s, outcome = COMPLETE_RETRY_S, Outcome.LEASE_OVER
        while self.guard(task).may_act() and not self._stopping.is_set():
            try:
                return self._reported("complete", task, self._send_completion(task, end, result))
            except NoAnswer as error:
                outcome = Outcome.UNANSWERED
                self._stopping.wait(min(max(pause_s, error.retry_after_s or 0.0), LONGEST_COMPLETE_RETRY_S))
                pause_s *= 2
        return Report(outcome=outcome)

    def complete_unguarded(self, task: ClaimedTask, end: TaskEnd, result: Mapping[str, object]) -> Report:
        """Say how a task ended although the lease may be over, once: an effect that ran past it is worth reporting.

        Nothing is risked: the fence decides, and refuses whatever belongs to somebody else by now.
        """
        try:
            return self._reported("complete", task, self._send_completion(task, end, result))
        except NoAnswer:
            return Report(outcome=Outcome.UNANSWERED)

    def _send_completion(self, task: ClaimedTask, end: TaskEnd, result: Mapping[str, object]) -> str | Refusal:
        body = {**self._task_body(task), "status": end.value, "result": dict(result)}
        return self._control_plane.complete(task.id, body, timeout_s=self._heartbeats.request_timeout_s)

    def _task_body(self, task: ClaimedTask) -> dict[str, object]:
        token, attempt = str(task.fencing_token), task.attempt
        return {"environment": self._settings.environment, "fencing_token": token, "attempt": attempt}

    def _reported(self, write: str, task: ClaimedTask, answer: str | Refusal) -> Report:
        if isinstance(answer, Refusal):
            self._give_way(task.fencing_token, answer)
            fields = _refused(write, task.fencing_token, answer)
            self._events.tell("write.refused", task_id=task.id, attempt=task.attempt, **fields)
            return Report(outcome=Outcome.REFUSED, refusal=answer)
        return Report(outcome=Outcome(answer))

    def _give_way(self, token: int, answer: Refusal) -> None:
        if answer.reason in LEASE_IS_GONE:
            self._held.dropped(token, reason=answer.reason)

    def _claim_failed(self, event: str, **fields: object) -> None:
        # A claim is tried again and again: only the first of a run of equal failures is news.
        trouble = f"{event} {fields.get('reason', '')}"
        with self._claim_lock:
            if trouble != self._claim_trouble:
                self._claim_trouble = trouble
                self._events.tell(event, **fields)

    def _token_of_state_file(self) -> int:
        path = self._settings.state_file
        state = read_state(path)
        if isinstance(state, Unreadable):
            self._events.tell("state.unreadable", detail=state.why)
        if not isinstance(state, GatewayState):
            return 0
        require_own_state(state, self._settings, path)
        return state.fencing_token or 0

    def _keep_state(self) -> None:
        try:
            self._write_state()
        except OSError as error:  # the file is for people and for the next boot; the lease does not depend on it
            self._events.tell("state.not_written", detail=str(error))

    def _write_state(self) -> None:
        own = self._settings
        with self._state_lock:  # two answers at once: the later one reads the higher token
            state = GatewayState(
                role=own.role.value,
                environment=own.environment,
                gateway_id=own.gateway_id,
                boot_id=self.boot_id,
                fencing_token=self._held.highest_token or None,
            )
            write_state(own.state_file, state)


def _refused(write: str, token: int, answer: Refusal) -> dict[str, object]:
    reason = answer.reason or answer.code
    return {"write": write, "fencing_token": str(token), "reason": reason, "detail": answer.message}
