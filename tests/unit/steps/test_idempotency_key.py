"""An idempotency key begins one operation, however often and whenever the request is repeated."""

from dataclasses import replace

import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from shared.domain.faults import IdempotencyKeyReused
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.operations import OperationKind, OperationRequest
from shared.domain.refusals import Refused
from shared.steps.begin_operation import Begun, Replayed, begin_requested, new_request
from tests.unit.steps.acting import everything, with_primary_back
from tests.unit.steps.test_cancel import Overtaken


def keyed(
    world: World, *, key: str = "key-1", digest: str = "d1", kind: OperationKind = OperationKind.FAILOVER
) -> OperationRequest:
    asked = new_request(world.ports, "PRO", kind, requested_by="first", requester_id="object-1", reason="why")
    return replace(asked, idempotency_key=key, request_digest=digest)


def begun(world: World) -> OperationRequest:
    done = begin_requested(world.ports, keyed(world))
    assert isinstance(done, Begun), done
    return done.request


@pytest.mark.parametrize("when", ["while it runs", "after its end", "when another one has ended since"])
def test_a_repeated_request_begins_nothing_and_gets_the_first_operation(when: str) -> None:
    world = World().with_failed_primary()
    first = begun(world)
    if when != "while it runs":
        run_operation(world.ports, first, sleep=world.pass_time)
    if when == "when another one has ended since":
        back = begin_requested(
            with_primary_back(world).ports, keyed(world, key="key-2", kind=OperationKind.FAILBACK)
        )  # fmt: skip
        assert isinstance(back, Begun)
        run_operation(world.ports, back.request, sleep=world.pass_time)
    before = everything(world)

    again = begin_requested(world.ports, keyed(world))

    assert isinstance(again, Replayed)
    assert again.request.id == first.id
    assert everything(world) == before


@pytest.mark.parametrize("ended", [False, True])
def test_a_key_that_came_with_another_request_is_refused_and_begins_nothing(*, ended: bool) -> None:
    world = World().with_failed_primary()
    first = begun(world)
    if ended:
        run_operation(world.ports, first, sleep=world.pass_time)
    before = everything(world)
    with pytest.raises(IdempotencyKeyReused):
        begin_requested(world.ports, keyed(world, digest="d2"))
    assert everything(world) == before


def test_requests_without_a_key_are_never_repetitions() -> None:
    world = World().with_failed_primary()
    asked = keyed(world, key="", digest="")
    assert isinstance(begin_requested(world.ports, asked), Begun)
    run_operation(world.ports, asked, sleep=world.pass_time)
    assert not isinstance(begin_requested(world.ports, keyed(world, key="", digest="d2")), Replayed)


def test_a_refused_request_keeps_no_key() -> None:
    world = World().founded()
    assert isinstance(begin_requested(world.ports, keyed(world)), Refused)
    world.primary.alive = False
    world.pass_time(world.policy.heartbeat_timeout_s * (world.policy.failure_threshold + 0.5))
    assert isinstance(begin_requested(world.ports, keyed(world)), Begun)


def test_an_operation_of_the_same_key_that_begins_and_ends_meanwhile_is_found() -> None:
    """Between the decision of one request and its write the other one begins, is cancelled by its flow and ends."""
    world = World().with_failed_primary()
    found: list[OperationRequest] = []

    def other() -> None:
        world.ports = replace(world.ports, locks=world.tables.locks)
        found.append(begun(world))
        leave(world, found[0])

    slow = replace(world.ports, locks=Overtaken(world.tables.locks, other))

    again = begin_requested(slow, keyed(world))

    assert isinstance(again, Replayed)
    assert again.request.id == found[0].id


def leave(world: World, request: OperationRequest) -> None:
    """Take the operation out of the lock, so that only its record knows its key."""
    held: Versioned[EnvironmentLock] | None = world.ports.locks.read("PRO")
    assert held is not None
    gone = replace(held.value, operation=None, written_by=f"{request.id}/finish")
    world.ports.locks.replace(gone, etag=held.etag)
