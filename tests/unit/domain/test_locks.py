"""The environment lock changes only in legal ways, and each change says who may act afterwards."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain.faults import InvariantViolation
from shared.domain.fencing import FencingToken
from shared.domain.gateways import ActivationStatus
from shared.domain.locks import (
    EnvironmentLock,
    FailedMark,
    draining,
    founded,
    marked_failed,
    recovered,
    transferred,
    vacated,
    with_operation,
    without_operation,
)
from shared.domain.operations import OperationKind
from tests.unit.builders import DR, PRIMARY, SECOND, T0, TOKEN, above, failed_over_lock, lock, mark, request

ACTIVE, STANDBY, FAILED = ActivationStatus.ACTIVE, ActivationStatus.STANDBY, ActivationStatus.FAILED
LATER = T0 + 30 * SECOND


def to_dr(before: EnvironmentLock, *, token: FencingToken | None = None, to: str = DR) -> EnvironmentLock:
    """Return the lock after a failover at LATER."""
    return transferred(before, to=to, token=token or above(TOKEN), now=LATER, operation_id="op-1", write_id="op-1/move")


def test_an_environment_begins_with_its_primary_holding_the_lock() -> None:
    first = founded(environment="PRO", holder=PRIMARY, token=TOKEN, write_id="found/1", now=T0)

    assert (first.environment, first.holder, first.token) == ("PRO", PRIMARY, TOKEN)
    assert (first.granted_by, first.written_by, first.acquired_at) == ("found/1", "found/1", T0)
    assert (first.failed, first.operation, first.previous_holder) == ((), None, None)


def test_the_holder_is_active_and_everybody_else_stands_by() -> None:
    assert [lock().status_of(gateway) for gateway in (PRIMARY, DR, "gw-unheard-of")] == [ACTIVE, STANDBY, STANDBY]


def test_with_nobody_holding_the_lock_nobody_is_active() -> None:
    assert [lock(holder=None).status_of(gateway) for gateway in (PRIMARY, DR)] == [STANDBY, STANDBY]


def test_a_silent_holder_is_marked_failed_under_the_token_that_was_judged() -> None:
    silent = marked_failed(lock(), now=LATER, last_heartbeat=T0 - 400 * SECOND, write_id="mark/1")

    expected = FailedMark(gateway=PRIMARY, token=TOKEN, at=LATER, last_heartbeat=T0 - 400 * SECOND)
    assert silent == lock(failed=(expected,), written_by="mark/1")
    assert silent.status_of(PRIMARY) is FAILED
    assert silent.mark_of(PRIMARY) == expected


def test_a_mark_of_an_older_token_does_not_count() -> None:
    judged_before = lock(failed=(mark(token=FencingToken(TOKEN - 1)),))

    assert judged_before.mark_of(PRIMARY) is None
    assert judged_before.status_of(PRIMARY) is ACTIVE


def test_a_mark_counts_for_its_own_gateway_only() -> None:
    assert lock(failed=(mark(DR),)).status_of(PRIMARY) is ACTIVE


def test_a_failover_gives_the_lock_to_the_dr_gateway_under_a_higher_token() -> None:
    moved = to_dr(lock(failed=(mark(),)))

    assert (moved.holder, moved.token) == (DR, above(TOKEN))
    assert (moved.previous_holder, moved.previous_token) == (PRIMARY, TOKEN)
    assert (moved.granted_by, moved.written_by, moved.acquired_at) == ("op-1", "op-1/move", LATER)


def test_a_failed_primary_stays_failed_after_it_lost_the_lock() -> None:
    moved = to_dr(lock(failed=(mark(),)))

    assert moved.status_of(PRIMARY) is FAILED
    assert moved.status_of(DR) is ACTIVE
    assert moved.mark_of(PRIMARY) == mark(token=above(TOKEN))


def test_a_primary_that_was_not_failed_stands_by_after_it_lost_the_lock() -> None:
    assert to_dr(lock()).status_of(PRIMARY) is STANDBY


def test_a_mark_that_had_ceased_to_count_is_not_revived_by_a_move() -> None:
    moved = to_dr(lock(failed=(mark(token=FencingToken(TOKEN - 1)),)))

    assert moved.failed == ()
    assert moved.status_of(PRIMARY) is STANDBY


def test_failback_makes_the_failed_primary_active_again() -> None:
    returned = transferred(
        failed_over_lock(), to=PRIMARY, token=above(TOKEN), now=LATER, operation_id="op-2", write_id="op-2/move"
    )

    assert (returned.holder, returned.token, returned.failed) == (PRIMARY, above(TOKEN), ())
    assert (returned.status_of(PRIMARY), returned.status_of(DR)) == (ACTIVE, STANDBY)


def test_a_move_ends_the_draining_and_forgets_a_planned_stop_of_the_dr_cluster() -> None:
    before = lock(operation=request(draining=True), stop_dr_due_at=T0 + 1800 * SECOND)

    moved = to_dr(before)

    assert moved.operation == request(draining=False)
    assert not moved.draining
    assert moved.stop_dr_due_at is None


def test_a_move_without_an_operation_starts_none() -> None:
    assert to_dr(lock()).operation is None


def test_a_lock_that_nobody_holds_can_be_given_to_a_gateway() -> None:
    moved = to_dr(lock(holder=None))

    assert (moved.holder, moved.previous_holder) == (DR, None)


@pytest.mark.parametrize("failed", [(), (mark(),)], ids=["active", "failed"])
def test_a_holder_cannot_be_given_the_lock_it_holds(failed: tuple[FailedMark, ...]) -> None:
    """A failed holder gets a new token by recovering, which asks for heartbeats; never by a move to itself."""
    with pytest.raises(InvariantViolation, match=r"^gw-pro-primary holds the lock already$"):
        to_dr(lock(failed=failed), to=PRIMARY)


def test_a_recovered_holder_is_active_under_a_new_token() -> None:
    back = recovered(lock(failed=(mark(),)), token=above(TOKEN), now=LATER, write_id="recover/1")

    assert (back.holder, back.token, back.failed) == (PRIMARY, above(TOKEN), ())
    assert (back.granted_by, back.written_by, back.acquired_at) == ("recover/1", "recover/1", LATER)
    assert back.status_of(PRIMARY) is ACTIVE


def test_the_recovery_of_the_holder_does_not_clear_the_mark_of_another_gateway() -> None:
    both = failed_over_lock(failed=(mark(PRIMARY), mark(DR)))

    back = recovered(both, token=above(TOKEN), now=LATER, write_id="recover/1")

    assert (back.status_of(DR), back.status_of(PRIMARY)) == (ACTIVE, FAILED)


def test_a_vacated_lock_is_held_by_nobody_under_a_new_token() -> None:
    empty = vacated(lock(), token=above(TOKEN), now=LATER, write_id="deactivate/1")

    assert (empty.holder, empty.token) == (None, above(TOKEN))
    assert (empty.previous_holder, empty.previous_token) == (PRIMARY, TOKEN)
    assert empty.granted_by == "deactivate/1"
    assert empty.status_of(PRIMARY) is STANDBY


def test_a_failed_holder_stays_failed_when_it_is_taken_out() -> None:
    empty = vacated(lock(failed=(mark(),)), token=above(TOKEN), now=LATER, write_id="deactivate/1")

    assert empty.status_of(PRIMARY) is FAILED


GRANTS: dict[str, Callable[[EnvironmentLock, FencingToken], EnvironmentLock]] = {
    "transferred": lambda before, token: to_dr(before, token=token),
    "recovered": lambda before, token: recovered(before, token=token, now=LATER, write_id="w"),
    "vacated": lambda before, token: vacated(before, token=token, now=LATER, write_id="w"),
}


@pytest.mark.parametrize("change", GRANTS)
@pytest.mark.parametrize("token", [TOKEN, FencingToken(TOKEN - 1), FencingToken(1)])
def test_no_change_of_holder_is_written_without_a_higher_token(change: str, token: FencingToken) -> None:
    with pytest.raises(InvariantViolation, match=f"^token {token} is not above {TOKEN}$"):
        GRANTS[change](lock(failed=(mark(),)), token)


NEEDS_A_HOLDER: dict[str, Callable[[EnvironmentLock], EnvironmentLock]] = {
    "marked_failed": lambda before: marked_failed(before, now=LATER, last_heartbeat=None, write_id="w"),
    "recovered": lambda before: recovered(before, token=above(TOKEN), now=LATER, write_id="w"),
    "vacated": lambda before: vacated(before, token=above(TOKEN), now=LATER, write_id="w"),
}


@pytest.mark.parametrize("change", NEEDS_A_HOLDER)
def test_what_happens_to_a_holder_cannot_happen_while_nobody_holds_the_lock(change: str) -> None:
    with pytest.raises(InvariantViolation, match=r"^nobody holds the lock$"):
        NEEDS_A_HOLDER[change](lock(holder=None))


def test_a_failed_holder_cannot_be_marked_twice() -> None:
    with pytest.raises(InvariantViolation, match="found_silent cannot happen to a gateway that is failed"):
        marked_failed(lock(failed=(mark(),)), now=LATER, last_heartbeat=None, write_id="mark/2")


def test_a_holder_that_is_not_failed_cannot_recover() -> None:
    with pytest.raises(InvariantViolation, match="recovered cannot happen to a gateway that is active"):
        recovered(lock(), token=above(TOKEN), now=LATER, write_id="recover/1")


def test_an_operation_is_registered_in_the_lock_and_leaves_its_id_behind() -> None:
    running = with_operation(lock(), request(), write_id="op-failover/begin")
    ended = without_operation(running, write_id="op-failover/finish")

    assert running == lock(operation=request(), written_by="op-failover/begin")
    assert ended == lock(last_operation_id="op-failover", written_by="op-failover/finish")


def test_a_second_operation_cannot_be_registered() -> None:
    running = lock(operation=request())

    with pytest.raises(InvariantViolation, match=r"^operation op-failover is running$"):
        with_operation(running, request(OperationKind.FAILBACK), write_id="op-failback/begin")


@pytest.mark.parametrize("draining_now", [True, False])
def test_the_running_operation_cannot_be_registered_again_and_so_keeps_its_draining(draining_now: bool) -> None:
    running = lock(operation=request(OperationKind.FAILBACK, draining=draining_now))

    with pytest.raises(InvariantViolation, match=r"^operation op-failback is running$"):
        with_operation(running, request(OperationKind.FAILBACK), write_id="op-failback/begin")


def test_ending_no_operation_keeps_the_id_of_the_last_one() -> None:
    idle = lock(last_operation_id="op-before")

    assert without_operation(idle, write_id="w").last_operation_id == "op-before"


def test_an_operation_moves_neither_holder_nor_token() -> None:
    before = failed_over_lock()
    running = with_operation(before, request(OperationKind.FAILBACK), write_id="w1")
    ended = without_operation(draining(running, write_id="w2"), write_id="w3")

    assert replace(ended, written_by=before.written_by, last_operation_id=None) == before


def test_a_running_operation_drains_the_holder_and_its_end_ends_the_draining() -> None:
    running = lock(operation=request(OperationKind.FAILBACK))
    drained = draining(running, write_id="op-failback/drain")

    assert not running.draining
    assert drained.draining
    assert drained.written_by == "op-failback/drain"
    assert not without_operation(drained, write_id="w").draining


def test_nothing_drains_the_holder_while_no_operation_runs() -> None:
    assert not lock().draining
    with pytest.raises(InvariantViolation, match=r"^only a running operation can drain the holder$"):
        draining(lock(), write_id="w")
