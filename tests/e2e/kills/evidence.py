"""What is left to read after an operation: a report that adds up to its wall time, and an audit chain that holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.domain.operations import Operation, OperationKind
from tests.e2e.kills.rig import Rig

FINEST = timedelta(milliseconds=1)  # what reports cut off


def evidence_of(rig: Rig, operation: Operation, *, asked_at: datetime, ended_by: datetime) -> dict[str, object]:
    """Check report and audit chain of an ended operation; return what they tell, in words that can be compared.

    Args:
        asked_at: Before anybody could begin the operation.
        ended_by: When it was first seen to have ended.
    """
    document = rig.insist("GET", f"admin/operations/{operation.request.id}/report").json()
    assert_it_adds_up(document, operation.request.kind)
    requested_at, ended_at = (datetime.fromisoformat(document[name]) for name in ("requested_at", "ended_at"))
    assert asked_at - FINEST <= requested_at <= ended_at <= ended_by, document
    checked = rig.insist("GET", f"admin/environments/{operation.request.environment}/audit/verify").json()
    assert (checked["status"], checked["broken"]) == ("intact", None), checked
    own = [event for event in document["events"] if event["subject"] == operation.request.id]
    return {
        "audited": [entry["action"] for entry in document["audit"]],
        "told": sorted((event["type"], event["data"].get("step", "")) for event in own),
        "reported steps": {step["id"]: step["status"] for step in document["steps"]},
    }


def assert_it_adds_up(document: dict[str, Any], kind: OperationKind) -> None:
    """The phases make up the time from beginning to end, and the steps the last phase, to the millisecond."""
    times, failover = document["recovery_time"], kind is OperationKind.FAILOVER
    phases = ("detect", "decide", "execute") if failover else ("execute",)
    began_at = document["outage_started_at" if failover else "requested_at"]
    unknown = {one["pointer"] for one in document["unknown"]}
    assert not unknown & {f"/recovery_time/{phase}_seconds" for phase in (*phases, "total")}, document
    total_ms = _ms(times["total_seconds"])
    assert total_ms == sum(_ms(times[f"{phase}_seconds"]) for phase in phases), document
    assert total_ms == _ms(_between(began_at, document["ended_at"])), document
    assert _ms(times["execute_seconds"]) == _ms(_between(document["requested_at"], document["ended_at"])), document
    shares_ms = [_ms(step["share_seconds"]) for step in document["steps"]]
    assert sum(shares_ms) + _ms(document["between_steps_seconds"]) == _ms(times["execute_seconds"]), document


def _between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
