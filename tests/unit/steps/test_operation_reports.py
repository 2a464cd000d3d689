"""A report says where the time went and what changed; what the stores do not tell is null with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import PRO, World
from shared.domain.events import EventType
from shared.domain.faults import DatabaseUnavailable, UnknownEnvironment, UnknownOperation
from shared.domain.operations import OperationKind, OperationRequest, OperationStatus, Step
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue
from shared.domain.tasks import OnLostOwner, RotationConfig
from shared.flows.commands import StepOutcome
from shared.ports import Ports, WorkRefused
from shared.steps import operation_reports
from shared.steps.begin_drill import begin_drill
from shared.steps.begin_operation import Begun, begin_operation
from shared.steps.gateway_calls import claim_tasks
from shared.steps.operation_reports import read_history, report_operation
from shared.steps.reconcile import sync_mirrors
from shared.steps.run_step import run_step
from shared.steps.timeline import record_event
from shared.web.report_documents import history_document, report_document
from shared.web.report_markdown import report_markdown
from tests.unit.steps.acting import begun, carried_out, failed_over, with_primary_back


def shown(document: Any) -> Any:
    """Return what a client reads: the document after a trip through JSON."""
    return json.loads(json.dumps(document, allow_nan=False))


def report(world: World, operation_id: str, ports: Ports | None = None) -> Any:
    return shown(report_document(report_operation(ports or world.ports, operation_id)))


def newest(world: World) -> str:
    return world.ports.operations.list("PRO", limit=1)[0].request.id


def reasons(document: Any) -> dict[str, str]:
    return {one["pointer"]: one["reason"] for one in document["unknown"]}


def in_ms(seconds: float) -> int:
    return round(seconds * 1000)


def with_lost_work() -> World:
    """Return a world whose primary failed while it ran three tasks: to be requeued, held in doubt, and given up.

    No task expires before the fence is raised.
    """
    world = World(policy=Policy(task_timeout_s=1e6)).founded()
    for name, on_lost_owner, attempts in (
        ("again", OnLostOwner.REQUEUE, 3), ("hold", OnLostOwner.HOLD, 3), ("once", OnLostOwner.REQUEUE, 1),
    ):  # fmt: skip
        config = RotationConfig(
            id=name, environment="PRO", name=name, on_lost_owner=on_lost_owner, max_attempts=attempts
        )
        world.work.put_config(config)
        world.work.add_task(config, task_id=f"task-{name}", idempotency_key=name)
    world.primary.beat()
    claimed = claim_tasks(world.ports, world.primary.caller, world.primary.identity, limit=10)
    assert not isinstance(claimed, WorkRefused)
    assert len(claimed) == 3
    world.watchers.append(lambda: work_on(world))
    world.primary.alive = False
    world.pass_time(world.policy.heartbeat_timeout_s * (world.policy.failure_threshold + 0.5))
    return world


def work_on(world: World) -> None:
    """Let the DR gateway claim what waits, once it may."""
    if world.lock.holder == world.dr.id and world.dr.alive and world.dr.answer and world.dr.answer.token:
        claim_tasks(world.ports, world.dr.caller, world.dr.identity, limit=10)


def test_a_failover_is_split_into_phases_that_add_up_to_the_wall_time() -> None:
    world = World().with_failed_primary()
    world.clock.time += timedelta(microseconds=123_456)
    operation = carried_out(world)
    document = report(world, operation.request.id)
    time = document["recovery_time"]
    assert in_ms(time["total_seconds"]) == sum(
        in_ms(time[f"{phase}_seconds"]) for phase in ("detect", "decide", "execute")
    )
    assert operation.ended_at is not None
    assert operation.outage_started_at is not None
    wall = operation.ended_at - operation.outage_started_at
    assert abs(wall / timedelta(milliseconds=1) - in_ms(time["total_seconds"])) < 1
    steps = sum(in_ms(step["share_seconds"]) for step in document["steps"])
    assert steps + in_ms(document["between_steps_seconds"]) == in_ms(time["execute_seconds"])
    assert (time["target_seconds"], time["target_met"]) == (1800.0, True)
    assert time == shown(operation.result["recovery_time"])
    assert document["unknown"] == []


def test_a_report_tells_who_why_and_what_changed() -> None:
    world = World().with_failed_primary()
    before = world.lock
    operation = carried_out(world)
    document = report(world, operation.request.id)
    assert document["operation"]["requested_by"] == "operator"
    assert document["operation"]["reason"] == "test"
    assert document["lock"] == {
        "before": {"holder": "gw-pro-primary", "fencing_token": str(before.token)},
        "after": {"holder": "gw-pro-dr", "fencing_token": str(world.lock.token)},
    }
    assert [(entry["action"], entry["actor"]) for entry in document["audit"]] == [
        ("failover.begun", "operator"), ("lock.moved", "operator"), ("failover.succeeded", "operator"),
    ]  # fmt: skip
    types = [event["type"].removeprefix("com.mazevault.dr.") for event in document["events"]]
    types = [told for told in types if told != "verdict.changed"]
    assert types[0] == "gateway.failed"
    assert types[-1] == "operation.succeeded"
    start = document["steps"][1]
    assert (start["id"], start["runbook"], start["status"]) == ("start_dr_cluster", "1.2", "succeeded")
    assert start["attempts"] > 1
    assert start["duration_seconds"] >= 200


def moved_alone(world: World) -> OperationRequest:
    """Begin a failover and move its lock, without the steps around the move."""
    request = begun(world)
    look = run_step(world.ports, request, Step.LOOK_AGAIN, {})
    moved = run_step(world.ports, request, Step.ACTIVATE_DR, look.data)
    assert moved.outcome is StepOutcome.DONE, moved
    return request


def ended(world: World, request: OperationRequest, **args: Any) -> str:
    """End an operation, and return its id."""
    run_step(world.ports, request, Step.FINISH_OPERATION, args)
    return request.id


def test_the_tasks_that_the_raise_handed_back_are_counted() -> None:
    operation = carried_out(with_lost_work())
    assert operation.status is OperationStatus.SUCCEEDED
    assert operation.result["handed_back"] == {"requeued": 1, "in_doubt": 1, "failed": 1}


def test_a_report_has_the_counts_of_the_raise() -> None:
    world = with_lost_work()
    document = report(world, carried_out(world).request.id)
    assert document["tasks"] == {"requeued": 1, "in_doubt": 1, "failed": 1}
    assert "/tasks" not in reasons(document)


def test_a_failover_that_failed_after_the_move_has_its_counts_from_the_timeline() -> None:
    world = with_lost_work()
    failed = ended(world, moved_alone(world), error={"code": "HolderNotConfirmed", "message": "m", "detail": "d"})
    document = report(world, failed)
    assert world.operation(failed).result == {}
    assert document["tasks"] == {"requeued": 1, "in_doubt": 1, "failed": 1}
    assert document["operation"]["error"]["code"] == "HolderNotConfirmed"
    assert (document["recovery_time"]["target_seconds"], document["recovery_time"]["target_met"]) == (1800.0, None)


def test_a_fence_that_was_raised_late_is_counted_once_it_is() -> None:
    world = with_lost_work()
    world.work.database.down = True
    request = begun(world)
    args: dict[str, Any] = dict(run_step(world.ports, request, Step.LOOK_AGAIN, {}).data)
    for _ in range(20):
        moved = run_step(world.ports, request, Step.ACTIVATE_DR, args)
        args = dict(moved.data)
        if moved.outcome is StepOutcome.DONE:
            break
    assert args["mirror"] == "pending"
    pending = ended(world, request, result=args)
    assert "PostgreSQL has not been reached" in reasons(report(world, pending))["/tasks"]
    world.work.database.down = False
    sync_mirrors(world.ports)
    assert report(world, pending)["tasks"] == {"requeued": 1, "in_doubt": 1, "failed": 1}


def test_an_operation_that_moved_nothing_handed_nothing_back_although_its_token_was_raised_once() -> None:
    world = World().with_failed_primary()
    told: dict[str, JsonValue] = {"fencing_token": str(world.lock.token), "requeued": 1, "in_doubt": 1, "failed": 1}
    record_event(world.ports, "PRO", event_id="late", type=EventType.FENCE_RAISED, subject="gw-pro-primary", data=told)
    document = report(world, ended(world, begun(world), error={"code": "StepTimeout", "message": "", "detail": ""}))
    assert document["tasks"] is None
    assert reasons(document)["/tasks"] == "the lock did not move"
    assert document["lock"]["before"] == document["lock"]["after"]


def test_a_running_operation_is_reported_as_far_as_it_has_come() -> None:
    world = World().with_failed_primary()
    document = report(world, begun(world).id)
    assert (document["operation"]["status"], document["ended_at"]) == ("running", None)
    assert document["recovery_time"]["detect_seconds"] == 360.0
    assert (document["recovery_time"]["execute_seconds"], document["between_steps_seconds"]) == (None, None)
    assert reasons(document) == {
        "/recovery_time/execute_seconds": "the operation has not ended",
        "/recovery_time/total_seconds": "a phase is not known",
        "/lock/after": "the operation has not ended",
        "/tasks": "no audit entry tells that the lock has moved",
    }


def test_a_failback_has_no_phases_but_its_own() -> None:
    world = with_primary_back(failed_over())
    document = report(world, carried_out(world, OperationKind.FAILBACK).request.id)
    time = document["recovery_time"]
    assert (time["detect_seconds"], time["decide_seconds"], time["target_seconds"]) == (None, None, None)
    assert time["total_seconds"] == time["execute_seconds"]
    assert reasons(document)["/recovery_time/detect_seconds"] == "no failure began this operation"
    assert document["lock"]["after"]["holder"] == "gw-pro-primary"


def test_an_older_operation_is_reported_as_it_was_after_newer_ones() -> None:
    world = failed_over()
    first = newest(world)
    before = report(world, first)
    carried_out(with_primary_back(world), OperationKind.FAILBACK)
    after = report(world, first)
    assert {**before, "as_of": None} == {**after, "as_of": None}


def test_a_report_finds_its_operation_below_a_long_timeline() -> None:
    world = failed_over()
    first = newest(world)
    world.pass_time(60)
    for number in range(operation_reports.PAGE + 5):
        record_event(world.ports, "PRO", event_id=f"n{number}", type=EventType.GATEWAY_FAILED, subject="gw")
    document = report(world, first)
    assert document["unknown"] == []
    told = [event["type"] for event in document["events"] if event["type"] != "com.mazevault.dr.verdict.changed"]
    assert told[0] == "com.mazevault.dr.gateway.failed"
    assert len(told) == 11


def test_an_unknown_operation_and_an_unknown_environment_are_a_callers_fault() -> None:
    world = World().founded()
    with pytest.raises(UnknownOperation):
        report_operation(world.ports, "PRO-00000099-a")
    with pytest.raises(UnknownEnvironment):
        read_history(world.ports, "XYZ", kind=None, limit=10)


def test_an_environment_may_have_a_target_of_its_own() -> None:
    world = World().with_failed_primary()
    strict = replace(world.ports, environments={"PRO": replace(PRO, rto_target_s=60.0)})
    request = begun(world)
    run_operation(strict, request, sleep=world.pass_time)
    time = report(world, request.id)["recovery_time"]
    assert (time["target_seconds"], time["target_met"]) == (60.0, False)


def test_the_history_has_one_row_per_ended_operation_newest_first() -> None:
    world = with_primary_back(failed_over())
    carried_out(world, OperationKind.FAILBACK)
    world.primary.alive = False
    world.pass_time(world.policy.heartbeat_timeout_s * 4)
    begun(world)  # runs: no row
    rows = shown(history_document(read_history(world.ports, "PRO", kind=None, limit=10)))["value"]
    assert [(row["type"], row["status"]) for row in rows] == [("failback", "succeeded"), ("failover", "succeeded")]
    assert (
        rows[1]["total_seconds"] == rows[1]["detect_seconds"] + rows[1]["decide_seconds"] + rows[1]["execute_seconds"]
    )
    only = shown(history_document(read_history(world.ports, "PRO", kind=OperationKind.FAILOVER, limit=10)))
    assert [row["type"] for row in only["value"]] == ["failover"]
    assert [(trend["type"], trend["direction"]) for trend in only["trends"]] == [("failover", None)]
    assert "there are 1" in only["trends"][0]["reason"]


def test_the_markdown_says_what_the_json_says() -> None:
    world = with_lost_work()
    operation_id = carried_out(world).request.id
    text, document = report_markdown(report_operation(world.ports, operation_id)), report(world, operation_id)
    for phase in ("detect", "decide", "execute", "total"):
        assert f"{document['recovery_time'][f'{phase}_seconds']:.3f}" in text
    assert "1 requeued, 1 in doubt, 1 failed" in text
    assert "| holder | gw-pro-primary | gw-pro-dr |" in text
    assert document["lock"]["after"]["fencing_token"] in text
    assert "Target: 1800 s, met." in text
    for step in document["steps"]:
        assert step["id"].replace("_", "\\_") in text


def test_what_people_typed_stays_text_in_markdown() -> None:
    world = World().with_failed_primary()
    typed = "a | b <script>alert(1)</script> [x](javascript:y)\n# title `code`"
    result = begin_operation(world.ports, "PRO", OperationKind.FAILOVER, requested_by="*who*", reason=typed)
    assert isinstance(result, Begun)
    text = report_markdown(report_operation(world.ports, result.request.id))
    assert "<script>" not in text
    assert "[x](" not in text
    assert "\n# title" not in text
    assert "by \\*who\\*" in text
    for line in text.splitlines():
        if line.startswith("| ") and "alert" in line:
            assert line.replace("\\|", "").count("|") in (5, 6)  # the columns of the two tables


def test_a_report_needs_table_storage_and_nothing_else() -> None:
    world = failed_over()
    world.work.database.down = True
    with pytest.raises(DatabaseUnavailable):
        world.work.ping()
    assert report(world, newest(world))["unknown"] == []


def test_a_drill_is_timed_step_by_step_and_has_changed_nothing() -> None:
    world = World().founded()
    drill = begin_drill(world.ports, "PRO", requested_by="operator", reason="quarterly")
    assert isinstance(drill, Begun)
    run_operation(world.ports, drill.request, sleep=world.pass_time)
    document = report(world, drill.request.id)
    assert document["operation"]["status"] == "succeeded"
    steps = {step["id"]: step for step in document["steps"]}
    assert steps["start_dr_cluster"]["duration_seconds"] >= 200
    shares = sum(in_ms(step["share_seconds"]) for step in document["steps"])
    time = document["recovery_time"]
    assert shares + in_ms(document["between_steps_seconds"]) == in_ms(time["execute_seconds"])
    assert (time["target_seconds"], time["target_met"]) == (None, None)
    assert document["tasks"] is None
    assert reasons(document)["/tasks"] == "the lock did not move"
    rows = shown(history_document(read_history(world.ports, "PRO", kind=OperationKind.DRILL, limit=10)))
    assert [row["type"] for row in rows["value"]] == ["drill"]
