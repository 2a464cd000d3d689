"""Drives a flow in a plain loop: the third driver beside Durable and the seeded scheduler, for tests and reading."""

from collections.abc import Callable
from typing import Final

from shared.domain.operations import OperationRequest
from shared.flows.catalogue import flow_of
from shared.flows.commands import Call, Sleep, StepOutcome, StepResult
from shared.ports import Ports
from shared.steps.run_step import run_step

COMMANDS_LIMIT: Final = 100_000


def run_operation(ports: Ports, request: OperationRequest, *, sleep: Callable[[float], None]) -> None:
    """Carry an operation out from its beginning to its end.

    Running it again after an interruption is what a host does that lost its history: every step is idempotent,
    so the operation ends in the same state.

    Args:
        sleep: Waits that many seconds, e.g. by moving a test's clock.

    Raises:
        RuntimeError: The flow did not end within COMMANDS_LIMIT commands.
    """
    flow = flow_of(request.kind, needs_approval=request.needs_approval)
    command = next(flow)
    for _ in range(COMMANDS_LIMIT):
        match command:
            case Call(step, args):
                result = run_step(ports, request, step, args)
            case Sleep(seconds):
                sleep(seconds)
                result = StepResult(outcome=StepOutcome.DONE)
        try:
            command = flow.send(result)
        except StopIteration:
            return
    raise RuntimeError(f"operation {request.id} did not end")
