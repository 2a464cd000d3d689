"""May the primary be given its environment back (runbook 2.1, 2.2), and may a holder be taken out (section 3)?"""

from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.clusters import ClusterState, PowerState
from shared.domain.failover import (
    Allowed,
    AlreadyDone,
    Joined,
    decide_deactivation,
    decide_failback,
    evidence,
    is_stable,
)
from shared.domain.gateways import register
from shared.domain.operations import OperationKind
from shared.domain.refusals import RefusalCode
from tests.unit.builders import (
    DR,
    POLICY,
    PRIMARY,
    PROPERTY,
    SECOND,
    STOPPED,
    T0,
    TOKEN,
    above,
    at_version,
    dr_gateway,
    failed_over_lock,
    failed_over_snapshot,
    lock,
    mirror,
    primary_gateway,
    request,
    steady_snapshot,
)
from tests.unit.domain.decisions import (
    Row,
    gateway_evidence,
    held_by,
    outcome_of,
    refusal_of,
    seeing,
    with_lock,
    with_primary,
)

# The order in which `decide_failback` asks: when a row is true, and what it decides. Each row is a change of a
# snapshot in which a failback is allowed.
ROWS: dict[str, tuple[Row, str]] = {
    "lock lost": (seeing(lock=None, mirror=mirror(holder=DR)), "AuthorityRegressed"),
    "mirror newer": (seeing(mirror=mirror(token=above(TOKEN))), "AuthorityRegressed"),
    "mirror contradicts": (seeing(mirror=mirror(holder="gw-pro-fourth")), "AuthorityRegressed"),
    "no lock": (seeing(lock=None, mirror=None), "PrimaryNotRegistered"),
    "failback runs": (with_lock(operation=request(OperationKind.FAILBACK)), "joined"),
    "failover runs": (with_lock(operation=request()), "OperationInProgress"),
    "no primary": (seeing(primary=None), "PrimaryNotRegistered"),
    "failed back already": (held_by(PRIMARY, previous_holder=DR), "already done"),
    "never failed over": (held_by(PRIMARY, previous_holder=None), "NotFailedOver"),
    "primary reports another role": (with_primary(reported_environment="NPR"), "GatewayRoleMismatch"),
    "primary silent": (with_primary(last_heartbeat=T0 - 26 * SECOND), "PrimaryNotRecovered"),
    "cluster stopped": (seeing(primary_cluster=STOPPED), "PrimaryClusterNotRunning"),
    "database unreachable": (seeing(database_reachable=False), "DatabaseNotReachable"),
    "key vault unreachable": (with_primary(checks={"key_vault": "denied"}), "KeyVaultNotReachable"),
}
MIRROR_ROWS = ("lock lost", "mirror newer", "mirror contradicts")
LOCK_ROWS = (*MIRROR_ROWS, "failback runs", "failover runs", "failed back already", "never failed over")
NEVER_BOTH_TRUE = {
    *(frozenset(("no lock", other)) for other in LOCK_ROWS),
    *(frozenset(pair) for pair in combinations(MIRROR_ROWS, 2)),
    frozenset(("failback runs", "failover runs")),
    frozenset(("failed back already", "never failed over")),
    frozenset(("no primary", "failed back already")),
    frozenset(("no primary", "never failed over")),
    frozenset(("no primary", "primary reports another role")),
    frozenset(("no primary", "primary silent")),
    frozenset(("no primary", "key vault unreachable")),
}
PAIRS = [
    (first, second)
    for index, first in enumerate(ROWS)
    for second in list(ROWS)[index + 1 :]
    if frozenset((first, second)) not in NEVER_BOTH_TRUE
]


@pytest.mark.parametrize("row", ROWS)
def test_each_condition_of_a_failback_decides_what_it_says(row: str) -> None:
    change, expected = ROWS[row]

    assert outcome_of(decide_failback(change(failed_over_snapshot()), POLICY)) == expected


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_conditions_that_are_true_the_first_decides(first: str, second: str) -> None:
    both = ROWS[first][0](ROWS[second][0](failed_over_snapshot()))

    assert outcome_of(decide_failback(both, POLICY)) == ROWS[first][1]


def test_a_primary_that_is_well_may_be_given_its_environment_back_at_exactly_the_version_that_was_judged() -> None:
    decision = decide_failback(failed_over_snapshot(), POLICY)

    assert isinstance(decision, Allowed)
    assert (decision.lock.value.holder, decision.to, decision.lock.etag) == (DR, PRIMARY, "v7")
    assert decision.evidence == evidence(failed_over_snapshot(), POLICY)


