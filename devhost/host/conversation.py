"""The two JSON texts of one orchestrator call: the context sent to the function and the state it returns.

Field names, including the misspelt one, are those the Durable extension sends for schema version V3
(`OrchestrationTriggerAttributeBindingProvider`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from devhost.host.decisions import OrchestratorResult
from devhost.host.history import Event

# What the Python library puts between the message of a failed orchestrator and its state.
STATE_MARKER = "$OutOfProcData$:"
# Azure Storage limits: timers beyond six days are split into steps of three.
LONG_TIMER_STEP = "3.00:00:00"
LONGEST_SHORT_TIMER = "6.00:00:00"


def orchestrator_context(
    instance_id: str, past: Sequence[Event], new: Sequence[Event], parent_instance_id: str | None
) -> str:
    """The JSON text for the orchestration trigger; `past` are committed events, `new` those of this episode."""
    history = [event | {"IsPlayed": True} for event in past] + [event | {"IsPlayed": False} for event in new]
    started = history[1]
    return json.dumps(
        {
            "history": history,
            "input": parse_text(started["Input"]),
            "instanceId": instance_id,
            "isReplaying": started["IsPlayed"],
            "parentInstanceId": parent_instance_id,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
            "longRunningTimerIntervalDuration": LONG_TIMER_STEP,
            "maximumShortTimerDuration": LONGEST_SHORT_TIMER,
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
    )


def parse_text(text: str | None) -> Any:
    """Stored JSON text parsed once; text that is not JSON stands for itself."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def returned_state(text: str) -> OrchestratorResult:
    """The result of an orchestrator function that returned normally."""
    return _result(json.loads(text))


def raised_state(message: str) -> OrchestratorResult | None:
    """The result hidden in the message of a failed orchestrator function, or None if there is none."""
    _, marker, state = message.partition(STATE_MARKER)
    return _result(json.loads(state)) if marker else None


def _result(state: dict[str, Any]) -> OrchestratorResult:
    return OrchestratorResult(
        actions=tuple(action for group in state["actions"] for action in group),
        is_done=state["isDone"],
        output=_text(state.get("output")),
        error=state.get("error"),
        custom_status=_text(state.get("customStatus")),
    )


def _text(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def exception_details(message: str, stack: str) -> str:
    """A serialised .NET exception: applications parse the second line of a failure, so it must be JSON."""
    return json.dumps(
        {
            "$type": "System.Exception, System.Private.CoreLib",
            "ClassName": "System.Exception",
            "Message": message,
            "Data": None,
            "InnerException": None,
            "HelpURL": None,
            "StackTraceString": stack,
            "RemoteStackTraceString": None,
            "HResult": -2146233088,
            "Source": None,
        }
    )
