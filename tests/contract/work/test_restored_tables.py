"""The real stores: Table Storage put back to an older copy while PostgreSQL remembers; refusals until a restore."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from azure.data.tables import TableClient

from devhost.emulators.memory_clusters import MemoryClusters
from devhost.emulators.memory_notifications import MemoryReceivers
from devhost.simulation.world import SwitchedCanary
from shared.adapters.postgres_work import PostgresWorkStore
from shared.adapters.random_ids import RandomIds
from shared.adapters.system_clock import SystemClock
from shared.adapters.tables import LOCKS, connect_string, create_tables, open_stores
from shared.domain.environments import Environment, Role
from shared.domain.fencing import FencingToken, mint
from shared.domain.gateways import BeatAnswer, Heartbeat, Identity
from shared.domain.guard import Caller
from shared.domain.locks import EnvironmentLock, transferred
from shared.domain.policy import Policy
from shared.domain.refusals import RefusalCode, Refused
from shared.domain.tasks import RotationConfig, TaskRefusal
from shared.ports import Ports, WorkRefused
from shared.steps.admin_calls import deactivate_gateway, execute_rotation
from shared.steps.gateway_calls import Registration, beat, claim_tasks, register_gateway
from shared.steps.observe import authority_reader
from shared.steps.restore_authority import Restored, restore_authority

NAME, PRIMARY, DR = "OLDCOPY", "gw-oldcopy-primary", "gw-oldcopy-dr"
POLICY = Policy(
    heartbeat_interval_s=0.1, request_timeout_s=0.1, lease_s=0.4, gateway_margin_s=0.1, server_margin_s=0.2,
    task_timeout_s=30,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The product's ports over real stores, and the table of locks for whoever breaks it."""

    ports: Ports
    locks: TableClient

    def lock(self) -> EnvironmentLock:
        found = self.ports.locks.read(NAME)
        assert found is not None
        return found.value

    def beat(self, gateway_id: str, token: int | None) -> BeatAnswer:
        role = Role.PRIMARY if gateway_id == PRIMARY else Role.DR_STANDBY
        seen = None if token is None else caller(gateway_id, token).token
        heartbeat = Heartbeat(boot_id="b", role=role.value, environment=NAME, token_seen=seen)
        return beat(self.ports, gateway_id, NAME, heartbeat, identity(gateway_id))

    def put_back(self, entity: dict[str, object] | None) -> None:
        """Make the lock what it was, as a storage account restored from a backup."""
        self.locks.delete_entity(NAME, "lock")
        if entity is not None:
            self.locks.create_entity(entity)


def identity(gateway_id: str) -> Identity:
    return Identity(tenant_id="t", object_id=gateway_id)


def caller(gateway_id: str, token: int) -> Caller:
    return Caller(gateway_id=gateway_id, environment=NAME, token=FencingToken(token))


@pytest.fixture
def system(azurite: str, database_url: str) -> Iterator[System]:
    clock = SystemClock()
    with connect_string(azurite) as client:
        create_tables(client)
        stores = open_stores(client)
        work = PostgresWorkStore(database_url, policy=POLICY, pool_size=4)
        ports = Ports(
            environments={NAME: Environment(name=NAME, dr_cluster="dr")}, policy=POLICY, locks=stores.locks,
            gateways=stores.gateways, operations=stores.operations, audit=stores.audit,
            events=stores.events, drills=stores.drills, preflights=stores.preflights, sight=stores.sight,
            alerts=stores.alerts, automatic=stores.automatic, work=work,
            notification_cursors=stores.notification_cursors,
            notification_deliveries=stores.notification_deliveries, receivers=MemoryReceivers(),
            clusters=MemoryClusters(clock, start_s=1, stop_s=1), canary=SwitchedCanary(), clock=clock,
            ids=RandomIds(clock),
        )  # fmt: skip
        locks = client.get_table_client(LOCKS)
        locks.delete_entity(NAME, "lock")
        work.put_config(RotationConfig(id="cfg", environment=NAME, name="n"))
        for gateway_id, role in ((PRIMARY, Role.PRIMARY), (DR, Role.DR_STANDBY)):
            registration = Registration(
                gateway_id=gateway_id, environment=NAME, role=role, boot_id="b", region="r", version="1"
            )
            assert not isinstance(register_gateway(ports, registration, identity(gateway_id)), Refused)
        try:
            yield System(ports=ports, locks=locks)
        finally:
            work.close()


def moved_to_dr(system: System) -> None:
    """Give the lock to the DR gateway, as a failover does, and raise the fence."""
    found = system.ports.locks.read(NAME)
    assert found is not None
    now = system.ports.clock.now()
    token = mint(stored=found.value.token, mirrored=None, now_unix_ns=system.ports.clock.unix_ns())
    moved = transferred(found.value, to=DR, token=token, now=now, operation_id="op", write_id="op/move")
    system.ports.locks.replace(moved, etag=found.etag)
    system.ports.work.sync_mirror(NAME, authority_reader(system.ports, NAME))


def leased(system: System, gateway_id: str) -> int:
    """Beat until the gateway has a lease, and return its token."""
    token: int | None = None
    for _ in range(100):
        answer = system.beat(gateway_id, token)
        if answer.lease_s is not None and answer.token is not None:
            return answer.token
        token = answer.token
        time.sleep(0.02)
    raise AssertionError("no lease within 100 heartbeats")


@pytest.mark.parametrize("lock_is_lost", [True, False])
def test_an_older_copy_of_the_real_table_stops_everybody_until_a_person_restores_it(
    system: System, lock_is_lost: bool
) -> None:
    old = leased(system, PRIMARY)
    copy = None if lock_is_lost else dict(system.locks.get_entity(NAME, "lock"))
    moved_to_dr(system)
    new = leased(system, DR)
    assert new > old

    system.put_back(copy)

    for gateway_id, token in ((PRIMARY, old), (PRIMARY, None), (DR, new)):
        answer = system.beat(gateway_id, token)
        assert (answer.token, answer.lease_s, answer.lease_refusal) == (None, None, "authority_regressed")
    refused = WorkRefused(TaskRefusal.AUTHORITY_REGRESSED)
    for gateway_id, token in ((PRIMARY, old), (DR, new)):
        assert claim_tasks(system.ports, caller(gateway_id, token), identity(gateway_id), limit=1) == refused
    calls: tuple[object, ...] = (
        deactivate_gateway(system.ports, PRIMARY, actor="a", forced=True, reason="r"),
        execute_rotation(system.ports, "cfg", actor="a", idempotency_key=""),
    )
    assert [isinstance(call, Refused) and call.code for call in calls] == [RefusalCode.AUTHORITY_REGRESSED] * 2

    done = restore_authority(system.ports, NAME, actor="admin", reason="account restored")

    assert isinstance(done, Restored)
    assert (system.lock(), system.lock().holder) == (done.lock, DR)
    assert done.lock.token > new
    assert system.beat(DR, done.lock.token).lease_refusal == "not_before"
    assert leased(system, DR) == done.lock.token
    queued = execute_rotation(system.ports, "cfg", actor="a", idempotency_key="")
    assert not isinstance(queued, Refused)
    claimed = claim_tasks(system.ports, caller(DR, done.lock.token), identity(DR), limit=1)
    assert not isinstance(claimed, WorkRefused)
    assert [task.id for task in claimed] == [queued[0].id]
    assert claim_tasks(system.ports, caller(DR, new), identity(DR), limit=1) == WorkRefused(TaskRefusal.STALE_TOKEN)
