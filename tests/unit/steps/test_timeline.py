"""The timeline tells each fact once, in order, and never stands in the way of what it tells about."""

from devhost.simulation.world import World
from shared.domain.events import Event, EventType
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.operations import OperationKind
from shared.steps.timeline import record_event, tell
from tests.unit.steps.acting import carried_out, failed_over, with_primary_back

OFTEN = (EventType.STEP_ENDED, EventType.VERDICT_CHANGED)


def events(world: World) -> list[Event]:
    return list(world.ports.events.after("PRO", 0, limit=500))


def told(world: World, event_id: str) -> None:
    record_event(world.ports, "PRO", event_id=event_id, type=EventType.STEP_ENDED, subject="op")


def test_a_failover_and_a_failback_are_told_from_the_first_silence_to_the_end() -> None:
    world = with_primary_back(failed_over())
    carried_out(world, OperationKind.FAILBACK)
    types = [event.type.value for event in events(world) if event.type not in OFTEN]
    assert types == [
        "fence.raised",
        "gateway.failed", "operation.begun", "fence.raised", "operation.succeeded",
        "operation.begun", "fence.raised", "operation.succeeded",
    ]  # fmt: skip
    steps = [event.data["step"] for event in events(world) if event.type is EventType.STEP_ENDED]
    assert steps[:3] == ["verify_primary_down", "start_dr_cluster", "verify_dr_gateway"]
    assert steps[-1] == "schedule_dr_stop"
    assert [event.sequence for event in events(world)] == list(range(1, len(events(world)) + 1))


def test_a_fact_told_again_is_not_added_again() -> None:
    world = World()
    for _ in range(2):
        told(world, "one")
        told(world, "two")
    assert [event.id for event in events(world)] == ["one", "two"]


def test_a_lost_answer_is_recognised_and_a_taken_number_is_tried_again() -> None:
    answers = [OutcomeUnknown("no answer"), Conflict("taken")]

    def fault(point: str) -> None:
        if answers and point == ("events.insert.after" if len(answers) == 2 else "events.insert.before"):
            raise answers.pop(0)

    world = World(fault=fault)
    tell(world.ports, "PRO", event_id="one", type=EventType.STEP_ENDED, subject="op")
    told(world, "one")
    told(world, "two")
    assert [(event.sequence, event.id) for event in events(world)] == [(1, "one"), (2, "two")]
    assert not answers


def test_a_failover_ends_although_no_event_can_be_written() -> None:
    def fault(point: str) -> None:
        if point.startswith("events.") and point != "events.list":
            raise LockStoreUnavailable("events are away")

    world = failed_over(World(fault=fault))
    assert world.lock.holder == "gw-pro-dr"
    assert events(world) == []
