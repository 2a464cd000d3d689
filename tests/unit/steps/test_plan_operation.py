"""The dry run says what each step would do, and changes nothing at all."""

from collections.abc import Callable

import pytest

from devhost.simulation.world import World
from shared.domain.failover import Allowed, AlreadyDone, Joined
from shared.domain.faults import ClusterApiUnavailable, UnknownEnvironment
from shared.domain.operations import STEPS_OF, OperationKind, Step
from shared.domain.plans import WOULD, Plan
from shared.domain.refusals import RefusalCode, Refused
from shared.steps.begin_operation import new_request
from shared.steps.plan_operation import plan_operation
from tests.unit.steps.acting import begun, everything, failed_over, with_primary_back
from tests.unit.steps.test_two_person import marked

FAILOVER, FAILBACK = OperationKind.FAILOVER, OperationKind.FAILBACK


def planned(world: World, kind: OperationKind = FAILOVER) -> Plan:
    before = everything(world)
    request = new_request(world.ports, "PRO", kind, requested_by="first", requester_id="object-1", reason="why")
    plan = plan_operation(world.ports, request)
    assert everything(world) == before
    return plan


def would(plan: Plan, step: Step) -> str:
    return next(one.would for one in plan.steps if one.step is step)


def test_a_failover_of_a_failed_primary_is_planned_step_by_step() -> None:
    world = World().with_failed_primary()
    plan = planned(world)
    assert isinstance(plan.decision, Allowed)
    assert [one.step for one in plan.steps] == list(STEPS_OF[FAILOVER])
    assert would(plan, Step.VERIFY_PRIMARY_DOWN) == "go on: the evidence allows it"
    assert would(plan, Step.START_DR_CLUSTER) == "start the cluster and wait up to 900 s"
    assert would(plan, Step.VERIFY_DR_GATEWAY) == "wait up to 600 s for a heartbeat of gw-pro-dr"
    moves = (
        f"move the lock from gw-pro-primary to gw-pro-dr under a token above {world.lock.token}, and raise the fence"
    )
    assert would(plan, Step.ACTIVATE_DR) == moves


def test_a_refused_failover_is_planned_with_its_refusal() -> None:
    plan = planned(World().founded())
    assert isinstance(plan.decision, Refused)
    assert plan.decision.code is RefusalCode.PRIMARY_NOT_FAILED
    assert would(plan, Step.VERIFY_PRIMARY_DOWN).startswith("stop: Primary is not in failed state")


def test_a_failback_is_planned_from_what_the_primary_shows() -> None:
    plan = planned(with_primary_back(failed_over()), FAILBACK)
    assert isinstance(plan.decision, Allowed)
    assert would(plan, Step.SCHEDULE_DR_STOP) == "plan the stop of the DR cluster 1800 s later"
    assert "from gw-pro-dr to gw-pro-primary" in would(plan, Step.REACTIVATE_PRIMARY)


def test_a_marked_environment_is_planned_with_the_wait_for_its_second_administrator() -> None:
    plan = planned(marked(World().with_failed_primary()))
    assert plan.request.needs_approval
    assert would(plan, Step.AWAIT_APPROVAL) == "wait up to 900 s for another administrator"


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda world: world.clusters.begin_start("clusters/pro-dr"), "wait up to 900 s: the cluster is "),
        (lambda world: failing(world, ClusterApiUnavailable("down")), "ask Azure, which does not answer now"),
    ],
)
def test_the_start_is_planned_from_what_azure_says(prepare: Callable[[World], object], words: str) -> None:
    world = World().with_failed_primary()
    prepare(world)
    assert would(planned(world), Step.START_DR_CLUSTER).startswith(words)


def failing(world: World, failure: Exception) -> None:
    def state(_: str) -> object:
        raise failure

    world.clusters.state = state  # type: ignore[method-assign,assignment]


def test_without_postgresql_the_fence_would_stay_pending() -> None:
    world = World().with_failed_primary()
    world.work.database.down = True
    request = new_request(world.ports, "PRO", FAILOVER, requested_by="first", requester_id="object-1", reason="why")
    assert "PostgreSQL is away" in would(plan_operation(world.ports, request), Step.ACTIVATE_DR)


def test_what_runs_already_or_is_done_already_has_no_steps() -> None:
    world = World().with_failed_primary()
    running = begun(world)
    plan = planned(world)
    assert (plan.decision, plan.steps) == (Joined(running.id), ())
    done = planned(failed_over())
    assert isinstance(done.decision, AlreadyDone)
    assert done.steps == ()


def test_every_step_of_what_people_begin_can_be_planned() -> None:
    assert set(WOULD) == {Step.AWAIT_APPROVAL, *STEPS_OF[FAILOVER], *STEPS_OF[FAILBACK]}


def test_an_environment_that_nobody_declared_is_not_planned() -> None:
    world = World().founded()
    request = new_request(world.ports, "QA", FAILOVER, requested_by="first", requester_id="object-1", reason="why")
    with pytest.raises(UnknownEnvironment):
        plan_operation(world.ports, request)
