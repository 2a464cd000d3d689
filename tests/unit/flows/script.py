"""A driver with canned answers: it records what a flow asks for and carries nothing out."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from shared.domain.operations import Step
from shared.domain.refusals import JsonValue
from shared.flows.commands import Call, Command, Flow, Sleep, StepOutcome, StepResult

Answers = Mapping[Step, Sequence[StepResult]]


def done(**data: JsonValue) -> StepResult:
    return StepResult(outcome=StepOutcome.DONE, data=data)


def skipped() -> StepResult:
    return StepResult(outcome=StepOutcome.SKIPPED, detail="could not be checked")


def waiting(retry_after_s: float, **data: JsonValue) -> StepResult:
    return StepResult(outcome=StepOutcome.WAITING, retry_after_s=retry_after_s, data=data)


def again() -> StepResult:
    return StepResult(outcome=StepOutcome.AGAIN, detail="the lock changed")


def stopped(code: str = "StepTimeout", detail: str = "waited 600 s") -> StepResult:
    return StepResult(outcome=StepOutcome.STOPPED, detail=detail, error={"code": code, "message": "No"})


def played(flow: Flow[None], answers: Answers | None = None, *, limit: int = 1000) -> list[Command]:
    """Return every command of a flow. A step answers with its canned results in turn, and is done without any."""
    left = {step: list(results) for step, results in (answers or {}).items()}
    commands: list[Command] = [next(flow)]
    while len(commands) <= limit:
        try:
            commands.append(flow.send(_answer(commands[-1], left)))
        except StopIteration:
            assert not any(left.values()), f"answers nobody asked for: {left}"
            return commands
    raise AssertionError(f"the flow did not end within {limit} commands")


def calls(commands: Iterable[Command]) -> list[Step]:
    """Return the steps that were run, in order."""
    return [command.step for command in commands if isinstance(command, Call)]


def sleeps(commands: Iterable[Command]) -> list[float]:
    """Return how long the flow slept each time, in seconds."""
    return [command.seconds for command in commands if isinstance(command, Sleep)]


def args_of(commands: Iterable[Command], step: Step) -> list[Mapping[str, JsonValue]]:
    """Return the arguments of each run of a step."""
    return [command.args for command in commands if isinstance(command, Call) and command.step is step]


def once_more(make: Callable[[], Flow[None]], answers: Answers) -> tuple[list[Command], list[Command]]:
    """Return the commands of two runs with the same answers."""
    return played(make(), answers), played(make(), answers)


def _answer(command: Command, left: Mapping[Step, list[StepResult]]) -> StepResult:
    if isinstance(command, Sleep):
        return StepResult(outcome=StepOutcome.DONE)
    results = left.get(command.step)
    return results.pop(0) if results else done()
