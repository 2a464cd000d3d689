"""A reader of the timeline goes on from a number, and is told when its number cannot be."""

import pytest

from devhost.simulation.world import World
from shared.domain.audit_chain import anchor_of
from shared.domain.events import EventType
from shared.domain.faults import MalformedRequest, UnknownEnvironment
from shared.steps.event_pages import begin_reading, events_after
from shared.steps.timeline import record_event
from tests.unit.steps.acting import failed_over


def with_events(length: int) -> World:
    world = World()
    for number in range(length):
        record_event(world.ports, "PRO", event_id=f"e{number}", type=EventType.STEP_ENDED, subject="op")
    return world


def test_a_reader_goes_on_from_its_number_from_the_beginning_or_from_now() -> None:
    world = with_events(5)
    assert [begin_reading(world.ports, "PRO", after) for after in (0, 3, 5, None)] == [0, 3, 5, 5]
    assert [event.sequence for event in events_after(world.ports, "PRO", 3, limit=10)] == [4, 5]
    assert [event.sequence for event in events_after(world.ports, "PRO", 0, limit=2)] == [1, 2]


def test_a_timeline_without_events_is_read_from_its_beginning() -> None:
    assert [begin_reading(World().ports, "PRO", after) for after in (0, None)] == [0, 0]


def test_a_reader_that_has_seen_events_which_are_gone_is_told_so() -> None:
    with pytest.raises(MalformedRequest) as fault:
        begin_reading(with_events(5).ports, "PRO", 6)
    assert fault.value.problems == (("?after", "The newest event is 5; events were lost since"),)


def test_an_unknown_environment_is_a_callers_fault() -> None:
    with pytest.raises(UnknownEnvironment):
        begin_reading(World().ports, "XYZ", 0)


def test_the_end_of_an_operation_tells_an_anchor_of_the_audit() -> None:
    world = failed_over()
    (ended,) = [e for e in world.ports.events.newest("PRO", limit=50) if e.type is EventType.OPERATION_SUCCEEDED]
    newest = world.ports.audit.last("PRO")
    assert newest is not None
    assert ended.data["audit_anchor"] == anchor_of(newest).text
