"""What `EventStore` promises, on both backends."""

from dataclasses import replace

import pytest

from shared.domain.events import Event, EventType, next_event
from shared.domain.faults import Conflict
from tests.contract.tables.conftest import Stores
from tests.contract.tables.examples import NOON, fresh_environment


def timeline(environment: str, length: int) -> list[Event]:
    """Return the first events of an environment."""
    events: list[Event] = []
    for number in range(length):
        last = events[-1] if events else None
        event = next_event(
            last, environment=environment, id=f"op/{number}", type=EventType.STEP_ENDED, at=NOON,
            subject="výpadek “A”", data={"nested": {"list": [1, None, True, "x"]}},
        )  # fmt: skip
        events.append(event)
    return events


def test_an_environment_without_events_has_none(stores: Stores) -> None:
    environment = fresh_environment()
    assert list(stores.events.newest(environment, limit=10)) == []
    assert list(stores.events.after(environment, 0, limit=10)) == []


def test_events_come_back_newest_first_or_after_a_number_oldest_first(stores: Stores) -> None:
    events = timeline(fresh_environment(), 12)  # past nine, where text order and number order part
    for event in events:
        stores.events.insert(event)
    environment = events[0].environment
    assert list(stores.events.newest(environment, limit=100)) == events[::-1]
    assert list(stores.events.newest(environment, limit=2)) == [events[11], events[10]]
    assert list(stores.events.after(environment, 0, limit=100)) == events
    assert list(stores.events.after(environment, 3, limit=4)) == events[3:7]
    assert list(stores.events.after(environment, 12, limit=4)) == []
    assert list(stores.events.after(environment, 3, limit=0)) == []


def test_a_sequence_number_is_taken_once(stores: Stores) -> None:
    first = timeline(fresh_environment(), 1)[0]
    stores.events.insert(first)
    with pytest.raises(Conflict):
        stores.events.insert(replace(first, id="other"))
    assert list(stores.events.newest(first.environment, limit=5)) == [first]


def test_each_environment_has_a_timeline_of_its_own(stores: Stores) -> None:
    one, other = timeline(fresh_environment(), 1)[0], timeline(fresh_environment(), 1)[0]
    stores.events.insert(one)
    stores.events.insert(other)
    assert list(stores.events.after(one.environment, 0, limit=5)) == [one]
