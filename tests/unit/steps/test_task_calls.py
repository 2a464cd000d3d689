"""What people do with tasks: queue them under a key, page through them, and end the doubt about them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devhost.simulation.world import World
from shared.domain.faults import IdempotencyKeyReused, MalformedRequest, UnknownEnvironment, UnknownGateway, UnknownTask
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import OnLostOwner, Resolution, RotationConfig, Task, TaskStatus, TaskVerdict
from shared.ports import TaskResolved, WorkRefused
from shared.steps.admin_calls import execute_rotation
from shared.steps.gateway_calls import claim_tasks
from shared.steps.task_calls import all_tasks, gateway_tasks, resolve_task
from shared.web.requests import cursor_text, parse_after

HOLD = RotationConfig(id="cfg-hold", environment="PRO", name="demo", on_lost_owner=OnLostOwner.HOLD)


def queued(world: World, *, config_id: str = "cfg-pro", key: str = "", digest: str = "") -> tuple[Task, str, bool]:
    answer = execute_rotation(world.ports, config_id, actor="operator", idempotency_key=key, request_digest=digest)
    assert not isinstance(answer, Refused), answer
    return answer


def in_doubt(world: World) -> Task:
    """Return a task whose gateway fell silent over work that must not be repeated blindly."""
    world.work.put_config(HOLD)
    task, _, _ = queued(world, config_id=HOLD.id)
    claimed = claim_tasks(world.ports, world.primary.caller, world.primary.identity, limit=1)
    assert not isinstance(claimed, WorkRefused)
    world.pass_time(world.policy.task_timeout_s + 16)
    (found,) = all_tasks(world.ports, "PRO", status=TaskStatus.IN_DOUBT, limit=10, after=None).tasks
    assert found.id == task.id
    return found


def verdict(resolution: Resolution, *, reason: str = "looked at the vault") -> TaskVerdict:
    return TaskVerdict(resolution=resolution, by="operator", reason=reason)


def test_the_same_key_queues_one_task_and_the_second_answer_says_so() -> None:
    world = World().founded()
    first, second = queued(world, key="monday", digest="a"), queued(world, key="monday", digest="a")
    assert second == (first[0], "gw-pro-primary", True)
    assert first[1:] == ("gw-pro-primary", False)
    assert world.work.pending_tasks("PRO") == 1


def test_a_key_used_for_another_request_is_refused_and_queues_nothing() -> None:
    world = World().founded()
    world.work.put_config(HOLD)
    queued(world, key="monday", digest="a")
    for config_id, digest in (("cfg-hold", "a"), ("cfg-pro", "b")):
        with pytest.raises(IdempotencyKeyReused):
            queued(world, config_id=config_id, key="monday", digest=digest)
    assert world.work.pending_tasks("PRO") == 1


def test_requests_without_a_key_are_all_different() -> None:
    world = World().founded()
    assert [queued(world)[2] for _ in range(3)] == [False] * 3
    assert world.work.pending_tasks("PRO") == 3


def test_a_resolution_is_audited_with_before_and_after() -> None:
    world = World().founded()
    task = in_doubt(world)
    answer = resolve_task(world.ports, task.id, verdict(Resolution.DONE))
    assert isinstance(answer, TaskResolved)
    assert answer.after.status is TaskStatus.SUCCEEDED
    (entry,) = world.ports.audit.list("PRO", limit=1)
    assert (entry.action, entry.actor, entry.reason) == ("task.resolved", "operator", "looked at the vault")
    assert (entry.before["status"], entry.after["status"]) == ("in_doubt", "succeeded")
    assert (entry.before["id"], entry.after["resolution"], entry.after["repeated"]) == (task.id, "done", False)


def test_the_same_resolution_again_changes_nothing_but_is_audited_as_a_repetition() -> None:
    world = World().founded()
    task = in_doubt(world)
    first = resolve_task(world.ports, task.id, verdict(Resolution.RETRY))
    second = resolve_task(world.ports, task.id, verdict(Resolution.RETRY))
    assert isinstance(first, TaskResolved)
    assert isinstance(second, TaskResolved)
    assert (second.repeated, second.after) == (True, first.after)
    (entry,) = world.ports.audit.list("PRO", limit=1)
    assert entry.after["repeated"] is True


def test_another_resolution_and_one_of_a_task_that_is_not_in_doubt_are_refused_with_its_status() -> None:
    world = World().founded()
    task = in_doubt(world)
    resolve_task(world.ports, task.id, verdict(Resolution.GIVE_UP))
    other = resolve_task(world.ports, task.id, verdict(Resolution.DONE))
    assert isinstance(other, Refused)
    assert (other.code, other.evidence["resolution"]) == (RefusalCode.TASK_ALREADY_RESOLVED, "give_up")
    waiting = queued(world)[0]
    before = world.work.database.snapshot()
    early = resolve_task(world.ports, waiting.id, verdict(Resolution.DONE))
    assert isinstance(early, Refused)
    assert (early.code, early.detail) == (RefusalCode.TASK_NOT_IN_DOUBT, f"{waiting.id} is pending")
    assert world.work.database.snapshot() == before


def test_a_resolution_needs_a_reason_and_a_task() -> None:
    world = World().founded()
    task = in_doubt(world)
    with pytest.raises(MalformedRequest):
        resolve_task(world.ports, task.id, verdict(Resolution.DONE, reason="  "))
    with pytest.raises(UnknownTask):
        resolve_task(world.ports, "task-9", verdict(Resolution.DONE))
    assert all_tasks(world.ports, "PRO", status=None, limit=1, after=None).tasks == [task]


def test_pages_are_followed_by_the_cursor_as_callers_carry_it() -> None:
    world = World().founded()
    for _ in range(5):
        queued(world)
        world.clock.time += timedelta(microseconds=1)
    seen: list[str] = []
    after = None
    for _ in range(3):
        page = all_tasks(world.ports, None, status=None, limit=2, after=after)
        seen += [task.id for task in page.tasks]
        after = parse_after({"after": cursor_text(page.next_after)}) if page.next_after else None
    assert after is None
    assert len(seen) == len(set(seen)) == 5
    whole = gateway_tasks(world.ports, "gw-pro-primary", status=None, limit=5)
    assert ([task.id for task in whole.tasks], whole.next_after) == (seen, None)
    first = gateway_tasks(world.ports, "gw-pro-primary", status=TaskStatus.PENDING, limit=3)
    rest = gateway_tasks(world.ports, "gw-pro-primary", status=TaskStatus.PENDING, limit=3, after=first.next_after)
    assert [task.id for task in [*first.tasks, *rest.tasks]] == seen


def test_tasks_of_what_does_not_exist_are_the_callers_fault() -> None:
    world = World().founded()
    with pytest.raises(UnknownEnvironment):
        all_tasks(world.ports, "NOWHERE", status=None, limit=1, after=None)
    with pytest.raises(UnknownGateway):
        gateway_tasks(world.ports, "gw-nowhere", status=None, limit=1)


@pytest.mark.parametrize("text", ["1", "x.t1", "1.", "-1.t1", "99999999999999999.t1", "1.t 1", "1.t1\n"])
def test_a_doubtful_cursor_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_after({"after": text})
