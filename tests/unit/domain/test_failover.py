"""May the DR gateway be given the environment (runbook 1.1, 1.4)? Every row of the decision table, and its order."""

import pytest

from shared.domain.failover import Allowed, AlreadyDone, Joined, decide_activation, evidence
from shared.domain.fencing import FencingToken
from shared.domain.operations import OperationKind
from shared.domain.refusals import RefusalCode
from tests.unit.builders import (
    DR,
    POLICY,
    PRIMARY,
    SECOND,
    T0,
    TOKEN,
    above,
    at_version,
    failed_over_snapshot,
    failed_snapshot,
    lock,
    mark,
    mirror,
    primary_gateway,
    request,
    sight,
    steady_snapshot,
)
from tests.unit.domain.decisions import (
    Row,
    gateway_evidence,
    held_by,
    outcome_of,
    refusal_of,
    seeing,
    with_dr,
    with_lock,
    with_primary,
)

# The table of `decide_activation` in its order: when a row is true, and what it decides. Each row is a change of a
# snapshot in which a failover is allowed.
ROWS: dict[str, tuple[Row, str]] = {
    "lock lost": (seeing(lock=None, mirror=mirror()), "AuthorityRegressed"),
    "mirror newer": (seeing(mirror=mirror(token=above(TOKEN))), "AuthorityRegressed"),
    "mirror contradicts": (seeing(mirror=mirror(holder="gw-pro-fourth")), "AuthorityRegressed"),
    "no lock": (seeing(lock=None, mirror=None), "PrimaryNotRegistered"),
    "failover runs": (with_lock(operation=request()), "joined"),
    "failback runs": (with_lock(operation=request(OperationKind.FAILBACK)), "OperationInProgress"),
    "stop runs": (with_lock(operation=request(OperationKind.STOP_DR_CLUSTER)), "OperationInProgress"),
    "dr holds": (held_by(DR), "already done"),
    "no dr": (seeing(dr=None), "DrGatewayNotRegistered"),
    "dr reports another role": (with_dr(reported_role="primary"), "GatewayRoleMismatch"),
    "nobody holds": (held_by(None), "allowed"),
    "unknown holder": (held_by("gw-pro-third"), "PrimaryNotRegistered"),
    "primary heard": (with_primary(last_heartbeat=T0 - 119 * SECOND), "PrimaryNotFailed"),
    "monitor blind": (seeing(sight=None), "MonitorBlind"),
    "not marked": (with_lock(failed=()), "PrimaryNotFailed"),
}
NEVER_BOTH_TRUE = {
    frozenset(pair)
    for pair in [
        *(("no lock", other) for other in ("lock lost", "mirror newer", "mirror contradicts", "not marked")),
        *(("no lock", other) for other in ("failover runs", "failback runs", "stop runs")),
        *(("no lock", other) for other in ("dr holds", "nobody holds", "unknown holder")),
        ("lock lost", "mirror newer"),
        ("lock lost", "mirror contradicts"),
        ("mirror newer", "mirror contradicts"),
        ("failover runs", "failback runs"),
        ("failover runs", "stop runs"),
        ("failback runs", "stop runs"),
        ("dr holds", "no dr"),
        ("dr holds", "nobody holds"),
        ("dr holds", "unknown holder"),
        ("nobody holds", "unknown holder"),
    ]
}
PAIRS = [
    (first, second)
    for index, first in enumerate(ROWS)
    for second in list(ROWS)[index + 1 :]
    if frozenset((first, second)) not in NEVER_BOTH_TRUE
]


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_table_decides_what_it_says(row: str) -> None:
    change, expected = ROWS[row]

    assert outcome_of(decide_activation(change(failed_snapshot()), POLICY)) == expected


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_rows_that_are_true_the_first_decides(first: str, second: str) -> None:
    both = ROWS[first][0](ROWS[second][0](failed_snapshot()))

    assert outcome_of(decide_activation(both, POLICY)) == ROWS[first][1]


def test_a_failed_and_silent_primary_may_be_displaced_at_exactly_the_version_that_was_judged() -> None:
    decision = decide_activation(failed_snapshot(), POLICY)

    assert isinstance(decision, Allowed)
    assert (decision.lock.value.holder, decision.to, decision.lock.etag) == (PRIMARY, DR, "v7")
    assert decision.evidence == evidence(failed_snapshot(), POLICY)


