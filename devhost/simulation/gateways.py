"""Gateways as processes on machines of their own: a drifting clock, pauses, kills, and a network that loses things.

The lease arithmetic is the gateway client's own (`gateway_agent.lease`), and what a heartbeat answers goes through the
product's document and the client's parser, so that both sides of the wire are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import TypeVar

from devhost.simulation.history import BeatAnswered, BeatSent, EffectStarted, History, Note
from devhost.simulation.network import Network
from devhost.simulation.scheduler import Scheduler
from devhost.simulation.world import PRO, TENANT
from gateway_agent import answers
from gateway_agent.lease import Lease
from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.gateways import BeatAnswer, Gateway, Heartbeat, Identity
from shared.domain.guard import Caller
from shared.domain.refusals import Refused
from shared.domain.tasks import Task, TaskRefusal, TaskStatus
from shared.ports import Ports, Reported, TaskReport, WorkRefused
from shared.steps.gateway_calls import Registration, beat, claim_tasks, register_gateway, report_task
from shared.web.gateway_documents import beat_document

T = TypeVar("T")

LEASE_IS_GONE = frozenset(
    {TaskRefusal.NOT_HOLDER, TaskRefusal.STALE_TOKEN, TaskRefusal.HOLDER_FAILED, TaskRefusal.NOT_BEFORE,
     TaskRefusal.LEASE_EXPIRED}
)  # fmt: skip
"""After these a gateway lets its lease go, as the gateway client does."""

CLAIM_EVERY_S = 6.0

FROZEN_IN_BETWEEN = 0.02
"""How often a claim leaves long after its gateway looked at its lease: no check of its own protects a process."""

WRONG_CLAIMS = 0.05
"""How often a gateway without a lease asks for work all the same, under the newest token it remembers."""


class GatewayProcess:
    """One gateway: at most one boot lives at a time; each boot forgets everything but the highest token."""

    def __init__(
        self, gateway_id: str, role: Role, *, ports: Ports, scheduler: Scheduler, network: Network, history: History,
        random: Random,
    ) -> None:  # fmt: skip
        self.id = gateway_id
        self.role = role
        self.identity = Identity(tenant_id=TENANT, object_id=f"oid-{gateway_id}")
        self.rate = random.uniform(0.98, 1.02)  # how fast its clock runs
        self.lease = Lease()
        self.alive = False
        self.frozen_until_s = 0.0
        self.boot = 0
        self._registered = False
        self._draining = False
        self._ports, self._scheduler, self._network, self._history = ports, scheduler, network, history
        self._random = random

    @property
    def local_s(self) -> float:
        """The gateway's own clock; it goes on while the process is frozen."""
        return 1000.0 + self._scheduler.now_s * self.rate

    def start(self) -> None:
        """Boot."""
        self.alive, self._registered, self._draining = True, False, False
        self.boot += 1
        self.lease = Lease(highest_token=self.lease.highest_token)
        self._note(f"boots (boot {self.boot})")
        boot = self.boot
        self._go_on(boot, f"{self.id}/{boot}", self._live)
        self._go_on(boot, f"{self.id}/{boot}/work", self._work)

    def kill(self) -> None:
        """Die at once, or stay dead."""
        if self.alive:
            self._note("is killed")
        self.alive = False

    def freeze(self, seconds: float) -> None:
        """Stop the process for a while, as SIGSTOP does."""
        self.frozen_until_s = max(self.frozen_until_s, self._scheduler.now_s + seconds)

    def _lives(self, boot: int) -> bool:
        """Whether this boot still runs; waits while it is frozen."""
        while self.frozen_until_s > self._scheduler.now_s:
            self._scheduler.sleep(self.frozen_until_s - self._scheduler.now_s)
        return self.alive and self.boot == boot

    def _go_on(self, boot: int, name: str, act: Callable[[int], float]) -> None:
        """Act once and again, as long as this boot lives; `act` returns the pause in seconds."""

        def once() -> None:
            if self._lives(boot):
                self._scheduler.start(name, once, in_s=act(boot))

        self._scheduler.start(name, once)

    def _live(self, boot: int) -> float:
        if self._registered:
            self._beat(boot)
            return self._ports.policy.heartbeat_interval_s / self.rate
        self._register(boot)
        return 3.0

    def _register(self, boot: int) -> None:
        registration = Registration(
            gateway_id=self.id, environment=PRO.name, role=self.role, boot_id=f"boot-{boot}", region="", version="1"
        )

        def answered(answer: Gateway | Refused) -> None:
            if self._lives(boot) and isinstance(answer, Gateway):
                self._registered = True

        self._request(boot, "register", lambda: register_gateway(self._ports, registration, self.identity), answered)

    def _beat(self, boot: int) -> None:
        self.lease = self.lease.sent(self.local_s)
        sequence, token = self.lease.newest_sequence, self.lease.fencing_token
        self._history.add(BeatSent(at_s=self._scheduler.now_s, gateway=self.id, boot=boot, sequence=sequence,
                                   local_s=self.local_s))  # fmt: skip
        heartbeat = Heartbeat(
            boot_id=f"boot-{boot}", role=self.role.value, environment=PRO.name, version="1",
            token_seen=None if token is None else FencingToken(token),
        )  # fmt: skip

        def answered(answer: BeatAnswer) -> None:
            if self._lives(boot):
                self._take(boot, sequence, answer)

        self._request(boot, f"beat-{sequence}",
                      lambda: beat(self._ports, self.id, PRO.name, heartbeat, self.identity), answered)  # fmt: skip

    def _take(self, boot: int, sequence: int, answer: BeatAnswer) -> None:
        policy = self._ports.policy
        try:
            heard = answers.heartbeat(beat_document(self.id, sequence, answer, policy))
        except answers.Malformed:
            self._history.reached["heartbeat answer without a status"] += 1
            return
        self._history.add(BeatAnswered(
            at_s=self._scheduler.now_s, gateway=self.id, boot=boot, sequence=sequence, active=heard.lease.is_active,
            token=heard.lease.fencing_token, lease_s=heard.lease.lease_s,
        ))  # fmt: skip
        if answer.lease_refusal:
            self._history.reached[f"lease refused: {answer.lease_refusal}"] += 1
        if self.lease.takes(heard.lease):
            self._draining = heard.draining
        else:
            self._history.reached["late heartbeat answer ignored"] += 1
        self.lease = self.lease.answered(heard.lease, own_margin_s=policy.gateway_margin_s)

    def _work(self, boot: int) -> float:
        token = self.lease.fencing_token
        if token is not None and self.lease.may_act(self.local_s) and not self._draining:
            if self._random.random() < FROZEN_IN_BETWEEN:
                self._scheduler.sleep(self._random.uniform(1.0, 150.0))
            self._claim(boot, token)
        elif self._random.random() < WRONG_CLAIMS and self.lease.highest_token:
            self._claim(boot, self.lease.highest_token)
        return self._random.uniform(0.5, 1.5) * CLAIM_EVERY_S

    def _claim(self, boot: int, token: int) -> None:
        caller = Caller(gateway_id=self.id, environment=PRO.name, token=FencingToken(token))
        limit = self._random.choice((1, 1, 3))

        def answered(answer: Sequence[Task] | WorkRefused) -> None:
            if not self._lives(boot):
                return
            if isinstance(answer, WorkRefused):
                self._refused("claim", token, answer)
                return
            for task in answer:
                if task.token == token:
                    name = f"{self.id}/{boot}/{task.id}.{task.attempt}"
                    self._scheduler.start(name, partial(self._execute, boot, caller, task))

        self._request(boot, "claim", lambda: claim_tasks(self._ports, caller, self.identity, limit=limit), answered)

    def _execute(self, boot: int, caller: Caller, task: Task) -> None:
        for _ in range(self._random.choice((1, 1, 2, 4))):
            self._scheduler.sleep(self._random.uniform(0.2, 14.0))
            if not self._may_start(boot, caller):
                break
            self._history.add(EffectStarted(
                at_s=self._scheduler.now_s, gateway=self.id, boot=boot, local_s=self.local_s, token=caller.token,
                task=task.id, attempt=task.attempt,
            ))  # fmt: skip
            self._report(boot, caller, task, TaskStatus.RUNNING)
        # Telling how it ended is safe at any time: the fence decides. So the end is told even after a pause.
        if self._lives(boot):
            end = TaskStatus.SUCCEEDED if self._random.random() < 0.9 else TaskStatus.FAILED
            for _ in range(self._random.choice((1, 1, 2))):
                self._report(boot, caller, task, end)
                self._scheduler.sleep(self._random.uniform(0.1, 6.0))

    def _may_start(self, boot: int, caller: Caller) -> bool:
        return self._lives(boot) and self.lease.fencing_token == caller.token and self.lease.may_act(self.local_s)

    def _report(self, boot: int, caller: Caller, task: Task, status: TaskStatus) -> None:
        report = TaskReport(task_id=task.id, attempt=task.attempt, status=status, result={"by": self.id})

        def answered(answer: Reported | WorkRefused) -> None:
            if isinstance(answer, WorkRefused):
                if self._lives(boot):
                    self._refused(status.value, caller.token, answer)
            elif answer is Reported.REPEATED:
                self._history.reached["completion repeated"] += 1

        self._request(boot, f"{status.value} {task.id}.{task.attempt}",
                      lambda: report_task(self._ports, caller, self.identity, report), answered)  # fmt: skip

    def _refused(self, what: str, token: int, answer: WorkRefused) -> None:
        self._history.reached[f"work refused: {answer.reason.value}"] += 1
        self._note(f"{what} refused: {answer.reason.value}")
        if answer.reason in LEASE_IS_GONE:
            self.lease = self.lease.dropped(token)

    def _request(self, boot: int, what: str, ask: Callable[[], T], answered: Callable[[T], None]) -> None:
        self._network.request(f"{self.id}/{boot}/{what}", self.id, ask, answered)

    def _note(self, text: str) -> None:
        self._history.add(Note(at_s=self._scheduler.now_s, who=self.id, text=text))
