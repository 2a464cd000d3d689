"""Documents have the runbook's members, instants to the millisecond, and tokens as text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.domain.fencing import FencingToken
from shared.domain.gateways import ActivationStatus, BeatAnswer, Canary
from shared.domain.operations import (
    OperationKind,
    OperationStatus,
    Step,
    StepStatus,
    begin,
    finished,
    step_ended,
    step_started,
)
from shared.domain.tasks import RotationConfig, Task, TaskStatus
from shared.web.gateway_documents import beat_document, claimed_document, registration_document
from shared.web.responses import (
    config_document,
    gateway_health_document,
    gateways_document,
    operation_document,
    tasks_document,
    timestamp,
)
from tests.unit.builders import (
    DR,
    POLICY,
    PRIMARY,
    SECOND,
    T0,
    TOKEN,
    dr_gateway,
    failed_over_snapshot,
    failed_snapshot,
    lock,
    mirror,
    primary_gateway,
    request,
    sight,
    steady_snapshot,
)


def shown(document: Any) -> Any:
    """Return what a client reads: the document after a trip through JSON."""
    return json.loads(json.dumps(document, allow_nan=False))


def test_an_instant_is_in_utc_with_milliseconds() -> None:
    assert timestamp(datetime(2026, 3, 1, 12, 0, 0, 4_999, tzinfo=UTC)) == "2026-03-01T12:00:00.004Z"
    prague = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 7, 1, 1, 30, tzinfo=prague)) == "2026-06-30T23:30:00.000Z"
    assert timestamp(None) is None


def test_a_failed_primary_shows_what_the_runbook_looks_for() -> None:
    document = shown(gateway_health_document([failed_snapshot()], POLICY))
    assert document["as_of"] == "2026-03-01T12:00:00.000Z"
    assert (document["heartbeat_timeout_seconds"], document["failure_threshold"]) == (120.0, 3)
    assert document["monitor"]["status"] == "ok"
    primary, dr = document["gateways"]
    assert (primary["id"], primary["activation_status"]) == (PRIMARY, "failed")
    assert (primary["last_heartbeat"], primary["consecutive_failures"]) == ("2026-03-01T11:53:20.000Z", 3)
    assert (primary["heartbeat_age_seconds"], primary["lock_holder"]) == (400.0, True)
    assert (dr["id"], dr["role"], dr["activation_status"], dr["lock_holder"]) == (DR, "dr-standby", "standby", False)


def test_after_a_failover_the_dr_gateway_is_the_only_active_one() -> None:
    gateways = shown(gateways_document([failed_over_snapshot()], POLICY))
    active = [one["id"] for one in gateways if one["environment"] == "PRO" and one["activation_status"] == "active"]
    assert active == [DR]


def test_an_environment_shows_its_lock_and_its_mirror() -> None:
    environment = shown(gateway_health_document([steady_snapshot()], POLICY))["environments"][0]
    assert environment == {
        "id": "PRO",
        "lock": {"holder": PRIMARY, "fencing_token": str(TOKEN), "acquired_at": "2026-03-01T11:00:00.000Z"},
        "authority": "ok",
        "mirror": "raised",
        "operation": None,
        "stop_dr_due_at": None,
    }


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"database_reachable": False, "mirror": None}, "unreachable"),
        ({"mirror": None}, "pending"),
        ({"mirror": mirror(token=FencingToken(TOKEN - 1))}, "pending"),
        ({"mirror": mirror(token=FencingToken(TOKEN + 1))}, "ahead"),
        ({"lock": None}, "ahead"),
    ],
)
def test_a_mirror_that_is_not_the_lock_shows_how(changes: dict[str, Any], state: str) -> None:
    environment = shown(gateway_health_document([steady_snapshot(**changes)], POLICY))["environments"][0]
    assert environment["mirror"] == state


def test_a_monitor_that_has_not_ticked_lately_shows_as_blind() -> None:
    for ago_s, status in ((120, "ok"), (121, "blind")):
        seen = steady_snapshot(sight=sight(at=T0 - ago_s * SECOND))
        assert shown(gateway_health_document([seen], POLICY))["monitor"]["status"] == status


def test_gateways_are_a_bare_array_even_of_none() -> None:
    assert shown(gateways_document([], POLICY)) == []
    assert shown(gateways_document([steady_snapshot(primary=None, dr=None)], POLICY)) == []


def test_a_gateway_that_was_never_heard_shows_nothing_made_up() -> None:
    silent = primary_gateway(last_heartbeat=None, registered_at=T0)
    gateway = shown(gateways_document([steady_snapshot(primary=silent, dr=None, lock=None)], POLICY))[0]
    assert (gateway["last_heartbeat"], gateway["heartbeat_age_seconds"]) == (None, None)
    assert (gateway["consecutive_failures"], gateway["lock_holder"]) == (0, False)
    assert gateway["activation_status"] == "standby"


def test_a_blind_monitor_shows_as_blind() -> None:
    document = shown(gateway_health_document([steady_snapshot(sight=None)], POLICY))
    assert document["monitor"] == {"status": "blind", "last_tick_at": None, "watching_since": None}


def test_health_of_no_environment_at_all_is_a_document_too() -> None:
    document = shown(gateway_health_document([], POLICY))
    assert (document["as_of"], document["gateways"], document["monitor"]["status"]) == (None, [], "blind")


TASK = Task(
    id="task-1", environment="PRO", config_id="cfg-1", status=TaskStatus.RUNNING, attempt=2, created_at=T0,
    token=TOKEN, gateway_id=DR, claimed_at=T0 + SECOND, idempotency_key="key", payload={"secret": "name"},
)  # fmt: skip


def test_tasks_are_a_bare_array_with_the_members_the_runbook_reads() -> None:
    task = shown(tasks_document([TASK]))[0]
    assert (task["id"], task["status"], task["claimed_at"]) == ("task-1", "running", "2026-03-01T12:00:01.000Z")
    assert task["fencing_token"] == "1772366400000000000"
    pending = shown(tasks_document([replace(TASK, status=TaskStatus.PENDING, claimed_at=None, token=None)]))[0]
    assert (pending["claimed_at"], pending["fencing_token"]) == (None, None)
    assert shown(tasks_document([])) == []


def test_a_claimed_task_carries_all_a_gateway_needs() -> None:
    assert shown(claimed_document([TASK])) == {
        "tasks": [
            {
                "id": "task-1",
                "config_id": "cfg-1",
                "attempt": 2,
                "fencing_token": "1772366400000000000",
                "idempotency_key": "key",
                "payload": {"secret": "name"},
                "claimed_at": "2026-03-01T12:00:01.000Z",
            }
        ]
    }


def test_a_running_operation_shows_every_step() -> None:
    operation = begin(request(OperationKind.FAILOVER, reason="outage"))
    operation = step_started(operation, Step.VERIFY_PRIMARY_DOWN, now=T0 + SECOND)
    operation = step_ended(
        operation, Step.VERIFY_PRIMARY_DOWN, status=StepStatus.SUCCEEDED, detail="3 missed", now=T0 + 2 * SECOND
    )
    operation = step_started(operation, Step.START_DR_CLUSTER, now=T0 + 3 * SECOND)
    document = shown(operation_document(operation))
    assert (document["id"], document["type"], document["environment"]) == ("op-failover", "failover", "PRO")
    assert (document["status"], document["created_by"], document["reason"]) == ("running", "operator", "outage")
    assert (document["current_step"], document["point_of_no_return_passed"]) == ("start_dr_cluster", False)
    assert (document["result"], document["error"], document["ended_at"]) == (None, None, None)
    assert [step["runbook"] for step in document["steps"]] == ["1.1", "1.2", "1.3", "1.4", "1.4", "1.5", "1.6"]
    assert document["steps"][0] == {
        "id": "verify_primary_down",
        "runbook": "1.1",
        "status": "succeeded",
        "attempts": 1,
        "started_at": "2026-03-01T12:00:01.000Z",
        "ended_at": "2026-03-01T12:00:02.000Z",
        "detail": "3 missed",
        "point_of_no_return": False,
    }
    assert [step["id"] for step in document["steps"] if step["point_of_no_return"]] == ["activate_dr"]


def test_the_point_of_no_return_is_passed_once_its_step_has_succeeded() -> None:
    operation = begin(request(OperationKind.FAILBACK))
    operation = step_started(operation, Step.REACTIVATE_PRIMARY, now=T0)
    assert shown(operation_document(operation))["point_of_no_return_passed"] is False
    operation = step_ended(operation, Step.REACTIVATE_PRIMARY, status=StepStatus.SUCCEEDED, detail="", now=T0)
    assert shown(operation_document(operation))["point_of_no_return_passed"] is True


def test_an_ended_operation_shows_its_result_or_its_error() -> None:
    running = begin(request())
    result = {"fencing_token": "17"}
    done = finished(running, status=OperationStatus.SUCCEEDED, result=result, error={}, now=T0)
    failed = finished(running, status=OperationStatus.FAILED, result={}, error={"code": "StepTimeout"}, now=T0)
    assert shown(operation_document(done))["result"] == result
    assert shown(operation_document(done))["ended_at"] == "2026-03-01T12:00:00.000Z"
    assert shown(operation_document(failed))["error"] == {"code": "StepTimeout"}


def test_a_gateway_learns_its_status_and_the_policy_when_it_registers() -> None:
    assert shown(registration_document(primary_gateway(), lock(), POLICY)) == {
        "id": PRIMARY,
        "environment": "PRO",
        "role": "primary",
        "activation_status": "active",
        "policy": {
            "heartbeat_interval_seconds": 15.0,
            "request_timeout_seconds": 5.0,
            "lease_seconds": 60.0,
            "gateway_margin_seconds": 5.0,
        },
    }
    assert shown(registration_document(dr_gateway(), None, POLICY))["activation_status"] == "standby"


def test_a_heartbeat_is_answered_with_the_token_as_text() -> None:
    token = FencingToken(2**63 - 1)
    answer = BeatAnswer(status=ActivationStatus.ACTIVE, token=token, lease_s=60.0, lease_refusal=None, draining=False)
    assert shown(beat_document(PRIMARY, 7, answer, POLICY)) == {
        "id": PRIMARY,
        "sequence": 7,
        "activation_status": "active",
        "fencing_token": "9223372036854775807",
        "lease_seconds": 60.0,
        "lease_refusal": None,
        "draining": False,
        "canary": None,
        "heartbeat_interval_seconds": 15.0,
    }
    asked = replace(answer, canary=Canary(drill_id="PRO-drill", config={"name": "c"}, asked_at=T0))
    assert shown(beat_document(PRIMARY, 7, asked, POLICY))["canary"] == {
        "drill_id": "PRO-drill",
        "config": {"name": "c"},
    }


def test_a_heartbeat_that_table_storage_did_not_see_has_no_status() -> None:
    answer = BeatAnswer(status=None, token=None, lease_s=None, lease_refusal="not_before", draining=False)
    document = shown(beat_document(DR, 1, answer, POLICY))
    assert (document["activation_status"], document["fencing_token"], document["lease_seconds"]) == (None, None, None)
    assert document["lease_refusal"] == "not_before"


def test_a_config_is_shown_as_it_was_put() -> None:
    config = RotationConfig(id="cfg-1", environment="PRO", name="demo", payload={"a": [1]})
    assert shown(config_document(config)) == {
        "id": "cfg-1",
        "environment": "PRO",
        "name": "demo",
        "on_lost_owner": "requeue",
        "max_attempts": 3,
        "payload": {"a": [1]},
    }
