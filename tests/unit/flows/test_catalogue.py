"""Every kind of operation has a flow, and the flow runs the steps the operation shows."""

import pytest

from shared.domain.operations import STEPS_OF, OperationKind, Step
from shared.flows.catalogue import FLOWS
from tests.unit.flows.script import calls, played


@pytest.mark.parametrize("kind", list(OperationKind))
def test_a_flow_runs_exactly_the_steps_its_operation_shows_and_then_ends_it(kind: OperationKind) -> None:
    assert calls(played(FLOWS[kind]())) == [*STEPS_OF[kind], Step.FINISH_OPERATION]