def test_an_environment_that_nobody_holds_may_be_given_to_its_primary() -> None:
    decision = decide_failback(held_by(None)(failed_over_snapshot()), POLICY)

    assert isinstance(decision, Allowed)
    assert (decision.lock.value.holder, decision.to) == (None, PRIMARY)


def test_repeating_a_failback_that_is_done_answers_the_same_token() -> None:
    done = held_by(PRIMARY, previous_holder=DR)(failed_over_snapshot())

    assert decide_failback(done, POLICY) == AlreadyDone(TOKEN)


def test_a_second_caller_joins_the_failback_that_runs_and_the_operation_itself_goes_on() -> None:
    seen = with_lock(operation=request(OperationKind.FAILBACK))(failed_over_snapshot())

    assert decide_failback(seen, POLICY) == Joined("op-failback")
    assert outcome_of(decide_failback(seen, POLICY, operation_id="op-failback")) == "allowed"


def test_there_is_nothing_to_fail_back_while_the_primary_holds_the_lock() -> None:
    refused = refusal_of(decide_failback(steady_snapshot(), POLICY), RefusalCode.NOT_FAILED_OVER)

    assert refused.evidence["lock"] == {"holder": PRIMARY, "fencing_token": str(TOKEN)}


def test_a_primary_whose_dr_gateway_is_gone_has_nothing_to_fail_back_from() -> None:
    seen = held_by(PRIMARY, previous_holder=DR)(failed_over_snapshot(dr=None))

    refusal_of(decide_failback(seen, POLICY), RefusalCode.NOT_FAILED_OVER)


def test_a_mirror_that_names_another_holder_for_the_same_token_refuses_a_failback() -> None:
    seen = failed_over_snapshot(mirror=mirror(holder=PRIMARY))

    refused = refusal_of(decide_failback(seen, POLICY), RefusalCode.AUTHORITY_REGRESSED)

    assert refused.evidence["lock"] == {"holder": DR, "fencing_token": str(TOKEN)}


def test_a_primary_that_restarted_since_its_last_heartbeat_is_not_given_its_environment_back() -> None:
    before = primary_gateway()
    again = register(
        known=before,
        gateway_id=before.id,
        environment="PRO",
        role=before.role,
        identity=before.identity,
        boot_id="boot-2",
        region="",
        version="",
        now=T0,
    )

    refused = refusal_of(
        decide_failback(failed_over_snapshot(primary=again), POLICY), RefusalCode.PRIMARY_NOT_RECOVERED
    )

    assert gateway_evidence(refused, "primary")["heartbeats_on_time"] == 0


def test_a_silent_primary_is_not_given_its_environment_back() -> None:
    seen = with_primary(last_heartbeat=T0 - 400 * SECOND, streak_beats=2)(failed_over_snapshot())

    refused = refusal_of(decide_failback(seen, POLICY), RefusalCode.PRIMARY_NOT_RECOVERED)

    assert refused.detail == (
        "gw-pro-primary: silent for 400.0 s: 3 missed heartbeats; 2 heartbeats on time, 60 s without a gap are needed"
    )
    assert gateway_evidence(refused, "primary")["heartbeats_on_time"] == 2


@pytest.mark.parametrize(
    "cluster",
    [
        STOPPED,
        ClusterState(power=PowerState.RUNNING, provisioning="Starting"),
        ClusterState(power=None, provisioning="Succeeded"),
    ],
)
def test_a_primary_whose_cluster_is_not_up_is_not_given_its_environment_back(cluster: ClusterState) -> None:
    refused = refusal_of(
        decide_failback(failed_over_snapshot(primary_cluster=cluster), POLICY),
        RefusalCode.PRIMARY_CLUSTER_NOT_RUNNING,
    )

    assert refused.evidence["primary_cluster"] == cluster.describe()


def test_a_primary_without_a_declared_cluster_is_judged_by_its_heartbeats() -> None:
    assert outcome_of(decide_failback(failed_over_snapshot(primary_cluster=None), POLICY)) == "allowed"


def test_a_primary_that_could_not_work_without_postgresql_is_not_given_its_environment_back() -> None:
    seen = failed_over_snapshot(database_reachable=False, mirror=None)

    refused = refusal_of(decide_failback(seen, POLICY), RefusalCode.DATABASE_NOT_REACHABLE)

    assert refused.evidence["database"] == "unreachable"


