"""Turn a history and an orchestrator's answer into decisions, without touching disk, clock or network.

Two layers of the Durable extension meet here. The *shim* (`OutOfProcOrchestrationShim`) walks the action list one
top-level action at a time and waits for each before it starts the next. The Durable Task Framework
(`TaskOrchestrationExecutor`) feeds it the history event by event, checks that the code still asks for what the history
says it asked for, and lets the execution end only when none of its tasks is open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import IntEnum

from devhost.host.decisions import Completion, ContinueAsNew, OrchestratorResult, Outcome, Registered, RuntimeStatus
from devhost.host.history import Event, EventType, parse_time
from devhost.host.tasks import AllOf, AnyOf, Board, OrchestrationFault, Progress, Retry, Task, Wait

# The Durable extension refuses a larger custom status (16 KB of UTF-16).
CUSTOM_STATUS_LIMIT_BYTES = 16 * 1024


class ActionType(IntEnum):
    """The `actionType` numbers of `azure-functions-durable`."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_CHILD = 2
    CALL_CHILD_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    SCHEDULED_SIGNAL_ENTITY = 10
    WHEN_ANY = 11
    WHEN_ALL = 12


_COMPLETIONS = {
    EventType.TASK_COMPLETED: ("TaskScheduledId", Progress.SUCCEEDED),
    EventType.TASK_FAILED: ("TaskScheduledId", Progress.FAILED),
    EventType.CHILD_COMPLETED: ("TaskScheduledId", Progress.SUCCEEDED),
    EventType.CHILD_FAILED: ("TaskScheduledId", Progress.FAILED),
    EventType.TIMER_FIRED: ("TimerId", Progress.SUCCEEDED),
}
_CONFIRMATIONS = frozenset({EventType.TASK_SCHEDULED, EventType.TIMER_CREATED, EventType.CHILD_CREATED})


class _Shim:
    """The walk along the action list."""

    def __init__(self, board: Board, actions: Sequence[Event]) -> None:
        self._board = board
        self._actions = actions
        self._position = 0
        self._current: Wait | None = None
        self._retries: list[Retry] = []
        self.new_input: str | None = None
        self.continues_as_new = False

    @property
    def finished(self) -> bool:
        """Whether every action was started and waited for."""
        return self._position == len(self._actions)

    def advance(self) -> None:
        """Start whatever may start now."""
        # Retries go on even when the walk has moved past them, for instance losers of a WhenAny.
        for retry in self._retries:
            retry.poll()
        while not self.finished:
            if self._current is None:
                self._current = self._start(self._actions[self._position])
            if not self._current.poll():
                return
            self._current = None
            self._position += 1

    def _start(self, action: Event) -> Wait:
        board = self._board
        match action["actionType"]:
            case ActionType.CALL_ACTIVITY | ActionType.CALL_CHILD:
                return self._attempt(action)()
            case ActionType.CALL_ACTIVITY_WITH_RETRY | ActionType.CALL_CHILD_WITH_RETRY:
                return self._retry(action)
            case ActionType.CONTINUE_AS_NEW:
                self.continues_as_new = True
                self.new_input = _wrapped(action.get("input"))
                return Task(Progress.SUCCEEDED)
            case ActionType.CREATE_TIMER:
                fire_at = parse_time(action["fireAt"])
                return board.create_cancelled_timer(fire_at) if action["isCanceled"] else board.create_timer(fire_at)
            case ActionType.WAIT_FOR_EVENT:
                return board.wait_for_event(action["externalEventName"])
            case ActionType.WHEN_ANY:
                return AnyOf([self._start(member) for member in action["compoundActions"]])
            case ActionType.WHEN_ALL:
                return AllOf([self._start(member) for member in action["compoundActions"]])
        raise OrchestrationFault(
            f"The local host does not offer the action {ActionType(action['actionType']).name}: "
            "entities and call_http run on Azure only."
        )

    def _attempt(self, action: Event) -> Callable[[], Task]:
        name = action["functionName"]
        if action["actionType"] in (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY):
            return lambda: self._board.schedule_activity(name, action.get("input"))
        return lambda: self._board.start_child(
            name, _wrapped(action.get("input")), action.get("instanceId"), action.get("version")
        )

    def _retry(self, action: Event) -> Retry:
        options = action["retryOptions"]
        interval = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        retry = Retry(self._board, self._attempt(action), interval, options["maxNumberOfAttempts"])
        self._retries.append(retry)
        return retry


