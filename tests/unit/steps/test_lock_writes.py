"""Writes of the lock that meet another write, or whose answer is lost: nothing is undone or taken for granted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from devhost.simulation.world import World
from shared.domain.faults import Conflict, LockStoreUnavailable, OutcomeUnknown
from shared.domain.locks import EnvironmentLock, Versioned, transferred
from shared.domain.operations import OperationKind, OperationRequest, OperationStatus, Step
from shared.domain.refusals import RefusalCode
from shared.flows.commands import StepOutcome, StepResult
from shared.steps.run_step import run_step
from shared.steps.write_lock import replace_lock
from tests.unit.steps.acting import begun, everything, failed_over

PRO, DR = "PRO", "gw-pro-dr"


class Interrupts:
    """A fault hook that runs `meanwhile` once, at the first access to `point` after it was set."""

    def __init__(self) -> None:
        self.point = ""
        self.meanwhile: Callable[[], None] = lambda: None

    def at(self, point: str, meanwhile: Callable[[], None]) -> None:
        self.point, self.meanwhile = point, meanwhile

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            self.meanwhile()


def stored_lock(world: World) -> Versioned[EnvironmentLock]:
    found = world.ports.locks.read(PRO)
    assert found is not None
    return found


def touched(world: World, name: str = "somebody") -> Versioned[EnvironmentLock]:
    """Let another writer change the lock, and return what is stored then."""
    found = stored_lock(world)
    return world.ports.locks.replace(replace(found.value, written_by=name), etag=found.etag)


def fails_with(failure: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise failure

    return fail


def looked(world: World, request: OperationRequest) -> StepResult:
    result = run_step(world.ports, request, Step.LOOK_AGAIN, {})
    assert result.outcome is StepOutcome.DONE
    return result


def test_a_write_at_an_older_version_changes_nothing() -> None:
    world = World().founded()
    old = stored_lock(world)
    newer = touched(world)

    assert replace_lock(world.ports, replace(old.value, written_by="me"), etag=old.etag) is None

    assert stored_lock(world) == newer


@pytest.mark.parametrize("answer", [Conflict("412"), OutcomeUnknown("no answer")])
def test_a_write_that_landed_is_recognised_whatever_was_answered(answer: Exception) -> None:
    hook = Interrupts()
    world = World(fault=hook).founded()
    old = stored_lock(world)
    hook.at("locks.replace.after", fails_with(answer))

    stored = replace_lock(world.ports, replace(old.value, written_by="me"), etag=old.etag)

    assert stored is not None
    assert stored == stored_lock(world)
    assert stored.value.written_by == "me"


def test_a_write_that_may_still_land_is_neither_done_nor_lost() -> None:
    hook = Interrupts()
    world = World(fault=hook).founded()
    old = stored_lock(world)
    hook.at("locks.replace.before", fails_with(OutcomeUnknown("no answer")))

    with pytest.raises(LockStoreUnavailable, match="was not answered"):
        replace_lock(world.ports, replace(old.value, written_by="me"), etag=old.etag)


def test_a_lock_that_changed_since_the_second_look_is_not_moved() -> None:
    world = World().with_failed_primary()
    request = begun(world)
    judged = looked(world, request)
    newer = touched(world)

    result = run_step(world.ports, request, Step.ACTIVATE_DR, judged.data)

    assert result.outcome is StepOutcome.AGAIN
    assert stored_lock(world) == newer


def test_a_move_is_done_only_when_the_fence_carries_its_token() -> None:
    world = World().with_failed_primary()
    request = begun(world)

    result = run_step(world.ports, request, Step.ACTIVATE_DR, looked(world, request).data)

    assert result.outcome is StepOutcome.DONE
    mirror = world.ports.work.mirror(PRO)
    assert mirror is not None
    assert (mirror.holder, str(mirror.token)) == (DR, result.data["fencing_token"])


def test_a_move_that_the_table_lost_before_the_raise_is_not_acknowledged() -> None:
    hook = Interrupts()
    world = World(fault=hook).with_failed_primary()
    request = begun(world)
    judged, before = looked(world, request), world.tables.locks.rows.snapshot()

    def restore() -> None:
        world.tables.locks.rows.restore(before)

    # The move has landed; its audit entry is the next access, and the raise comes after it.
    hook.at("audit.list", restore)
    result = run_step(world.ports, request, Step.ACTIVATE_DR, judged.data)

    assert result.outcome is StepOutcome.STOPPED
    assert result.error["code"] == RefusalCode.AUTHORITY_REGRESSED.code


def test_an_operation_is_called_ended_only_after_it_has_left_the_lock() -> None:
    hook = Interrupts()
    world = World(fault=hook).with_failed_primary()
    request = begun(world)
    statuses: list[OperationStatus] = []
    hook.at("locks.replace.before", lambda: statuses.append(world.operation(request.id).status))

    result = run_step(world.ports, request, Step.FINISH_OPERATION, {"error": {"code": "StepTimeout"}})

    assert result.outcome is StepOutcome.DONE
    assert statuses == [OperationStatus.RUNNING]
    assert world.operation(request.id).status is OperationStatus.FAILED


def test_the_end_of_an_operation_does_not_undo_a_move_it_has_not_seen() -> None:
    hook = Interrupts()
    world = World(fault=hook).with_failed_primary()
    request = begun(world)

    def moves() -> None:
        lock, now = stored_lock(world), world.clock.now()
        token = type(lock.value.token)(lock.value.token + 1)
        moved = transferred(lock.value, to=DR, token=token, now=now, operation_id=request.id, write_id="move")
        world.ports.locks.replace(moved, etag=lock.etag)

    hook.at("audit.list", moves)  # the lock has been read, and is not written yet
    result = run_step(world.ports, request, Step.FINISH_OPERATION, {"error": {"code": "StepTimeout"}})

    assert result.outcome is StepOutcome.WAITING
    assert world.lock.holder == DR
    assert world.lock.operation is not None


def test_a_gateway_that_booted_before_the_start_is_not_the_one_that_was_started() -> None:
    world = World().with_failed_primary()
    world.dr.boot()
    request = begun(world)
    world.clock.time += timedelta(seconds=60)
    world.dr.beat()
    started = {"start": world.clock.now().isoformat()}

    result = run_step(world.ports, request, Step.VERIFY_DR_GATEWAY, started)

    assert result.outcome is StepOutcome.WAITING
    assert "before the cluster was started" in result.detail


def test_the_cluster_of_the_holder_is_not_stopped() -> None:
    world = failed_over()
    found = stored_lock(world)
    stop = OperationRequest(
        id="PRO-stop", kind=OperationKind.STOP_DR_CLUSTER, environment=PRO, requested_by="control-plane",
        requested_at=world.clock.now(), reason="",
    )  # fmt: skip
    world.ports.locks.replace(replace(found.value, operation=stop), etag=found.etag)
    calls = everything(world)["cluster calls"]

    result = run_step(world.ports, stop, Step.STOP_DR_CLUSTER, {})

    assert result.outcome is StepOutcome.STOPPED
    assert result.error["code"] == RefusalCode.CLUSTER_IN_USE.code
    assert everything(world)["cluster calls"] == calls
