"""The JSON of the management API: an instance's status, its shaped history, its management addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from devhost.host.conversation import parse_text
from devhost.host.history import EVENT_NAMES, Event, EventType
from devhost.host.records import Instance
from devhost.host.settings import HostSettings

WEBHOOK_PATH = "/runtime/webhooks/durabletask"
_OPERATIONS = {
    "sendEventPostUri": "/raiseEvent/{eventName}",
    "terminatePostUri": "/terminate?reason={text}",
    "rewindPostUri": "/rewind?reason={text}",
    "restartPostUri": "/restart",
    "suspendPostUri": "/suspend?reason={text}",
    "resumePostUri": "/resume?reason={text}",
    "statusQueryGetUri": "",
    "purgeHistoryDeleteUri": "",
}
# Which completion each schedule event is merged into when a history is shown.
_SCHEDULES = {
    EventType.TASK_SCHEDULED: (EventType.TASK_COMPLETED, EventType.TASK_FAILED),
    EventType.CHILD_CREATED: (EventType.CHILD_COMPLETED, EventType.CHILD_FAILED),
}
_HIDDEN = frozenset({EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED})


def status_body(instance: Instance, *, with_input: bool) -> dict[str, Any]:
    """The status payload; input, output and custom status are the stored texts parsed once."""
    return {
        "name": instance.name,
        "instanceId": instance.instance_id,
        "runtimeStatus": instance.status.value,
        "input": parse_text(instance.input_text) if with_input else None,
        "customStatus": parse_text(instance.custom_status),
        "output": parse_text(instance.output),
        "createdTime": _seconds(instance.created_at),
        "lastUpdatedTime": _seconds(instance.updated_at),
    }


def shaped_history(events: Sequence[Event], *, with_output: bool, with_input: bool) -> list[dict[str, Any]]:
    """The history as the status API shows it.

    Event types are names, a schedule event is merged into its completion once there is one, episode marks are left
    out, and results and inputs appear only when asked for.
    """
    schedules: dict[tuple[EventType, int], Event] = {}
    for event in events:
        for completion in _SCHEDULES.get(EventType(event["EventType"]), ()):
            schedules[completion, event["EventId"]] = event
    merged = {id(schedules[_completion_key(event)]) for event in events if _completion_key(event) in schedules}
    shown: list[dict[str, Any]] = []
    for event in events:
        kind = EventType(event["EventType"])
        if kind in _HIDDEN or id(event) in merged:
            continue
        body = {key: value for key, value in event.items() if key not in ("EventId", "TaskScheduledId")}
        body["EventType"] = EVENT_NAMES[kind]
        schedule = schedules.get(_completion_key(event))
        if schedule is not None:
            body |= {"ScheduledTime": schedule["Timestamp"], "FunctionName": schedule["Name"]}
        for key, wanted in (("Result", with_output), ("Input", with_input)):
            if key in body:
                body[key] = parse_text(body[key]) if wanted else None
        shown.append(body)
    return shown


def _completion_key(event: Event) -> tuple[EventType, int]:
    return EventType(event["EventType"]), event.get("TaskScheduledId", -1)


def management_payload(origin: str, instance_id: str, settings: HostSettings) -> dict[str, str]:
    """The addresses for one instance; `INSTANCEID` keeps the placeholder the Durable library replaces."""
    base = f"{origin}{WEBHOOK_PATH}/instances/{quote(instance_id, safe=':@')}"
    payload = {"id": instance_id}
    for name, operation in _OPERATIONS.items():
        joint = "&" if "?" in operation else "?"
        payload[name] = f"{base}{operation}{joint}{_query(settings)}"
    return payload


def client_binding(origin: str, rpc_base: str, settings: HostSettings) -> str:
    """The JSON text of a Durable client binding."""
    create = f"{origin}{WEBHOOK_PATH}/orchestrators/{{functionName}}[/{{instanceId}}]?{_query(settings)}"
    return json.dumps(
        {
            "taskHubName": settings.hub_name,
            "connectionName": "Storage",
            "creationUrls": {
                "createNewInstancePostUri": create,
                "createAndWaitOnNewInstancePostUri": f"{create}&timeout={{timeoutInSeconds}}"
                "&pollingInterval={intervalInSeconds}",
            },
            "managementUrls": management_payload(origin, "INSTANCEID", settings),
            "baseUrl": f"{origin}{WEBHOOK_PATH}",
            "requiredQueryStringParameters": _query(settings),
            "rpcBaseUrl": rpc_base,
            "httpBaseUrl": rpc_base,
        }
    )


def flag(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    """A boolean of the query string; names and values ignore case."""
    value = {key.lower(): text for key, text in query.items()}.get(name.lower())
    return default if value is None else value.lower() == "true"


def _query(settings: HostSettings) -> str:
    return f"taskHub={quote(settings.hub_name)}&connection=Storage&code=local"


def _seconds(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