def test_an_environment_that_nobody_holds_may_be_given_to_the_dr_gateway() -> None:
    decision = decide_activation(steady_snapshot(lock=at_version(lock(holder=None))), POLICY)

    assert isinstance(decision, Allowed)
    assert (decision.lock.value.holder, decision.to) == (None, DR)


def test_a_primary_that_beats_is_not_displaced() -> None:
    refused = refusal_of(decide_activation(steady_snapshot(), POLICY), RefusalCode.PRIMARY_NOT_FAILED)

    assert refused.code.message == "Primary is not in failed state"
    assert refused.detail == "gw-pro-primary: activation_status active, last heartbeat 0.0 s ago"
    assert gateway_evidence(refused, "primary")["verdict"] == "healthy"


def test_a_primary_marked_failed_that_beats_again_is_not_displaced() -> None:
    back = with_primary(last_heartbeat=T0 - 3 * SECOND)(failed_snapshot())

    refused = refusal_of(decide_activation(back, POLICY), RefusalCode.PRIMARY_NOT_FAILED)

    assert refused.detail == "gw-pro-primary: activation_status failed, last heartbeat 3.0 s ago"
    shown = gateway_evidence(refused, "primary")
    assert (shown["activation_status"], shown["verdict"]) == ("failed", "healthy")
    assert shown["heartbeat_age_seconds"] == 3.0


@pytest.mark.parametrize(("silent_s", "outcome"), [(119, "PrimaryNotFailed"), (120, "allowed"), (360, "allowed")])
def test_a_failed_primary_may_be_displaced_from_one_heartbeat_timeout_of_silence(silent_s: int, outcome: str) -> None:
    seen = with_primary(last_heartbeat=T0 - silent_s * SECOND)(failed_snapshot())

    assert outcome_of(decide_activation(seen, POLICY)) == outcome


def test_a_silent_primary_that_is_not_marked_failed_yet_is_not_displaced() -> None:
    seen = failed_snapshot(lock=at_version(lock()))

    refused = refusal_of(decide_activation(seen, POLICY), RefusalCode.PRIMARY_NOT_FAILED)

    assert gateway_evidence(refused, "primary")["consecutive_failures"] == 3
    assert gateway_evidence(refused, "primary")["activation_status"] == "active"


def test_a_mark_from_before_the_primary_got_its_present_token_displaces_nobody() -> None:
    stale = mark(token=FencingToken(TOKEN - 1))

    refused = refusal_of(
        decide_activation(with_lock(failed=(stale,))(failed_snapshot()), POLICY), RefusalCode.PRIMARY_NOT_FAILED
    )

    assert gateway_evidence(refused, "primary")["activation_status"] == "active"


@pytest.mark.parametrize("seen", [None, sight(watched_s=119), sight(at=T0 - 121 * SECOND)])
def test_silence_that_a_blind_monitor_did_not_hear_displaces_nobody(seen: object) -> None:
    blind = seeing(sight=seen)(failed_snapshot())

    refused = refusal_of(decide_activation(blind, POLICY), RefusalCode.MONITOR_BLIND)

    assert gateway_evidence(refused, "primary")["verdict"] == "unknown"


def test_a_primary_that_registered_a_moment_ago_is_not_displaced_for_the_silence_before_it_existed() -> None:
    new = primary_gateway(registered_at=T0 - SECOND, last_heartbeat=None, streak_started_at=None, streak_beats=0)

    refused = refusal_of(decide_activation(failed_snapshot(primary=new), POLICY), RefusalCode.MONITOR_BLIND)

    assert refused.detail == (
        "gw-pro-primary: activation_status failed, the health monitor has seen 1.0 s of its silence only"
    )


def test_a_heartbeat_far_in_the_future_is_neither_life_nor_silence_and_displaces_nobody() -> None:
    ahead = with_primary(last_heartbeat=T0 + 3600 * SECOND)(failed_snapshot())

    refused = refusal_of(decide_activation(ahead, POLICY), RefusalCode.MONITOR_BLIND)

    assert gateway_evidence(refused, "primary")["verdict"] == "unknown"


def test_an_environment_whose_dr_gateway_holds_the_lock_needs_no_failover() -> None:
    decision = decide_activation(failed_over_snapshot(), POLICY)

    assert decision == AlreadyDone(TOKEN)


def test_a_second_caller_joins_the_failover_that_runs() -> None:
    assert decide_activation(with_lock(operation=request())(failed_snapshot()), POLICY) == Joined("op-failover")


