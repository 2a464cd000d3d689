"""Every row of the preflight's table: what passes, warns and fails, and that nothing passes unasked."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.clusters import ClusterState, PowerState
from shared.domain.drills import DrillSlot
from shared.domain.fencing import FencingToken
from shared.domain.locks import Versioned, marked_failed
from shared.domain.modes import Modes
from shared.domain.preflight import NEEDED_ACTIONS, Check, CheckStatus, Findings, NotAsked, Replication, failing
from shared.domain.readiness import judge_readiness
from tests.unit.builders import DR, POLICY, PRIMARY, SECOND, T0, dr_gateway, lock, primary_gateway, steady_snapshot

PASS, WARN, FAIL = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL
DAY = 86_400 * SECOND
STOPPED = ClusterState(power=PowerState.STOPPED, provisioning="Succeeded")
RUNNING = ClusterState(power=PowerState.RUNNING, provisioning="Succeeded")
AWAY = NotAsked("no answer")
SLOT = DrillSlot(environment="PRO", written_by="w", last_succeeded_at=T0 - 10 * DAY, last_stopped_at=T0 - 10 * DAY)


def ready(**changes: Any) -> Findings:
    """Return what a preflight finds when everything is well, with some of it changed."""
    steady = steady_snapshot()
    primary = primary_gateway(checks={"key_vault": "ok"})
    snapshot = replace(steady, primary=primary, **changes.pop("snapshot", {}))
    findings = Findings(
        snapshot=snapshot, cluster=STOPPED, allowed=NEEDED_ACTIONS, database=None,
        replication=Replication(is_standby=False, replicas=1, lag_s=0.4), slot=SLOT, last_start_at=T0 - 10 * DAY,
    )  # fmt: skip
    return replace(findings, **changes)


def check(name: str, **changes: Any) -> Check:
    found = judge_readiness(ready(**changes), POLICY)
    return next(one for one in found.checks if one.name.id == name)


def locked(**changes: Any) -> dict[str, Any]:
    return {"lock": Versioned(replace(lock(), **changes), "v1")}


def test_everything_passes_when_everything_is_well() -> None:
    found = judge_readiness(ready(), POLICY)
    assert [(one.name.id, one.summary) for one in failing(found)] == []
    assert found.status is PASS
    assert len(found.checks) == 12


NO_RIGHT = NEEDED_ACTIONS - {"Microsoft.ContainerService/managedClusters/stop/action"}
CASES: list[tuple[str, CheckStatus, dict[str, Any]]] = [
    ("cluster_access", FAIL, {"allowed": NO_RIGHT}),
    ("cluster_access", FAIL, {"allowed": AWAY}),
    ("cluster_state", FAIL, {"cluster": AWAY}),
    ("cluster_state", WARN, {"cluster": RUNNING}),
    ("cluster_state", WARN, {"cluster": replace(RUNNING, provisioning="Starting")}),
    ("cluster_state", FAIL, {"cluster": replace(STOPPED, provisioning="Failed")}),
    ("cluster_state", PASS, {"cluster": RUNNING, "snapshot": locked(holder=DR)}),
    ("cluster_state", FAIL, {"cluster": STOPPED, "snapshot": locked(holder=DR)}),
    ("cluster_rest", WARN, {"last_start_at": None}),
    ("cluster_rest", WARN, {"last_start_at": T0 - 280 * DAY}),
    ("cluster_rest", FAIL, {"last_start_at": T0 - 366 * DAY}),
    ("cluster_rest", WARN, {"slot": replace(SLOT, last_stopped_at=T0 - 60 * SECOND)}),
    ("dr_gateway", FAIL, {"snapshot": {"dr": None}}),
    ("dr_gateway", FAIL, {"snapshot": {"dr": dr_gateway(reported_role="primary")}}),
    ("database", FAIL, {"database": AWAY}),
    ("replication", FAIL, {"replication": AWAY}),
    ("replication", WARN, {"replication": Replication(is_standby=False, replicas=0, lag_s=None)}),
    ("replication", WARN, {"replication": Replication(is_standby=False, replicas=1, lag_s=None)}),
    ("replication", FAIL, {"replication": Replication(is_standby=False, replicas=1, lag_s=31.0)}),
    ("replication", FAIL, {"replication": Replication(is_standby=True, replicas=0, lag_s=31.0)}),
    ("key_vault", WARN, {"slot": None}),
    ("key_vault", WARN, {"slot": replace(SLOT, last_succeeded_at=T0 - 93 * DAY)}),
    ("key_vault", FAIL, {"snapshot": {"dr": dr_gateway(checks={"key_vault": "403"})}}),
    ("authority", WARN, {"snapshot": {"mirror": None, "database_reachable": False}}),
    ("authority", FAIL, {"snapshot": {"lock": None}}),
    ("active_gateway", FAIL, {"snapshot": locked(holder=None)}),
    ("monitor", FAIL, {"snapshot": {"sight": None}}),
    ("monitor", FAIL, {"snapshot": {"now": T0 + 121 * SECOND}}),
    ("drill", WARN, {"slot": None}),
    ("drill", WARN, {"slot": replace(SLOT, last_succeeded_at=T0 - 93 * DAY)}),
    ("pause", WARN, {"snapshot": locked(modes=Modes(paused_until=T0 + 60 * SECOND))}),
    ("pause", PASS, {"snapshot": locked(modes=Modes(paused_until=T0))}),
]


@pytest.mark.parametrize(("name", "status", "changes"), CASES)
def test_a_check_ends_as_its_row_says(name: str, status: CheckStatus, changes: dict[str, Any]) -> None:
    assert check(name, **changes).status is status, check(name, **changes)


def test_a_key_vault_that_nobody_spoke_of_is_not_taken_for_a_good_one() -> None:
    silent = ready()
    silent = replace(silent, snapshot=replace(silent.snapshot, primary=primary_gateway(checks={})))
    found = next(one for one in judge_readiness(silent, POLICY).checks if one.name.id == "key_vault")
    assert found.status is WARN


def test_a_mirror_that_lags_warns_and_a_lock_that_lost_writes_fails() -> None:
    mirror = steady_snapshot().mirror
    assert mirror is not None
    lagging = replace(mirror, token=FencingToken(mirror.token - 1))
    ahead = replace(mirror, token=FencingToken(mirror.token + 1))
    assert check("authority", snapshot={"mirror": lagging}).status is WARN
    assert check("authority", snapshot={"mirror": ahead}).status is FAIL


def test_a_failed_holder_is_not_an_active_gateway() -> None:
    marked = marked_failed(lock(), now=T0, last_heartbeat=None, write_id="mark")
    assert check("active_gateway", snapshot={"lock": Versioned(marked, "v1")}).status is FAIL


def test_the_worst_check_is_the_preflights_status_and_comes_first() -> None:
    found = judge_readiness(ready(slot=None, allowed=AWAY), POLICY)
    assert found.status is FAIL
    assert [one.name.id for one in failing(found)] == ["cluster_access", "key_vault", "drill"]
    assert PRIMARY in check("active_gateway").summary
