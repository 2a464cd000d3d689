"""The reconciler starts what a dead host left unstarted, and nothing that has ended while it looked."""

import asyncio
from collections.abc import Callable

import azure.functions as func
import pytest

from devhost.simulation.loop_driver import run_operation
from devhost.simulation.world import World
from functions import orchestrations
from shared.domain.operations import OperationKind, OperationRequest
from tests.shell.calling import handlers
from tests.unit.steps.acting import begun


class Engine:
    """The orchestration engine as far as the reconciler sees it; something may happen while it is asked."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.running: set[str] = set()
        self.meanwhile: Callable[[], object] = lambda: None

    async def is_running(self, _: object, operation_id: str) -> bool:
        self.meanwhile()
        return operation_id in self.running

    async def start(self, _: object, request: OperationRequest) -> None:
        self.started.append(request.id)


@pytest.fixture
def world() -> World:
    return World().with_failed_primary()


@pytest.fixture
def engine(world: World, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(orchestrations, "ports", lambda: world.ports)
    monkeypatch.setattr(orchestrations, "is_running", engine.is_running)
    monkeypatch.setattr(orchestrations, "start_operation", engine.start)
    return engine


def reconcile() -> None:
    asyncio.run(handlers()["mirror_reconciler"](func.TimerRequest, None))


def test_a_registered_operation_that_does_not_run_is_started(world: World, engine: Engine) -> None:
    request = begun(world, OperationKind.FAILOVER)
    reconcile()
    assert engine.started == [request.id]


def test_one_that_runs_is_left_alone(world: World, engine: Engine) -> None:
    engine.running = {begun(world, OperationKind.FAILOVER).id}
    reconcile()
    assert engine.started == []


def test_one_that_ended_after_it_was_seen_registered_is_not_begun_again(world: World, engine: Engine) -> None:
    request = begun(world, OperationKind.FAILOVER)
    engine.meanwhile = lambda: run_operation(world.ports, request, sleep=world.pass_time)
    reconcile()
    assert world.lock.operation is None
    assert engine.started == []
