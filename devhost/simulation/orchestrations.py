"""Drives operations as Durable Functions does: recorded results, replay after a death, activities at least once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from devhost.simulation.history import HandedOver, History, Note
from devhost.simulation.network import HOSTS
from devhost.simulation.scheduler import Killed, Scheduler
from devhost.simulation.trouble import Trouble
from shared.domain.faults import Conflict, Unavailable
from shared.domain.operations import POINTS_OF_NO_RETURN, OperationRequest, Step
from shared.domain.refusals import RefusalCode, Refused
from shared.flows.catalogue import flow_of
from shared.flows.commands import Call, Sleep, StepOutcome, StepResult
from shared.ports import Ports
from shared.steps.run_step import run_step

LOOKS: Final = (Step.LOOK_AGAIN, Step.LOOK_AGAIN_BEFORE_FAILBACK)


@dataclass(slots=True)
class _Instance:
    """One orchestration: its input and the results recorded so far."""

    request: OperationRequest
    recorded: list[StepResult] = field(default_factory=list)
    running: bool = True
    lives: int = 0


class Orchestrations:
    """The task hub that all hosts share."""

    def __init__(
        self, *, ports: Ports, scheduler: Scheduler, trouble: Trouble, history: History, random: Random
    ) -> None:
        self._ports, self._scheduler, self._trouble, self._history = ports, scheduler, trouble, history
        self._random = random
        self._instances: dict[str, _Instance] = {}

    @property
    def running(self) -> bool:
        """Whether an orchestration has not ended."""
        return any(instance.running for instance in self._instances.values())

    def start(self, request: OperationRequest) -> None:
        """Start the orchestration of an operation unless it runs already."""
        known = self._instances.get(request.id)
        if known is not None and known.running:
            return
        if known is not None:
            self._reach("ended orchestration started anew")
        self._instances[request.id] = _Instance(request)
        self._drive_on(self._instances[request.id], in_s=self._random.uniform(0, 0.5))

    def _drive_on(self, instance: _Instance, *, in_s: float) -> None:
        instance.lives += 1
        host = self._random.choice(HOSTS)
        actor = self._scheduler.start(
            f"driver {instance.request.id}.{instance.lives}@{host}", lambda: self._drive(instance), in_s=in_s,
            host=host, mortal=True,
        )  # fmt: skip
        actor.on_end = lambda killed: self._taken_over(instance) if killed else None

    def _taken_over(self, instance: _Instance) -> None:
        """Another host goes on, from the history or, once in a while, without it."""
        if self._random.random() < 0.2:
            instance.recorded.clear()
            self._reach("driver started again from the beginning")
        else:
            self._reach("driver resumed from its history")
        waits = ((0.0, 5.0), (5.0, 90.0), (90.0, 300.0))
        self._drive_on(instance, in_s=self._random.uniform(*self._random.choice(waits)))

    def _drive(self, instance: _Instance) -> None:
        flow = flow_of(instance.request.kind, needs_approval=instance.request.needs_approval)
        command = next(flow)
        try:
            for result in tuple(instance.recorded):
                command = flow.send(result)
            while True:
                self._may_die()
                result = self._carried_out(instance, command)
                self._may_die()  # the effect is done, and nobody has recorded it
                instance.recorded.append(result)
                if isinstance(command, Call) and command.step in LOOKS:
                    self._may_die(times=8)  # what was judged grows old before it is acted upon
                command = flow.send(result)
        except StopIteration:
            instance.running = False

    def _carried_out(self, instance: _Instance, command: Call | Sleep) -> StepResult:
        match command:
            case Sleep(seconds):
                self._scheduler.sleep(seconds)
                return StepResult(outcome=StepOutcome.DONE)
            case Call(step, args):
                recorded: Mapping[str, Any] = json.loads(json.dumps(dict(args)))
                self._deliver_again_later(instance.request, step, recorded)
                return self._run(instance.request, step, recorded)

    def _run(self, request: OperationRequest, step: Step, args: Mapping[str, Any]) -> StepResult:
        try:
            result = run_step(self._ports, request, step, args)
        except (Conflict, Unavailable) as failure:  # what the driver makes of a failed activity; the rest is a bug
            self._reach(f"step ended with {type(failure).__name__}")
            detail = f"{type(failure).__name__}: {failure}"
            refused = Refused(code=RefusalCode.STEP_FAULT, detail=detail)
            result = StepResult(outcome=StepOutcome.STOPPED, detail=detail, error=refused.to_json())
        self._tell(request, step, result)
        return StepResult.from_json(json.loads(json.dumps(result.to_json())))

    def _tell(self, request: OperationRequest, step: Step, result: StepResult) -> None:
        now_s, outcome = self._scheduler.now_s, result.outcome
        self._history.add(Note(at_s=now_s, who=request.id, text=f"{step.id}: {outcome.value}, {result.detail}"))
        if outcome is StepOutcome.STOPPED:
            self._reach(f"{step.id} stopped: {result.error.get('code')}")
        elif outcome is StepOutcome.AGAIN:
            self._reach("superseded, judged again")
        if step in POINTS_OF_NO_RETURN and outcome is StepOutcome.DONE:
            mirror = str(result.data.get("mirror"))
            self._reach(f"mirror {mirror}")
            token = int(str(result.data["fencing_token"]))
            self._history.add(HandedOver(at_s=now_s, operation=request.id, token=token, firm=mirror == "raised"))

    def _deliver_again_later(self, request: OperationRequest, step: Step, args: Mapping[str, Any]) -> None:
        if not self._trouble.active or self._random.random() >= self._trouble.swarm.late_duplicates:
            return
        ranges = ((0.0, 3.0), (3.0, 60.0), (60.0, 900.0))
        self._trouble.count("late duplicate of an activity", step.id)
        self._scheduler.start(
            f"duplicate {step.id} of {request.id}", lambda: self._repeat(request, step, args),
            in_s=self._random.uniform(*self._random.choice(ranges)), host=self._random.choice(HOSTS), mortal=True,
        )  # fmt: skip

    def _repeat(self, request: OperationRequest, step: Step, args: Mapping[str, Any]) -> None:
        result = self._run(request, step, args)
        if result.error.get("code") == RefusalCode.NOT_RUNNING_OPERATION.code:
            self._reach("late duplicate refused")

    def _may_die(self, *, times: int = 1) -> None:
        if self._trouble.active and self._random.random() < self._trouble.swarm.driver_deaths * times:
            self._trouble.count("driver died between two commands")
            raise Killed("driver")

    def _reach(self, what: str) -> None:
        self._history.reached[what] += 1
