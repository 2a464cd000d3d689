"""What a snapshot shows to people: the lock, its mirror, and both gateways with their verdicts."""

from dataclasses import replace

from shared.domain.clusters import ClusterState
from shared.domain.failover import evidence, health_of
from shared.domain.health import Verdict
from tests.unit.builders import (
    DR,
    POLICY,
    PRIMARY,
    SECOND,
    STOPPED,
    T0,
    at_version,
    dr_gateway,
    failed_over_lock,
    failed_snapshot,
    primary_gateway,
    steady_snapshot,
)


def test_only_a_standby_that_holds_nothing_is_cold() -> None:
    silent = dr_gateway(last_heartbeat=T0 - 400 * SECOND)
    holding = steady_snapshot(lock=at_version(failed_over_lock()), dr=silent)

    assert health_of(silent, steady_snapshot(dr=silent), POLICY).verdict is Verdict.COLD
    assert health_of(silent, steady_snapshot(dr=silent, lock=None), POLICY).verdict is Verdict.COLD
    assert health_of(silent, holding, POLICY).verdict is Verdict.FAILED
    assert health_of(replace(silent, role=primary_gateway().role), holding, POLICY).verdict is Verdict.FAILED


def test_the_evidence_shows_both_gateways_the_lock_and_its_mirror() -> None:
    assert evidence(failed_snapshot(primary_cluster=STOPPED), POLICY) == {
        "lock": {"holder": PRIMARY, "fencing_token": "1772366400000000000"},
        "database": "reachable",
        "mirror_token": "1772366400000000000",
        "primary_cluster": "Stopped / Succeeded",
        "primary": {
            "id": PRIMARY,
            "activation_status": "failed",
            "verdict": "failed",
            "reason": "silent for 400.0 s: 3 missed heartbeats",
            "last_heartbeat": "2026-03-01T11:53:20+00:00",
            "heartbeat_age_seconds": 400.0,
            "consecutive_failures": 3,
            "heartbeats_on_time": 41,
        },
        "dr-standby": {
            "id": DR,
            "activation_status": "standby",
            "verdict": "healthy",
            "reason": "last heartbeat 0.0 s ago",
            "last_heartbeat": "2026-03-01T12:00:00+00:00",
            "heartbeat_age_seconds": 0.0,
            "consecutive_failures": 0,
            "heartbeats_on_time": 41,
        },
    }


def test_the_evidence_of_a_gateway_that_was_never_heard_has_no_age() -> None:
    never = primary_gateway(last_heartbeat=None)

    shown = evidence(steady_snapshot(primary=never, lock=None), POLICY)["primary"]

    assert isinstance(shown, dict)
    assert (shown["last_heartbeat"], shown["heartbeat_age_seconds"]) == (None, None)
    assert shown["activation_status"] == "standby"


def test_a_cluster_in_an_unknown_power_state_is_still_shown() -> None:
    unknown = ClusterState(power=None, provisioning="Updating")

    assert evidence(steady_snapshot(primary_cluster=unknown), POLICY)["primary_cluster"] == (
        "unknown power state / Updating"
    )
