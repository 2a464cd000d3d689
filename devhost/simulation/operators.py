"""People and timers: whoever calls the control plane beside the gateways and the drivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from devhost.simulation.history import Answered, Asked, HandedOver, History
from devhost.simulation.network import HOSTS
from devhost.simulation.orchestrations import Orchestrations
from devhost.simulation.scheduler import Scheduler
from devhost.simulation.trouble import Trouble
from devhost.simulation.world import PRO
from shared.domain.failover import AlreadyDone, Joined
from shared.domain.faults import Conflict, Unavailable
from shared.domain.locks import with_modes
from shared.domain.operations import OperationKind, Step
from shared.domain.refusals import Refused
from shared.ports import Ports
from shared.steps.admin_calls import deactivate_gateway, execute_rotation
from shared.steps.answer_operation import approve_operation, cancel_operation, skip_step
from shared.steps.begin_operation import Begun, Replayed, begin_requested, new_request
from shared.steps.quiet_look import MonitorMemory
from shared.steps.reconcile import expire_tasks, running_operations, sync_mirrors
from shared.steps.retry_operation import retry_operation
from shared.steps.watch_health import watch_health
from shared.steps.write_lock import replace_lock

MOST_TASKS = 30
MARK_TRIES = 10  # another writer may come first, as it may to every administrator


@dataclass(slots=True)
class Operators:
    """Starts operators and timers; each call is an actor of its own on one of the hosts."""

    ports: Ports
    scheduler: Scheduler
    trouble: Trouble
    history: History
    orchestrations: Orchestrations
    random: Random
    mirrored: Callable[[], int | None]  # the token that PostgreSQL's fence carries
    memories: dict[str, MonitorMemory] = field(default_factory=dict)
    calls: int = 0
    rotations: int = 0

    def timers(self) -> None:
        """Start the monitor, the reconciler and the task time-outs; each pass runs on any host, sometimes twice."""
        self._every(15.0, "monitor", lambda: self._quietly(self._watch))
        self._every(20.0, "reconciler", self._reconcile)
        self._every(10.0, "task time-outs", lambda: self._quietly(lambda: expire_tasks(self.ports)))

    def begin(self, kind: OperationKind, *, forced: bool = False) -> None:
        """Press the button for failover or failback, or break the glass."""

        def call(_: str) -> tuple[str, str]:
            request = new_request(
                self.ports, PRO.name, kind, requested_by="operator", requester_id="oid-operator",
                reason="simulated", forced=forced,
            )  # fmt: skip
            answer = begin_requested(self.ports, request)
            return self._told(answer)

        self._call(f"force {kind.value}" if forced else kind.value, call)

    def retry(self) -> None:
        """Retry the newest operation, without waiting for claims; it is refused unless it failed."""

        def call(_: str) -> tuple[str, str]:
            newest = self.ports.operations.list(PRO.name, limit=1)
            if not newest:
                return "nothing", "no operation"
            leave_out = (Step.VERIFY_OPERATIONS,) if newest[0].request.kind is OperationKind.FAILOVER else ()
            answer = retry_operation(
                self.ports, newest[0].request.id, actor="operator", requester_id="oid-operator", reason="simulated",
                skips=leave_out,
            )  # fmt: skip
            return self._told(answer)

        self._call("retry", call)

    def skip(self, step: Step) -> None:
        """Have the running operation leave out a step."""

        def call(_: str) -> tuple[str, str]:
            lock = self.ports.locks.read(PRO.name)
            running = lock.value.operation if lock else None
            if running is None:
                return "nothing", "no operation runs"
            answer = skip_step(self.ports, running.id, step, actor="second", reason="simulated")
            return ("refused", answer.code.code) if isinstance(answer, Refused) else ("skipped", running.id)

        self._call("skip", call)

    def mark_two_person(self) -> None:
        """Have the environment's operations wait for a second administrator from now on."""
        for _ in range(MARK_TRIES):
            lock = self.ports.locks.read(PRO.name)
            if lock is None:
                return
            marked = with_modes(lock.value, replace(lock.value.modes, two_person=True), write_id="modes/two-person")
            if replace_lock(self.ports, marked, etag=lock.etag) is not None:
                return

    def approve(self, operation_id: str, *, by: str) -> None:
        """Approve an operation as this person."""

        def call(_: str) -> tuple[str, str]:
            answer = approve_operation(
                self.ports, operation_id, actor=by, object_id=f"oid-{by}", reason="simulated"
            )  # fmt: skip
            return ("refused", answer.code.code) if isinstance(answer, Refused) else ("approved", operation_id)

        self._call(f"approve {operation_id} as {by}", call)

    def cancel(self) -> None:
        """Cancel whatever runs."""

        def call(_: str) -> tuple[str, str]:
            lock = self.ports.locks.read(PRO.name)
            running = lock.value.operation if lock else None
            if running is None:
                return "nothing", "no operation runs"
            answer = cancel_operation(self.ports, running.id, actor="second", reason="simulated")
            if isinstance(answer, Refused):
                return "refused", f"{answer.code.code}: {answer.detail}"
            return "cancelled", running.id

        self._call("cancel", call)

    def _told(self, answer: Begun | Replayed | Joined | AlreadyDone | Refused) -> tuple[str, str]:
        match answer:
            case Begun(request):
                self.orchestrations.start(request)
                return "begun", request.id
            case Replayed(request):
                return "replayed", request.id
            case Joined(operation_id):
                return "joined", operation_id
            case AlreadyDone(token):
                return "done", str(token)
            case Refused():
                return "refused", f"{answer.code.code}: {answer.detail}"

    def deactivate(self, gateway_id: str, *, forced: bool) -> None:
        """Take a gateway out."""

        def call(name: str) -> tuple[str, str]:
            answer = deactivate_gateway(
                self.ports, gateway_id, actor="operator", forced=forced, reason="simulated"
            )  # fmt: skip
            if isinstance(answer, Refused):
                return "refused", answer.code.code
            if answer.token is None:
                return "harmless", gateway_id
            self._handed_to_nobody(name, answer.token)
            return "vacated", str(answer.token)

        self._call(f"deactivate {gateway_id}{' by force' if forced else ''}", call)

    def _handed_to_nobody(self, call: str, token: int) -> None:
        """Note since when the former holder is harmless.

        At once when the fence is raised; otherwise when every transaction has ended that was open at the answer.
        """
        raised = self.mirrored() == token

        def note() -> None:
            self.history.add(HandedOver(at_s=self.scheduler.now_s, operation=call, token=token, firm=raised))

        in_s = 0.0 if raised else self.ports.policy.guarded_transaction_s
        self.scheduler.start(f"end of what was open at {call}", note, in_s=in_s)

    def rotate(self) -> None:
        """Queue one execution of one of the two rotation configs."""
        self.rotations += 1
        config = self.random.choice(("cfg-pro", "cfg-hold"))

        def call(name: str) -> tuple[str, str]:
            answer = execute_rotation(self.ports, config, actor="operator", idempotency_key=name)
            return ("refused", answer.code.code) if isinstance(answer, Refused) else ("queued", answer[0].id)

        self._call(f"rotate {config}", call)

    def _call(self, what: str, call: Callable[[str], tuple[str, str]]) -> None:
        self.calls += 1
        name = f"operator call {self.calls}"

        def run() -> None:
            self.history.add(Asked(at_s=self.scheduler.now_s, call=name, what=what))
            try:
                outcome, detail = call(name)
            except (Unavailable, Conflict) as failure:
                outcome, detail = "unavailable", str(failure)
            self.history.reached[f"{what.split()[0]} {outcome}{_code(outcome, detail)}"] += 1
            self.history.add(Answered(at_s=self.scheduler.now_s, call=name, outcome=outcome, detail=detail))

        self.scheduler.start(name, run, host=self.random.choice(HOSTS), asks=True, mortal=True)

    def _every(self, seconds: float, name: str, run: Callable[[], None]) -> None:
        def tick() -> None:
            copies = 2 if self.trouble.active and self.random.random() < 0.05 else 1
            for _ in range(copies):
                self.scheduler.start(name, run, host=self.random.choice(HOSTS), mortal=True)

        self.scheduler.repeat(f"timer of {name}", tick, lambda: seconds * self.random.uniform(0.9, 1.1))

    def _reconcile(self) -> None:
        self._quietly(lambda: sync_mirrors(self.ports))
        self._quietly(self._restart)

    def _watch(self) -> None:
        """Each host's monitor remembers its own last pass, as old as that may be."""
        actor = self.scheduler.current
        memory = self.memories.setdefault(actor.host if actor else "", MonitorMemory())
        watch_health(self.ports, memory)

    def _restart(self) -> None:
        for request in running_operations(self.ports):
            self.orchestrations.start(request)

    def _quietly(self, run: Callable[[], object]) -> None:
        """A timer's pass that fails is logged by its host; the next pass tries again."""
        try:
            run()
        except (Unavailable, Conflict) as failure:
            self.history.reached[f"timer pass failed: {type(failure).__name__}"] += 1


def _code(outcome: str, detail: str) -> str:
    return f" {detail.split(':')[0]}" if outcome == "refused" else ""
