"""Force: which refusals it overrides and which it does not, what it needs, and what it tells of its risk."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.failover import Allowed, AlreadyDone, Joined, Snapshot, decide_activation
from shared.domain.force import FENCED, RISK, UNFENCED, faults_of_force, risk_of
from shared.domain.locks import with_operation
from shared.domain.operations import OperationKind, begin
from shared.domain.policy import Policy
from shared.domain.refusals import RefusalCode, Refused
from tests.unit.builders import DR, SECOND, T0, above, failed_snapshot, lock, mirror, request, steady_snapshot
from tests.unit.domain.decisions import held_by, outcome_of, seeing, with_dr, with_lock

POLICY = Policy()
Row = Callable[[Snapshot], Snapshot]

OVERRIDDEN: list[tuple[str, Snapshot]] = [
    ("PrimaryNotFailed", steady_snapshot()),
    ("PrimaryNotFailed", failed_snapshot(primary=steady_snapshot().primary)),
    ("MonitorBlind", failed_snapshot(sight=None)),
]
STILL: list[tuple[str, Row]] = [
    ("AuthorityRegressed", seeing(mirror=mirror(token=above(lock().token)))),
    ("AuthorityRegressed", seeing(lock=None)),
    ("PrimaryNotRegistered", seeing(lock=None, mirror=None)),
    ("DrGatewayNotRegistered", seeing(dr=None)),
    ("GatewayRoleMismatch", with_dr(reported_role="primary")),
    ("PrimaryNotRegistered", held_by("gw-unknown")),
    ("OperationInProgress", with_lock(operation=request(OperationKind.FAILBACK))),
    ("OperationInProgress", with_lock(operation=request(OperationKind.FAILOVER))),
    ("ForcedTooSoon", with_lock(forced_at=T0 - 599 * SECOND)),
]


@pytest.mark.parametrize(("code", "snapshot"), OVERRIDDEN)
def test_what_is_known_of_the_primary_is_overridden(code: str, snapshot: Snapshot) -> None:
    assert outcome_of(decide_activation(snapshot, POLICY)) == code
    decision = decide_activation(snapshot, POLICY, forced=True)
    assert isinstance(decision, Allowed)
    assert decision.to == DR


@pytest.mark.parametrize(("code", "row"), STILL)
@pytest.mark.parametrize("snapshot", [steady_snapshot(), failed_snapshot()], ids=["healthy", "failed"])
def test_everything_else_is_refused_all_the_same(code: str, row: Row, snapshot: Snapshot) -> None:
    assert outcome_of(decide_activation(row(snapshot), POLICY, forced=True)) == code


def test_a_forced_failover_is_joined_by_both() -> None:
    running = with_lock(operation=request(forced=True))(steady_snapshot())
    assert isinstance(decide_activation(running, POLICY, forced=True), Joined)
    assert isinstance(decide_activation(running, POLICY), Joined)


def test_what_is_done_is_done_also_by_force() -> None:
    done = held_by(DR)(steady_snapshot())
    assert isinstance(decide_activation(done, POLICY, forced=True), AlreadyDone)


def test_force_is_possible_again_after_the_interval_and_its_own_steps_are_not_too_soon() -> None:
    again = with_lock(forced_at=T0 - 600 * SECOND)(steady_snapshot())
    assert isinstance(decide_activation(again, POLICY, forced=True), Allowed)
    own = with_lock(forced_at=T0, operation=request(forced=True))(steady_snapshot())
    assert isinstance(decide_activation(own, POLICY, forced=True, operation_id="op-failover"), Allowed)


def test_without_force_it_does_not_matter_when_one_was_forced() -> None:
    assert isinstance(decide_activation(with_lock(forced_at=T0)(failed_snapshot()), POLICY), Allowed)


def test_the_lock_remembers_when_it_was_forced() -> None:
    forced = with_operation(lock(), request(forced=True), write_id="w")
    assert forced.forced_at == T0
    later = request(requested_at=T0 + timedelta(hours=1))
    assert with_operation(replace(forced, operation=None), later, write_id="w").forced_at == T0


REASON = "region is on fire, seen by two of us"
GOOD = request(forced=True, reason=REASON)


@pytest.mark.parametrize(
    ("asked", "confirm", "pointers"),
    [
        (GOOD, "PRO", []),
        (GOOD, "", ["/confirm"]),
        (GOOD, "pro", ["/confirm"]),
        (replace(GOOD, reason="x" * 20), "PRO", []),
        (replace(GOOD, reason="x" * 19), "PRO", ["/reason"]),
        (replace(GOOD, reason=" " * 30), "PRO", ["/reason"]),
        (replace(GOOD, kind=OperationKind.FAILBACK), "PRO", ["/force"]),
        (replace(GOOD, reason=""), "NPR", ["/confirm", "/reason"]),
        (request(), "", []),
        (request(), "PRO", []),
        (request(), "NPR", ["/confirm"]),
    ],
)
def test_force_needs_a_reason_and_the_environments_name_and_is_for_failovers(
    asked: object, confirm: str, pointers: list[str]
) -> None:
    assert [pointer for pointer, _ in faults_of_force(asked, confirm=confirm)] == pointers  # type: ignore[arg-type]


def test_the_risk_is_told_with_how_far_it_is_fenced() -> None:
    forced = begin(GOOD)
    assert risk_of(begin(request())) is None
    assert risk_of(forced) == RISK
    assert risk_of(replace(forced, result={"mirror": "raised"})) == RISK + FENCED
    assert risk_of(replace(forced, result={"mirror": "pending"})) == RISK + UNFENCED
    assert "NOT" in UNFENCED


def test_the_code_of_what_came_too_soon_is_a_conflict() -> None:
    decision = decide_activation(with_lock(forced_at=T0)(steady_snapshot()), POLICY, forced=True)
    assert isinstance(decision, Refused)
    assert decision.code is RefusalCode.FORCED_TOO_SOON
    assert decision.evidence["lock"]
