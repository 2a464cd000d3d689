"""A person rebuilds a lock that has lost writes: above every token seen, once, and everybody waits a lease."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.faults import (
    DatabaseUnavailable,
    LockStoreUnavailable,
    MalformedRequest,
    OutcomeUnknown,
    UnknownGateway,
)
from shared.domain.fencing import LARGEST_TOKEN, FencingToken
from shared.domain.gateways import Gateway
from shared.domain.operations import OperationStatus
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import TaskRefusal
from shared.ports import WorkRefused
from shared.steps.admin_calls import execute_rotation
from shared.steps.gateway_calls import claim_tasks
from shared.steps.restore_authority import restore_authority
from tests.unit.steps.acting import begun, carried_out, failed_over
from tests.unit.steps.regressed import LEASE_AND_MARGIN_S, LocksAway, code_of, mirror_of, restored, with_week_old_tables


def test_a_restore_gives_the_environment_to_its_last_holder_above_every_token_seen() -> None:
    world = with_week_old_tables()
    seen = max(mirror_of(world).token, world.lock.token)
    stale = world.lock

    done = restored(world)

    lock, mirror = world.lock, mirror_of(world)
    assert (lock.holder, lock.previous_holder, lock.previous_token) == ("gw-pro-dr", "gw-pro-dr", seen)
    assert lock.token > seen
    assert (mirror.token, mirror.holder) == (lock.token, lock.holder)
    assert (done.lock, done.mirror_raised, done.wait_s) == (lock, True, LEASE_AND_MARGIN_S)
    assert (lock.failed, lock.operation, lock.stop_dr_due_at) == ((), None, None)
    entry, before = world.ports.audit.list("PRO", limit=2)
    assert (entry.action, before.action) == ("authority.restored", "authority.restoring")
    assert (entry.actor, entry.reason) == ("admin", "storage account restored")
    assert entry.before["lock"] == {"holder": stale.holder, "fencing_token": str(stale.token), "operation": None}
    assert entry.after["fencing_token"] == str(lock.token)


def test_after_a_restore_everybody_waits_one_lease_and_then_the_holder_works_under_the_new_token() -> None:
    world = with_week_old_tables()
    former = world.dr.caller
    world.pass_time(world.policy.heartbeat_interval_s)
    restored(world)
    since = world.clock.time
    refusals: set[str | None] = set()
    world.watchers.append(lambda: refusals.add(world.dr.answer.lease_refusal if world.dr.answer else None))
    while world.dr.answer is None or world.dr.answer.lease_s is None:
        world.pass_time(world.policy.heartbeat_interval_s)
        assert (world.clock.time - since).total_seconds() < 200
    assert (world.clock.time - since).total_seconds() >= LEASE_AND_MARGIN_S
    assert "not_before" in refusals
    assert world.dr.caller.token == world.lock.token > former.token
    queued = execute_rotation(world.ports, "cfg-pro", actor="operator", idempotency_key="")
    assert not isinstance(queued, Refused)
    assert claim_tasks(world.ports, former, world.dr.identity, limit=1) == WorkRefused(TaskRefusal.STALE_TOKEN)
    claimed = claim_tasks(world.ports, world.dr.caller, world.dr.identity, limit=1)
    assert not isinstance(claimed, WorkRefused)
    assert [task.id for task in claimed] == [queued[0].id]


def test_a_lost_lock_is_rebuilt_and_not_founded_anew() -> None:
    world = World()
    empty = world.tables.snapshot()
    failed_over(world)
    mirror = mirror_of(world)
    world.tables.restore(empty)
    world.primary.boot()
    world.dr.boot()
    world.pass_time(60)
    assert world.tables.locks.read("PRO") is None
    assert world.dr.beat().lease_refusal == world.primary.beat().lease_refusal == "authority_regressed"
    assert mirror_of(world) == mirror

    restored(world)

    assert world.lock.holder == "gw-pro-dr"
    assert world.lock.token > mirror.token


def test_a_person_may_name_another_holder_but_only_one_that_is_registered() -> None:
    world = with_week_old_tables(primary_is_back=True)
    before = world.tables.locks.rows.snapshot()
    with pytest.raises(UnknownGateway):
        restore_authority(world.ports, "PRO", actor="admin", reason="r", holder="gw-npr-primary")
    assert world.tables.locks.rows.snapshot() == before
    restored(world, holder="gw-pro-primary")
    assert (world.lock.holder, world.lock.previous_holder) == ("gw-pro-primary", "gw-pro-dr")


def test_nothing_is_restored_where_nothing_was_lost() -> None:
    world = failed_over()
    before = world.tables.snapshot()
    answer = restore_authority(world.ports, "PRO", actor="admin", reason="r")
    assert code_of(answer) is RefusalCode.AUTHORITY_INTACT
    assert world.tables.snapshot() == before


def test_a_restore_needs_a_reason_and_postgresql() -> None:
    world = with_week_old_tables()
    before = world.tables.snapshot()
    with pytest.raises(MalformedRequest):
        restore_authority(world.ports, "PRO", actor="admin", reason=" ")
    world.work.database.down = True
    with pytest.raises(DatabaseUnavailable):
        restore_authority(world.ports, "PRO", actor="admin", reason="r")
    assert world.tables.snapshot() == before


def reporting(world: World, token: int) -> Gateway:
    """Let the DR gateway say that it works under a token, and return it as it is stored."""
    found = world.tables.gateways.read("PRO", "gw-pro-dr")
    assert found is not None
    return world.tables.gateways.replace(replace(found.value, token_seen=FencingToken(token)), etag=found.etag).value


def test_a_token_that_only_a_gateway_has_seen_is_exceeded_as_well() -> None:
    world = World().founded()
    seen = world.clock.unix_ns() + 3_600 * 10**9
    reporting(world, seen)
    restored(world)
    assert world.lock.token > seen
    assert world.lock.holder == "gw-pro-primary"


def test_a_token_that_cannot_be_true_is_not_believed() -> None:
    world = World().founded()
    reporting(world, LARGEST_TOKEN)
    assert code_of(restore_authority(world.ports, "PRO", actor="a", reason="r")) is RefusalCode.AUTHORITY_INTACT


def test_the_operation_that_the_stale_lock_names_is_dropped_and_its_record_ended() -> None:
    world = World().with_failed_primary()
    request = begun(world)
    copy = world.tables.snapshot()
    run_operation(world.ports, request, sleep=world.pass_time)
    world.tables.restore(copy)
    restored(world)
    assert (world.lock.operation, world.lock.last_operation_id) == (None, request.id)
    record = world.operation(request.id)
    assert (record.status, record.error["code"]) == (OperationStatus.FAILED, "Superseded")


class FailsOnce:
    """A fault hook that fails at one point, once, after it was armed."""

    def __init__(self) -> None:
        self.point = ""

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            raise OutcomeUnknown(point)


@pytest.mark.parametrize("lock_is_lost", [True, False])
def test_a_restore_whose_answer_is_lost_is_recognised_and_made_once(lock_is_lost: bool) -> None:
    fault = FailsOnce()
    world = World(fault=fault)
    copy = world.tables.snapshot()
    world.founded()
    if not lock_is_lost:
        copy = world.tables.snapshot()
    world.primary.alive = False
    world.pass_time(450)
    assert carried_out(world).status is OperationStatus.SUCCEEDED
    world.tables.restore(copy)
    fault.point = f"locks.{'insert' if lock_is_lost else 'replace'}.after"
    done = restored(world)
    assert fault.point == ""
    assert world.lock == done.lock
    assert code_of(restore_authority(world.ports, "PRO", actor="a", reason="r")) is RefusalCode.AUTHORITY_INTACT


def test_with_postgresql_gone_in_the_middle_the_fence_is_raised_later_with_the_same_wait() -> None:
    world = with_week_old_tables()

    def cut(point: str) -> None:
        if point == "begin":
            raise DatabaseUnavailable("cut")

    world.work.database.fault = cut
    done = restored(world)
    assert not done.mirror_raised
    world.work.database.fault = lambda _: None
    world.pass_time(15)
    mirror = mirror_of(world)
    assert (mirror.token, mirror.holder) == (world.lock.token, "gw-pro-dr")
    assert mirror.not_before is not None
    assert (mirror.not_before - world.clock.time).total_seconds() >= LEASE_AND_MARGIN_S - 15


def test_table_storage_away_is_no_loss_and_nothing_is_restored() -> None:
    hook = LocksAway()
    world = failed_over(World(fault=hook))
    before = world.tables.snapshot()
    hook.armed = True
    with pytest.raises(LockStoreUnavailable):
        restore_authority(world.ports, "PRO", actor="a", reason="r")
    assert world.tables.snapshot() == before