@pytest.mark.parametrize(("checks", "outcome"), [({"key_vault": "ok"}, "allowed"), ({}, "allowed")])
def test_a_primary_that_does_not_complain_about_its_key_vault_can_use_it(checks: dict[str, str], outcome: str) -> None:
    assert outcome_of(decide_failback(with_primary(checks=checks)(failed_over_snapshot()), POLICY)) == outcome


def test_a_primary_that_cannot_use_its_key_vault_is_not_given_its_environment_back() -> None:
    seen = with_primary(checks={"key_vault": "403"})(failed_over_snapshot())

    refused = refusal_of(decide_failback(seen, POLICY), RefusalCode.KEY_VAULT_NOT_REACHABLE)

    assert refused.detail == "gw-pro-primary reports 403"


@pytest.mark.parametrize(
    ("silent_s", "run_s", "beats", "stable"),
    [
        (0, 60, 3, True),
        (25, 60, 3, True),
        (25.001, 60, 3, False),
        (0, 59.999, 3, False),
        (0, 60, 2, False),
        (0, 3600, 200, True),
        (400, 3600, 200, False),
    ],
)
def test_a_gateway_is_stable_when_it_beat_on_time_for_the_whole_window_up_to_now(
    silent_s: float, run_s: float, beats: int, stable: bool
) -> None:
    gateway = primary_gateway(
        last_heartbeat=T0 - timedelta(seconds=silent_s),
        streak_started_at=T0 - timedelta(seconds=run_s),
        streak_beats=beats,
    )

    assert is_stable(gateway, now=T0, policy=POLICY) is stable


@pytest.mark.parametrize("missing", ["last_heartbeat", "streak_started_at"])
def test_a_gateway_that_was_never_heard_is_not_stable(missing: str) -> None:
    assert not is_stable(primary_gateway(**{missing: None}), now=T0, policy=POLICY)


@PROPERTY
@given(silent_s=st.integers(0, 200), run_s=st.integers(0, 200), beats=st.integers(0, 10))
def test_a_failback_is_allowed_exactly_when_the_primary_is_stable(silent_s: int, run_s: int, beats: int) -> None:
    primary = primary_gateway(
        last_heartbeat=T0 - silent_s * SECOND, streak_started_at=T0 - run_s * SECOND, streak_beats=beats
    )

    decision = decide_failback(failed_over_snapshot(primary=primary), POLICY)

    due = silent_s <= 25 and run_s >= 60 and beats >= 3
    assert outcome_of(decision) == ("allowed" if due else "PrimaryNotRecovered")


@pytest.mark.parametrize("forced", [True, False])
def test_taking_out_a_gateway_that_holds_nothing_leaves_the_lock_alone(forced: bool) -> None:
    for seen, gateway in (
        (steady_snapshot(), dr_gateway()),
        (failed_over_snapshot(), primary_gateway()),
        (steady_snapshot(lock=at_version(lock(holder=None))), primary_gateway()),
        (steady_snapshot(lock=None, mirror=None), primary_gateway()),
    ):
        assert decide_deactivation(seen, POLICY, gateway, forced=forced) is None


def test_the_only_holder_is_not_taken_out_without_force() -> None:
    decision = decide_deactivation(steady_snapshot(), POLICY, primary_gateway(), forced=False)

    refused = refusal_of(decision, RefusalCode.LOCK_HOLDER_DEACTIVATION)
    assert refused.evidence["lock"] == {"holder": PRIMARY, "fencing_token": str(TOKEN)}


def test_with_force_the_holder_is_taken_out_at_the_version_that_was_judged() -> None:
    decision = decide_deactivation(failed_over_snapshot(), POLICY, dr_gateway(), forced=True)

    assert decision == at_version(failed_over_lock())


def test_a_holder_is_not_taken_out_under_a_running_operation_even_with_force() -> None:
    seen = with_lock(operation=request())(steady_snapshot())

    for forced in (True, False):
        decision = decide_deactivation(seen, POLICY, primary_gateway(), forced=forced)
        refused = refusal_of(decision, RefusalCode.OPERATION_IN_PROGRESS)
        assert refused.detail == "failover op-failover"
        assert refused.evidence["operation"] == {"id": "op-failover", "type": "failover"}
