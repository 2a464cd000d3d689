"""Play an orchestrator against the real Durable library and the host's replay, with a clock the test moves."""

# The Durable library has no type hints.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df

from devhost.host import history
from devhost.host.conversation import exception_details, orchestrator_context, raised_state, returned_state
from devhost.host.decisions import CreateTimer, Outcome, Registered, RuntimeStatus, ScheduleActivity
from devhost.host.episode import plan, start_message
from devhost.host.history import Event, EventType
from devhost.host.records import EpisodeWrites, Instance, Message, Work
from devhost.host.replay import replay

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
Orchestrator = Callable[[Any], Generator[Any, Any, Any]]


class Simulation:
    """One instance; every `episode` delivers messages and returns what was decided."""

    def __init__(self, orchestrator: Orchestrator, value: object = None) -> None:
        self.now = START
        self.past: tuple[Event, ...] = ()
        self.contexts: list[dict[str, Any]] = []
        self.registered = Registered(activities=frozenset({"work", "other"}), orchestrators=frozenset({"sub"}))
        self._ids = (f"execution-{number}" for number in itertools.count(2))
        self.instance = Instance(
            instance_id="one",
            execution_id="execution-1",
            name="sample",
            version="7",
            status=RuntimeStatus.PENDING,
            input_text=json.dumps(json.dumps(value)),
            output=None,
            custom_status=None,
            created_at=START,
            updated_at=START,
        )
        self.become(orchestrator)

    def become(self, orchestrator: Orchestrator) -> None:
        """Deploy other code."""
        self._call = df.Orchestrator.create(orchestrator)

    def begin(self) -> Outcome:
        """The first episode."""
        return self.episode(start_message(self.instance, self.now).event)

    def episode(self, *messages: Event) -> Outcome:
        """Deliver these messages now and commit the outcome."""
        new = (history.orchestrator_started(self.now), *messages)
        context = orchestrator_context("one", self.past, new, None)
        self.contexts.append(json.loads(context))
        try:
            result = returned_state(self._call(context))
        except Exception as error:
            found = raised_state(str(error))
            if found is None:
                raise
            result = found
        outcome = replay("sample", (*self.past, *new), result, self.registered)
        self._commit(new, outcome)
        return outcome

    def _commit(self, new: tuple[Event, ...], outcome: Outcome) -> None:
        waiting = tuple(Message(seq=seq, due_at=self.now, event=event) for seq, event in enumerate(new[1:]))
        work = Work(instance=self.instance, past=self.past, messages=waiting)
        self.writes: EpisodeWrites = plan(work, new, outcome, self.now, lambda: next(self._ids))
        self.instance = self.writes.instance
        self.past = () if self.writes.replaces_history else (*self.past, *self.writes.events)

    def done(self, task_id: int, result: object = None) -> Event:
        return history.task_completed(self.now, task_id, json.dumps(result))

    def failed(self, task_id: int, text: str = "ValueError: no") -> Event:
        reason = f"Activity function 'work' failed:  {text}"
        return history.task_failed(self.now, task_id, reason, exception_details(text, ""))

    def fired(self, outcome: Outcome) -> Event:
        """Move the clock to the only timer of `outcome` and fire it."""
        (timer,) = [decision for decision in outcome.decisions if isinstance(decision, CreateTimer)]
        self.now = max(self.now, timer.fire_at)
        return history.timer_fired(timer.fire_at, timer.task_id, timer.fire_at)

    def raised(self, name: str, value: object) -> Event:
        return history.event_raised(self.now, name, json.dumps(value))

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


def ids(outcome: Outcome) -> list[tuple[str, int]]:
    """The decisions as pairs of kind and id."""
    return [("activity" if isinstance(item, ScheduleActivity) else "timer", item.task_id) for item in outcome.decisions]


def kinds(events: tuple[Event, ...]) -> list[EventType]:
    return [EventType(event["EventType"]) for event in events]
