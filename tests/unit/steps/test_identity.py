"""A gateway is bound to the identity that registered it: nobody else beats, claims or reports for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from devhost.simulation.world import World
from shared.domain.environments import Role
from shared.domain.faults import NotAuthorized
from shared.domain.gateways import Heartbeat
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import TaskStatus
from shared.ports import TaskReport
from shared.steps.gateway_calls import Registration, beat, claim_tasks, register_gateway, report_task
from tests.unit.steps.acting import everything

HEARTBEAT = Heartbeat(boot_id="boot-1", role="primary", environment="PRO", token_seen=None, version="1")
REPORT = TaskReport(task_id="task-1", attempt=1, status=TaskStatus.SUCCEEDED, result={})

CALLS: dict[str, Callable[[World], object]] = {
    "beat": lambda world: beat(world.ports, world.primary.id, "PRO", HEARTBEAT, world.dr.identity),
    "claim": lambda world: claim_tasks(world.ports, world.primary.caller, world.dr.identity, limit=1),
    "report": lambda world: report_task(world.ports, world.primary.caller, world.dr.identity, REPORT),
}


@pytest.mark.parametrize("call", CALLS)
def test_another_identity_can_do_nothing_for_a_gateway(call: str) -> None:
    world = World().founded()
    before = everything(world)

    with pytest.raises(NotAuthorized):
        CALLS[call](world)

    assert everything(world) == before


def test_another_identity_cannot_register_a_known_gateway_anew() -> None:
    world = World().founded()
    before = everything(world)
    stranger = replace(world.primary.identity, object_id="oid-of-somebody-else")
    registration = Registration(
        gateway_id=world.primary.id, environment="PRO", role=Role.PRIMARY, boot_id="boot-9", region="r", version="1"
    )

    answer = register_gateway(world.ports, registration, stranger)

    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.IDENTITY_MISMATCH
    assert everything(world) == before
