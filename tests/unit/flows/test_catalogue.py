"""Every kind of operation has a flow, and the flow runs the steps the operation shows."""

import pytest

from shared.domain.operations import STEPS_OF, OperationKind, Step, steps_of
from shared.flows.catalogue import FLOWS, flow_of
from tests.unit.builders import request
from tests.unit.flows.script import calls, played, stopped


@pytest.mark.parametrize("kind", list(OperationKind))
def test_a_flow_runs_exactly_the_steps_its_operation_shows_and_then_ends_it(kind: OperationKind) -> None:
    assert calls(played(FLOWS[kind]())) == [*STEPS_OF[kind], Step.FINISH_OPERATION]


@pytest.mark.parametrize("kind", list(OperationKind))
@pytest.mark.parametrize("needs_approval", [False, True])
def test_an_approval_comes_before_everything_else(kind: OperationKind, *, needs_approval: bool) -> None:
    shown = steps_of(request(kind, needs_approval=needs_approval))
    assert calls(played(flow_of(kind, needs_approval=needs_approval))) == [*shown, Step.FINISH_OPERATION]
    assert (shown[0] is Step.AWAIT_APPROVAL) is needs_approval
    assert shown[needs_approval:] == STEPS_OF[kind]


def test_an_operation_that_is_not_approved_ends_at_once() -> None:
    commands = played(
        flow_of(OperationKind.FAILOVER, needs_approval=True), {Step.AWAIT_APPROVAL: [stopped("ApprovalExpired")]}
    )
    assert calls(commands) == [Step.AWAIT_APPROVAL, Step.FINISH_OPERATION]
