"""Turn the events of the control plane and the gateways into sentences for the person watching.

Pure. An event is either news, told at once, or routine, counted and told together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from devhost.lab.names import GATEWAYS

Record = Mapping[str, Any]

NOT_TOLD: Final = frozenset({"at", "level", "logger", "event", "environment", "timestamp"})
LONGEST_DETAIL = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event in words. `counted_as` names the group it is summed up in; empty for news."""

    environment: str
    sentence: str
    counted_as: str = ""
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence with places for the event's fields."""

    template: str

    def __call__(self, record: Record) -> str:
        """Return the sentence; a field the event does not have shows as `?`."""
        return self.template.format_map(_Fields(record))


@dataclass(frozen=True, slots=True)
class Count:
    """Routine: only how often it happened is told, as `3 claimed`."""

    noun: str


class _Fields(dict[str, Any]):
    """The fields of an event, with short forms of the long ones."""

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.setdefault("gateway", record.get("gateway_id", record.get("holder", "?")))

    def __missing__(self, key: str) -> str:
        return "?"

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return shortened(str(value)) if isinstance(value, str) else value


def shortened(text: str) -> str:
    """Return the text on one line, cut where it gets long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_DETAIL else flat[: LONGEST_DETAIL - 1] + "…"


def _failed(record: Record) -> str:
    missed = record.get("consecutive_failures")
    return f"{_Fields(record)['gateway']} marked failed" + (f" ({missed} missed heartbeats)" if missed else "")


def _step(outcome: str) -> Callable[[Record], str]:
    def sentence(record: Record) -> str:
        fields = _Fields(record)
        section = f" ({fields['runbook']})" if record.get("runbook") else ""
        detail = f": {fields['detail']}" if record.get("detail") else ""
        return f"step {fields['step']}{section} {outcome}{detail}"

    return sentence


def _operation_ended(record: Record) -> str:
    fields = _Fields(record)
    detail = f": {fields['detail']}" if record.get("detail") else ""
    return f"{fields['type']} {str(record['event']).partition('.')[2]}{detail}"


def _draining(record: Record) -> str:
    gateway = _Fields(record)["gateway"]
    return f"{gateway} drains: no new tasks" if record.get("draining") else f"{gateway} may claim tasks again"


TELLS: Final[Mapping[str, Callable[[Record], str] | Count]] = {
    "gateway.registered": Text("{gateway} registered as {role}"),
    "gateway.suspect": Text("{gateway} is late: {consecutive_failures} missed heartbeat"),
    "gateway.failed": _failed,
    "gateway.recovered": Text("{gateway} is active again under a new token ({heartbeats_on_time} heartbeats on time)"),
    "gateway.deactivated": Text("{gateway} deactivated"),
    "monitor.blind": Text("health monitor is blind: {detail}; silence counts for nothing meanwhile"),
    "monitor.sight_restarted": Text("health monitor sees again after {seconds_since_last_tick} s"),
    "lock.founded": Text("environment lock founded; {gateway} holds it"),
    "lock.moved": Text("{gateway} holds the environment lock (token {fencing_token})"),
    "fence.raised": Text("fence raised in PostgreSQL (token {fencing_token})"),
    "mirror.pending": Text("fence not raised yet, PostgreSQL does not answer: {detail}"),
    "authority.regressed": Text("everything is refused: {detail}"),
    "operation.begun": Text("{type} begun, asked for by {requested_by}"),
    "operation.succeeded": _operation_ended,
    "operation.failed": _operation_ended,
    "operation.record_delayed": Text("step {step} could not be recorded yet: {detail}"),
    "operations.not_checked": Text("operations could not be checked: {detail}"),
    "step.succeeded": _step("done"),
    "step.failed": _step("failed"),
    "step.skipped": _step("skipped"),
    "notification.failed": Text("{channel} did not take {notification}: {detail}"),
    "notification.refused": Text("{channel} refused {notification}: {detail}"),
    "task.expired": Text("task {task_id} ran too long without progress; now {status}"),
    "task.queued": Count("queued"),
    "task.claimed": Count("claimed"),
    "task.succeeded": Count("succeeded"),
    "task.failed": Text("task {task_id} failed on {gateway}"),
    "tasks.not_expired": Text("stuck tasks could not be cleaned up: {detail}"),
    "write.refused": Text("{gateway} was refused a {write}: {reason}"),
    "heartbeat.not_recorded": Text("heartbeat of {gateway} was not recorded: {detail}"),
    "lease.not_extended": Text("lease of {gateway} was not extended: {detail}"),
    "gateway.copy_pending": Text("registration of {gateway} is not in PostgreSQL yet: {detail}"),
}


# What a gateway says of itself. Of its tasks and refused writes the control plane tells, and once is enough.
GATEWAY_TELLS: Final[Mapping[str, Callable[[Record], str] | None]] = {
    "gateway.ready": Text("{gateway} beats; the control plane calls it {activation_status}"),
    "status.changed": Text("{gateway} learns that it is {activation_status} (was {former})"),
    "draining.changed": _draining,
    "lease.granted": Text("{gateway} has a lease and works"),
    "lease.lost": Text("{gateway} has no lease any more and stops working ({reason})"),
    "control_plane.away": Text("{gateway} hears nothing from the control plane ({detail})"),
    "control_plane.back": Text("{gateway} hears the control plane again"),
    "heartbeat.refused": Text("heartbeat of {gateway} refused: {detail}"),
    "registration.refused": Text("registration of {gateway} refused: {detail}"),
    "claim.unanswered": None,
    "task.claimed": None,
    "task.completed": None,
    "task.dropped": Text("{gateway} dropped task {task_id} before its effect ({reason})"),
    "write.refused": None,
}


def tell(source: str, record: Record) -> Told | None:
    """Return what the watcher is told of an event, or None for one that only the events file keeps.

    `source` is the name of the process that logged it; a gateway's events are about that gateway unless they say
    otherwise. An event without a sentence of its own is told only if it is a warning or worse, with its fields.
    """
    name = str(record.get("event", ""))
    gateway = next((one for one in GATEWAYS if one.id == source), None)
    if record.get("step") == "finish_operation":
        return None  # the end of the operation is told by its own event
    known = {"gateway": gateway.id, "environment": gateway.environment, **record} if gateway else dict(record)
    environment, about = str(known.get("environment") or ""), str(known.get("gateway") or known.get("gateway_id") or "")
    table: Mapping[str, Callable[[Record], str] | Count | None] = GATEWAY_TELLS if gateway else TELLS
    if name in table and table[name] is None:
        return None
    how = table.get(name)
    if isinstance(how, Count):
        return Told(environment=environment, sentence="", counted_as=how.noun, gateway=about)
    if how is not None:
        return Told(environment=environment, sentence=how(known), gateway=about)
    if name and str(record.get("level", "")).lower() in ("warning", "error", "critical"):
        fields = ", ".join(f"{key} {value}" for key, value in known.items() if key not in NOT_TOLD)
        return Told(environment=environment, sentence=shortened(f"{name}: {fields}"), gateway=about)
    return None


def parse_event(line: str) -> dict[str, Any] | None:
    """Return the event in a log line, or None for a line that holds none."""
    start = line.find("{")
    if start < 0:
        return None
    try:
        record, _ = json.JSONDecoder().raw_decode(line, start)  # a stack may follow the event
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("event"), str) else None


def power_sentence(cluster: str, power: str, provisioning: str) -> str:
    """Return what became of a cluster, in the words `az aks show` uses."""
    return f"cluster {cluster.split('/')[-1]}: power {power}, provisioning {provisioning}"


@dataclass(slots=True)
class Tally:
    """Routine events of one environment since the last summary."""

    counts: dict[str, int] = field(default_factory=dict)
    gateways: set[str] = field(default_factory=set)

    def add(self, told: Told) -> None:
        """Count one routine event."""
        self.counts[told.counted_as] = self.counts.get(told.counted_as, 0) + 1
        if told.gateway:
            self.gateways.add(told.gateway)

    def sentence(self) -> str:
        """Return the summary: `tasks: 3 claimed, 3 succeeded (gw-pro-dr)`; empty when there is nothing to say."""
        told = ", ".join(f"{number} {noun}" for noun, number in self.counts.items())
        if not told:
            return ""
        return f"tasks: {told}" + (f" ({', '.join(sorted(self.gateways))})" if self.gateways else "")
