"""Reads everything a decision needs, once, in the order that makes the decision safe."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.domain.clusters import ClusterState
from shared.domain.environments import Environment, Role
from shared.domain.failover import Snapshot, has_regressed
from shared.domain.faults import DatabaseUnavailable, LockStoreUnavailable, OutcomeUnknown, UnknownEnvironment
from shared.domain.gateways import Gateway, with_role
from shared.domain.guard import Absent, AuthorityReading, Mirror, Present, SyncOutcome, Unreachable, decide_sync
from shared.domain.locks import EnvironmentLock, Versioned
from shared.ports import Ports, ReadAuthority

LOOKS: Final = 3
"""How often a lock that looks stale is read again; each time but the last it has changed meanwhile."""


def environment_of(ports: Ports, name: str) -> Environment:
    """Return the declared environment.

    Raises:
        UnknownEnvironment: It is not declared.
    """
    environment = ports.environments.get(name)
    if environment is None:
        known = ", ".join(sorted(ports.environments))
        raise UnknownEnvironment(f"Environment {name} does not exist; known: {known}")
    return environment


def rto_target_s(ports: Ports, name: str) -> float:
    """Return within how many seconds the environment is to be recovered: its own setting, else the policy's."""
    return environment_of(ports, name).rto_target_s or ports.policy.rto_target_s


def observe(ports: Ports, name: str) -> Snapshot:
    """Return the snapshot of an environment. The lock and its version are read before the evidence.

    Read the other way round, a primary that recovers in between would be displaced by a write that succeeds.

    Raises:
        UnknownEnvironment: It is not declared.
        LockStoreUnavailable: Without the lock or the heartbeats nothing can be decided.
    """
    snapshot = observe_without_sight(ports, name)
    sight = ports.sight.read()
    return replace(snapshot, sight=sight.value if sight else None)


def observe_without_sight(ports: Ports, name: str) -> Snapshot:
    """Return the same snapshot for who knows the health monitor's sight, or does not need it."""
    environment = environment_of(ports, name)
    for _ in range(LOOKS):
        snapshot = _look(ports, environment)
        if not has_regressed(snapshot):
            break
        # The lock may just have moved, and the mirror with it, between the two reads.
        again = ports.locks.read(environment.name)
        if again == snapshot.lock:
            break
    return snapshot


def observe_all(ports: Ports) -> Sequence[Snapshot]:
    """Return the snapshot of every declared environment, without the sight: two requests, however many there are.

    All locks are read before the first gateway, so the order that `observe` keeps is kept here (ADR 0020).

    Raises:
        LockStoreUnavailable: Without the locks or the heartbeats nothing can be decided.
    """
    locks = ports.locks.read_all(ports.environments)
    gateways = ports.gateways.list_all(ports.environments)
    snapshots = (_snapshot(ports, name, locks.get(name), gateways[name]) for name in ports.environments)
    return [observe_without_sight(ports, one.environment) if has_regressed(one) else one for one in snapshots]


def observe_gateways(ports: Ports, locks: Mapping[str, Versioned[EnvironmentLock]]) -> Sequence[Snapshot]:
    """Return the snapshot of every declared environment with a lock that was read earlier: one request."""
    gateways = ports.gateways.list_all(ports.environments)
    return [_snapshot(ports, name, locks[name], gateways[name]) for name in ports.environments]


def has_lost_writes(ports: Ports, lock: EnvironmentLock) -> bool:
    """Whether PostgreSQL knows of a newer grant than a lock that was just read; False while it does not answer.

    For those who act on a lock alone. A mirror raised since the lock was read looks the same and is as good a reason
    to look again later.
    """
    mirror, _ = _mirror(ports, lock.environment)
    return decide_sync(mirror, Present(lock)) is SyncOutcome.REGRESSED


def _look(ports: Ports, environment: Environment) -> Snapshot:
    lock = ports.locks.read(environment.name)
    return _snapshot(ports, environment.name, lock, ports.gateways.list(environment.name))


def _snapshot(
    ports: Ports, name: str, lock: Versioned[EnvironmentLock] | None, gateways: Sequence[Gateway]
) -> Snapshot:
    mirror, reachable = _mirror(ports, name)
    return Snapshot(
        environment=name,
        lock=lock,
        primary=with_role(gateways, Role.PRIMARY),
        dr=with_role(gateways, Role.DR_STANDBY),
        sight=None,
        mirror=mirror,
        database_reachable=reachable,
        now=ports.clock.now(),
    )


def primary_cluster_state(ports: Ports, name: str) -> ClusterState | None:
    """Return the state of the primary's cluster, or None when none is declared.

    Raises:
        ClusterApiUnavailable: Azure did not answer.
    """
    cluster = environment_of(ports, name).primary_cluster
    return ports.clusters.state(cluster) if cluster else None


def authority_reader(ports: Ports, name: str) -> ReadAuthority:
    """Return the function that guarded transactions call to read the lock; a store failure is a value."""

    def read() -> AuthorityReading:
        try:
            found = ports.locks.read(name)
        except (LockStoreUnavailable, OutcomeUnknown) as failure:
            return Unreachable(str(failure))
        return Present(found.value) if found else Absent()

    return read


def find_gateway(ports: Ports, gateway_id: str) -> Gateway | None:
    """Return the gateway with this id, whichever environment it belongs to, or None."""
    for name in ports.environments:
        found = ports.gateways.read(name, gateway_id)
        if found:
            return found.value
    return None


def _mirror(ports: Ports, name: str) -> tuple[Mirror | None, bool]:
    try:
        return ports.work.mirror(name), True
    except (DatabaseUnavailable, OutcomeUnknown):
        return None, False