def test_an_operation_does_not_stand_in_its_own_way() -> None:
    own = with_lock(operation=request())(failed_snapshot())

    assert outcome_of(decide_activation(own, POLICY, operation_id="op-failover")) == "allowed"
    assert outcome_of(decide_activation(own, POLICY, operation_id="op-another")) == "joined"


def test_a_refusal_names_the_operation_that_runs() -> None:
    seen = with_lock(operation=request(OperationKind.FAILBACK))(failed_snapshot())

    refused = refusal_of(decide_activation(seen, POLICY), RefusalCode.OPERATION_IN_PROGRESS)

    assert refused.detail == "failback op-failback is running since 2026-03-01T12:00:00+00:00"
    assert refused.evidence["operation"] == {"id": "op-failback", "type": "failback"}


def test_without_a_lock_there_is_no_primary_to_displace() -> None:
    refused = refusal_of(
        decide_activation(failed_snapshot(lock=None, mirror=None), POLICY), RefusalCode.PRIMARY_NOT_REGISTERED
    )

    assert refused.evidence["lock"] is None


def test_a_lock_that_is_gone_while_its_mirror_remains_was_lost() -> None:
    refused = refusal_of(decide_activation(failed_snapshot(lock=None), POLICY), RefusalCode.AUTHORITY_REGRESSED)

    assert (refused.evidence["lock"], refused.evidence["mirror_token"]) == (None, str(TOKEN))


def test_a_lock_older_than_its_mirror_was_lost() -> None:
    ahead = seeing(mirror=mirror(token=above(TOKEN)))(failed_snapshot())

    refused = refusal_of(decide_activation(ahead, POLICY), RefusalCode.AUTHORITY_REGRESSED)

    assert refused.evidence["mirror_token"] == str(TOKEN + 1)
    assert refused.evidence["lock"] == {"holder": PRIMARY, "fencing_token": str(TOKEN)}


def test_a_mirror_that_names_another_holder_for_the_same_token_refuses_a_failover() -> None:
    seen = failed_snapshot(mirror=mirror(holder=DR))

    refused = refusal_of(decide_activation(seen, POLICY), RefusalCode.AUTHORITY_REGRESSED)

    assert refused.evidence["mirror_token"] == str(TOKEN)
    assert refused.evidence["lock"] == {"holder": PRIMARY, "fencing_token": str(TOKEN)}


def test_a_mirror_that_lags_may_name_any_holder() -> None:
    seen = failed_snapshot(mirror=mirror(token=FencingToken(TOKEN - 1), holder=DR))

    assert outcome_of(decide_activation(seen, POLICY)) == "allowed"


@pytest.mark.parametrize("token", [TOKEN, FencingToken(TOKEN - 1)])
def test_a_mirror_that_lags_or_agrees_stops_no_failover(token: FencingToken) -> None:
    assert outcome_of(decide_activation(failed_snapshot(mirror=mirror(token=token)), POLICY)) == "allowed"


def test_a_failover_does_not_need_postgresql() -> None:
    decision = decide_activation(failed_snapshot(mirror=None, database_reachable=False), POLICY)

    assert isinstance(decision, Allowed)
    assert decision.evidence["database"] == "unreachable"


def test_without_a_dr_gateway_there_is_nobody_to_fail_over_to() -> None:
    refused = refusal_of(decide_activation(failed_snapshot(dr=None), POLICY), RefusalCode.DR_GATEWAY_NOT_REGISTERED)

    assert "dr-standby" not in refused.evidence
    assert gateway_evidence(refused, "primary")["id"] == PRIMARY


def test_a_dr_gateway_that_says_it_is_something_else_is_not_chosen() -> None:
    wrong = with_dr(reported_role="primary", reported_environment="NPR")(failed_snapshot())

    refused = refusal_of(decide_activation(wrong, POLICY), RefusalCode.GATEWAY_ROLE_MISMATCH)

    assert refused.detail == "gw-pro-dr reports role primary in NPR"
    assert gateway_evidence(refused, "dr-standby")["id"] == DR


@pytest.mark.parametrize("primary", [None, primary_gateway(id="gw-pro-other")])
def test_a_holder_that_is_not_the_known_primary_is_not_displaced(primary: object) -> None:
    refused = refusal_of(
        decide_activation(failed_snapshot(primary=primary), POLICY), RefusalCode.PRIMARY_NOT_REGISTERED
    )

    assert refused.detail == "gw-pro-primary is not a known primary"
