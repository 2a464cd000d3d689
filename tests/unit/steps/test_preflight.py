"""A preflight asks everything, changes nothing, and tells only what has changed."""

from devhost.emulators.memory_clusters import RUNNING
from devhost.simulation.world import PRO, World
from shared.domain.events import EventType
from shared.domain.faults import ClusterApiUnavailable
from shared.domain.preflight import CheckStatus, Preflight
from shared.steps.preflight import newest_preflight, run_preflight
from tests.unit.steps.acting import everything
from tests.unit.steps.test_drills import drilled


def status_of(preflight: Preflight, name: str) -> CheckStatus:
    return next(check.status for check in preflight.checks if check.name.id == name)


def told(world: World) -> list[list[str]]:
    events = world.ports.events.after("PRO", 0, limit=500)
    return [list(e.data["changed"]) for e in events if e.type is EventType.PREFLIGHT_CHANGED]  # type: ignore[arg-type]


def test_an_environment_that_was_drilled_is_ready_and_one_that_was_not_is_warned_of() -> None:
    world = World().founded()
    before = run_preflight(world.ports, "PRO")
    assert before.status is CheckStatus.WARN
    assert status_of(before, "drill") is CheckStatus.WARN
    assert status_of(before, "cluster_rest") is CheckStatus.WARN
    drilled(world)
    world.pass_time(world.policy.hold_s)
    after = run_preflight(world.ports, "PRO")
    assert status_of(after, "drill") is CheckStatus.PASS
    assert status_of(after, "cluster_rest") is CheckStatus.PASS


def test_a_preflight_changes_nothing_but_its_own_record() -> None:
    world = World().founded()
    before = everything(world)
    run_preflight(world.ports, "PRO")
    assert everything(world) == before
    assert newest_preflight(world.ports, "PRO").checked_at == world.clock.time


def test_only_a_change_is_told() -> None:
    world = World().founded()
    run_preflight(world.ports, "PRO")
    run_preflight(world.ports, "PRO")
    assert len(told(world)) == 1
    world.pass_time(world.policy.heartbeat_interval_s)
    world.clusters.put(PRO.dr_cluster, RUNNING)
    run_preflight(world.ports, "PRO")
    assert told(world)[1:] == [["cluster_state"]]


def test_azure_and_postgresql_that_do_not_answer_are_failures_and_not_an_error() -> None:
    def fault(point: str) -> None:
        if point in ("clusters.allowed", "clusters.state") and armed:
            raise ClusterApiUnavailable("no answer")

    armed = False
    world = World(fault=fault).founded()
    armed = True
    world.work.database.down = True
    found = run_preflight(world.ports, "PRO")
    failed = {check.name.id for check in found.checks if check.status is CheckStatus.FAIL}
    assert failed == {"cluster_access", "cluster_state", "database", "replication"}