def _wrapped(text: str | None) -> str | None:
    """The action's input string as JSON text once more: the extension serialises it again on its way out."""
    return None if text is None else json.dumps(text)


class _Execution:
    """Feeds the history to the walk."""

    def __init__(self, result: OrchestratorResult, registered: Registered, first: Event) -> None:
        self.board = Board(registered, parse_time(first["Timestamp"]))
        self.shim = _Shim(self.board, result.actions)
        self.suspended = False
        self.carried: list[Event] = []

    def receive(self, event: Event) -> None:
        """Process one event.

        Events of a suspended execution are processed too: Azure holds them back until it is resumed, but what they
        lead to is the same, since a suspended execution decides nothing and does not end.
        """
        kind = EventType(event["EventType"])
        if kind is EventType.EXECUTION_SUSPENDED:
            self.suspended = True
        elif kind is EventType.EXECUTION_RESUMED:
            self.suspended = False
        else:
            self._process(kind, event)

    def _process(self, kind: EventType, event: Event) -> None:
        if kind is EventType.ORCHESTRATOR_STARTED:
            self.board.now = parse_time(event["Timestamp"])
        elif kind in _CONFIRMATIONS:
            self.board.confirm(event)
        elif kind in _COMPLETIONS:
            key, progress = _COMPLETIONS[kind]
            self.board.complete(event[key], progress)
            self.shim.advance()
        elif kind is EventType.EVENT_RAISED and self.shim.continues_as_new:
            self.carried.append(event)
        elif kind is EventType.EVENT_RAISED:
            self.board.raise_event(event)
            self.shim.advance()
        elif kind is EventType.EXECUTION_STARTED:
            self.shim.advance()


def replay(name: str, history: Sequence[Event], result: OrchestratorResult, registered: Registered) -> Outcome:
    """What the host must do after this episode of orchestrator `name`.

    `history` is the whole history, this episode's new events included, starting with OrchestratorStarted and
    ExecutionStarted. Changed code, an unknown function or an action that is not hosted end in a Failed outcome.
    """
    execution = _Execution(result, registered, history[0])
    try:
        _check_custom_status(result.custom_status)
        for event in history:
            execution.receive(event)
    except OrchestrationFault as fault:
        return failed_outcome(str(fault), next_task_id=execution.board.next_id)
    pending = execution.board.pending
    return Outcome(
        decisions=() if execution.suspended else tuple(pending[task_id] for task_id in sorted(pending)),
        end=_end(name, execution, result),
        custom_status=result.custom_status,
        suspended=execution.suspended,
        next_task_id=execution.board.next_id,
    )


def failed_outcome(output: str, *, next_task_id: int) -> Outcome:
    """An outcome that fails the instance with this output and schedules nothing."""
    return Outcome(
        decisions=(),
        end=Completion(status=RuntimeStatus.FAILED, output=output),
        custom_status=None,
        suspended=False,
        next_task_id=next_task_id,
    )


def _end(name: str, execution: _Execution, result: OrchestratorResult) -> Completion | ContinueAsNew | None:
    over = execution.shim.finished and not execution.board.has_open_tasks
    if execution.suspended or not over:
        return None
    if result.error is not None:
        return Completion(
            status=RuntimeStatus.FAILED,
            output=f"Orchestrator function '{name}' failed: {result.error}",
            details=f"Message: {result.error}, StackTrace: ",
        )
    if not result.is_done:
        return None
    if execution.shim.continues_as_new:
        return ContinueAsNew(input_text=execution.shim.new_input, carried=tuple(execution.carried))
    return Completion(status=RuntimeStatus.COMPLETED, output=result.output)


def _check_custom_status(text: str | None) -> None:
    if text is not None and len(text.encode("utf-16-le")) > CUSTOM_STATUS_LIMIT_BYTES:
        raise OrchestrationFault("The size of the custom status payload cannot exceed 16 KB of UTF-16 text.")
