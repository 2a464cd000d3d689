"""Each checker finds the history it was written against, and finds nothing in one that is as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from devhost.simulation import checkers, consent, outcomes
from devhost.simulation.checkers import Violation
from devhost.simulation.history import (
    Answered,
    Asked,
    BeatAnswered,
    BeatSent,
    ClusterCommanded,
    DatabaseFailedOver,
    EffectStarted,
    Event,
    FenceRaised,
    HandedOver,
    LeaseGranted,
    LockWritten,
    OperationEnded,
    TaskQueued,
    TaskTakenBack,
    WorkCommitted,
    Wrote,
)
from devhost.simulation.outcomes import AtRest
from shared.domain.audit import AuditEntry, next_entry

P, D = "primary", "dr"
History = Sequence[Event]


def lock(at_s: float, token: int, holder: str | None, **more: object) -> LockWritten:
    fields: dict[str, object] = {
        "holder_failed": False, "draining": False, "operation": None, "kind": None, "written_by": "w",
    }  # fmt: skip
    return LockWritten(at_s=at_s, token=token, holder=holder, **{**fields, **more})  # type: ignore[arg-type]


def lease(at_s: float, token: int, gateway: str, *, until_s: float, blind: bool = False) -> LeaseGranted:
    return LeaseGranted(at_s=at_s, gateway=gateway, token=token, server_now_s=at_s, until_s=until_s, blind=blind)


def work(at_s: float, what: str, token: int, gateway: str, *, attempt: int = 1, blind: bool = False) -> WorkCommitted:
    return WorkCommitted(
        at_s=at_s, what=what, task="t", attempt=attempt, token=token, gateway=gateway, server_now_s=at_s, blind=blind
    )


def beat(at_s: float, sequence: int) -> BeatSent:
    return BeatSent(at_s=at_s, gateway=P, boot=1, sequence=sequence, local_s=at_s)


def answer(at_s: float, sequence: int, token: int, *, active: bool = True) -> BeatAnswered:
    return BeatAnswered(at_s=at_s, gateway=P, boot=1, sequence=sequence, active=active, token=token, lease_s=60.0)


def effect(at_s: float, token: int, gateway: str = P) -> EffectStarted:
    return EffectStarted(at_s=at_s, gateway=gateway, boot=1, local_s=at_s, token=token, task="t", attempt=1)


def handed(at_s: float, token: int, *, firm: bool = True) -> HandedOver:
    return HandedOver(at_s=at_s, operation="op", token=token, firm=firm)


def lost(at_s: float, *, tasks: tuple[str, ...] = (), claims: tuple[tuple[str, int], ...] = ()) -> DatabaseFailedOver:
    return DatabaseFailedOver(
        at_s=at_s, timeline="2", tasks=frozenset(tasks), claims=frozenset(claims), outcomes=frozenset()
    )


def ended(at_s: float, status: str) -> OperationEnded:
    return OperationEnded(at_s=at_s, operation="op", status=status)


Checker = Callable[[History], Iterator[Violation]]
leases_on_gateways = partial(checkers.effects_stay_inside_the_lease, margin_s=5.0)
needs_lease = partial(checkers.work_needs_a_lease, clock_range_s=5.0)
drained = partial(checkers.nothing_new_while_draining, transaction_s=5.0)
outlives = partial(checkers.nothing_outlives_its_token, transaction_s=5.0)
cluster_runs = partial(checkers.the_holders_cluster_runs, dr_gateway=D)
OPERATION = {"operation": "op", "kind": "failover"}

APPROVED = Asked(at_s=1.5, call="c", what="approve op as second")
APPROVED_ALONE = Asked(at_s=1.5, call="c", what="approve op as operator")
CANCELLED = Answered(at_s=1, call="c", outcome="cancelled", detail="op")
BACK = TaskTakenBack(at_s=2, task="t", attempt=1, status="pending")

BAD: list[tuple[str, Checker, History]] = [
    ("a token falls", checkers.tokens_strictly_increase, [lock(1, 7, P), lock(2, 6, D)]),
    ("one token for two holders", checkers.tokens_strictly_increase, [lock(1, 7, P), lock(2, 7, D)]),
    (
        "a fence nobody granted",
        checkers.fence_follows_the_lock,
        [lock(1, 7, P), FenceRaised(at_s=2, token=8, holder=D)],
    ),
    (
        "a fence that falls",
        checkers.fence_follows_the_lock,
        [lock(1, 7, P), lock(2, 8, D), FenceRaised(at_s=3, token=8, holder=D), FenceRaised(at_s=4, token=7, holder=P)],
    ),
    ("two leases", checkers.one_lease_at_a_time, [lease(1, 7, P, until_s=61), lease(60, 8, D, until_s=120)]),
    (
        "a lease longer than the newest of the same gateway",
        checkers.one_lease_at_a_time,
        [lease(1, 7, P, until_s=61), lease(2, 7, P, until_s=30), lease(40, 8, D, until_s=100)],
    ),
    ("work under an older token", checkers.commits_never_go_back, [work(1, "claim", 8, D), work(2, "complete", 7, P)]),
    (
        "a lease under an older token",
        checkers.commits_never_go_back,
        [work(1, "claim", 8, D), lease(2, 7, P, until_s=9)],
    ),
    ("work after a hand-over", checkers.nothing_under_a_superseded_token, [handed(1, 8), work(2, "complete", 7, P)]),
    (
        "blind work after a raised fence",
        checkers.nothing_under_a_superseded_token,
        [handed(1, 8), work(2, "complete", 7, P, blind=True)],
    ),
    (
        "work after a hand-over with the fence pending",
        checkers.nothing_under_a_superseded_token,
        [handed(1, 8, firm=False), work(2, "complete", 7, P)],
    ),
    ("work long after the lock moved", outlives, [lock(1, 7, P), lock(2, 8, D), work(7.1, "complete", 7, P)]),
    ("work without a lease", needs_lease, [work(1, "claim", 7, P)]),
    ("work after the lease", needs_lease, [lease(1, 7, P, until_s=61), work(70, "progress", 7, P)]),
    ("work under the lease of another token", needs_lease, [lease(1, 7, P, until_s=61), work(2, "claim", 8, P)]),
    ("a claim while draining", drained, [lock(1, 7, D, draining=True), work(7, "claim", 7, D)]),
    ("an effect without a lease", leases_on_gateways, [effect(1, 7)]),
    ("an effect in the margin", leases_on_gateways, [beat(0, 1), answer(1, 1, 7), effect(56, 7)]),
    ("a lease counted from its answer", leases_on_gateways, [beat(0, 1), answer(30, 1, 7), effect(60, 7)]),
    (
        "an answer to an older heartbeat that lengthens the lease",
        leases_on_gateways,
        [beat(0, 1), beat(15, 2), answer(16, 2, 8), answer(17, 1, 7), effect(20, 7)],
    ),
    ("an effect of a failed gateway", leases_on_gateways, [beat(0, 1), answer(1, 1, 7, active=False), effect(2, 7)]),
    ("two gateways act at once", checkers.effects_never_overlap, [effect(1, 7), effect(2, 8, D), effect(3, 7)]),
    (
        "a refusal that wrote",
        checkers.refusals_change_nothing,
        [Wrote(at_s=1, call="c", where="locks"), Answered(at_s=2, call="c", outcome="refused", detail="no")],
    ),
    (
        "a healthy holder is displaced",
        checkers.only_the_failed_are_displaced,
        [lock(1, 7, P, **OPERATION), lock(2, 8, D, **OPERATION)],
    ),
    (
        "a failed holder is back under its token",
        checkers.the_failed_return_under_a_new_token,
        [lock(1, 7, P, holder_failed=True), lock(2, 7, P)],
    ),
    ("a move without an operation", checkers.moves_belong_to_operations, [lock(1, 7, P), lock(2, 8, D, **OPERATION)]),
    ("the holder's cluster is stopped", cluster_runs, [lock(1, 8, D), ClusterCommanded(at_s=2, what="stop")]),
    (
        "a move of a cancelled operation",
        consent.the_cancelled_move_nothing,
        [CANCELLED, lock(2, 8, D, written_by="op/move/8", **OPERATION)],
    ),
    (
        "a cancelled operation that succeeds",
        consent.the_cancelled_move_nothing,
        [CANCELLED, ended(2, "succeeded")],
    ),
    (
        "a move that nobody approved",
        consent.two_persons_move_a_marked_environment,
        [lock(1, 7, P, two_person=True), APPROVED_ALONE, lock(2, 7, P, **OPERATION), lock(3, 8, D, **OPERATION)],
    ),
    (
        "a forced move that nobody approved",
        consent.two_persons_move_a_marked_environment,
        [lock(1, 7, P), lock(2, 7, P, forced=True, **OPERATION), lock(3, 8, D, forced=True, **OPERATION)],
    ),
    (
        "an operation ends twice",
        checkers.operations_end_once,
        [ended(1, "failed"), ended(2, "succeeded")],
    ),
    (
        "a move of an operation that has ended",
        checkers.what_has_ended_moves_nothing,
        [lock(1, 7, P, **OPERATION), ended(2, "failed"), lock(3, 8, D, **OPERATION)],
    ),
    (
        "an attempt claimed twice",
        outcomes.one_outcome_per_attempt,
        [work(1, "claim", 7, P), BACK, work(3, "claim", 8, D)],
    ),
    (
        "an attempt completed twice",
        outcomes.one_outcome_per_attempt,
        [work(1, "claim", 7, P), work(2, "complete", 7, P), work(3, "complete", 7, P)],
    ),
    (
        "a completion of somebody else's claim",
        outcomes.one_outcome_per_attempt,
        [work(1, "claim", 7, P), work(2, "claim", 8, D, attempt=2), work(3, "complete", 7, P)],
    ),
    (
        "a completion of a task that was taken back",
        outcomes.one_outcome_per_attempt,
        [work(1, "claim", 7, P), BACK, work(3, "complete", 7, P)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("checker", "events"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_history_is_found(checker: Checker, events: History) -> None:
    assert len(list(checker(events))) == 1


GOOD: History = [
    lock(0, 7, P),
    FenceRaised(at_s=0.1, token=7, holder=P),
    beat(1, 1),
    lease(1, 7, P, until_s=61),
    answer(1.2, 1, 7),
    TaskQueued(at_s=2, task="t"),
    work(3, "claim", 7, P),
    effect(4, 7),
    lock(400, 7, P, holder_failed=True),
    lock(401, 7, P, holder_failed=True, **OPERATION),
    lock(600, 8, D, **OPERATION),
    work(600.1, "progress", 7, P),
    FenceRaised(at_s=600.2, token=8, holder=D),
    TaskTakenBack(at_s=600.2, task="t", attempt=1, status="pending"),
    handed(600.3, 8),
    lease(601, 8, D, until_s=661),
    work(602, "claim", 8, D, attempt=2),
    effect(603, 8, D),
    work(604, "complete", 8, D, attempt=2),
    ended(605, "succeeded"),
    lock(605, 8, D),
]


def test_a_cancelled_operation_that_ends_so_and_another_that_moves_are_fine() -> None:
    other = lock(3, 8, D, written_by="op2/move/8", operation="op2", kind="failover")
    history: History = [CANCELLED, ended(2, "cancelled"), other]
    assert list(consent.the_cancelled_move_nothing(history)) == []


def test_only_force_displaces_the_healthy() -> None:
    forced = [lock(1, 7, P, forced=True, **OPERATION), lock(2, 8, D, forced=True, **OPERATION)]
    assert list(checkers.only_the_failed_are_displaced(forced)) == []


@pytest.mark.parametrize(
    "history",
    [
        [lock(1, 7, P, two_person=True), APPROVED, lock(2, 7, P, **OPERATION), lock(3, 8, D, **OPERATION)],
        [lock(1, 7, P), lock(2, 7, P, two_person=True, **OPERATION), lock(3, 8, D, two_person=True, **OPERATION)],
    ],
)
def test_a_move_that_was_approved_or_began_before_the_mark_is_fine(history: History) -> None:
    assert list(consent.two_persons_move_a_marked_environment(history)) == []


@pytest.mark.parametrize(
    "checker", [*checkers.SAFETY, *consent.CONSENT, cluster_runs, drained, outlives, outcomes.one_outcome_per_attempt]
)
def test_nothing_is_found_in_a_failover_as_it_should_be(checker: Checker) -> None:
    assert list(checker(GOOD)) == []


def test_what_postgresql_lost_may_happen_once_more() -> None:
    again: History = [work(1, "claim", 7, P), lost(2, tasks=("t",)), work(3, "claim", 8, D), work(4, "complete", 8, D)]
    assert list(outcomes.one_outcome_per_attempt(again)) == []


def test_what_postgresql_kept_may_not_happen_once_more() -> None:
    again: History = [work(1, "claim", 7, P), lost(2, tasks=("t",), claims=(("t", 1),)), work(3, "claim", 8, D)]
    assert len(list(outcomes.one_outcome_per_attempt(again))) == 1


def rest(**more: object) -> AtRest:
    fields: dict[str, object] = {
        "at_s": 9.0, "lock": (8, D), "fence": (8, D), "running": (), "tasks": {"t": "succeeded"}, "audit": (),
    }  # fmt: skip
    return AtRest(**{**fields, **more})  # type: ignore[arg-type]


QUEUED: History = [TaskQueued(at_s=1, task="t")]


@pytest.mark.parametrize("status", ["pending", "running", "gone"])
def test_a_task_that_never_ends_is_lost(status: str) -> None:
    assert len(list(outcomes.no_task_is_lost(QUEUED, rest(tasks={"t": status})))) == 1
    assert list(outcomes.no_task_is_lost(QUEUED, rest())) == []
    assert list(outcomes.no_task_is_lost([*QUEUED, lost(2)], rest(tasks={}))) == []


def test_an_accepted_outcome_that_is_gone_is_found() -> None:
    ended = [work(1, "complete", 7, P)]
    assert len(list(outcomes.accepted_outcomes_stay(ended, rest(tasks={"t": "pending"})))) == 1
    assert list(outcomes.accepted_outcomes_stay(ended, rest())) == []


def test_an_operation_that_still_runs_is_found() -> None:
    assert len(list(outcomes.operations_end(rest(running=("op",))))) == 1
    assert list(outcomes.operations_end(rest())) == []


def test_a_mirror_that_stays_behind_is_found() -> None:
    assert len(list(outcomes.the_mirror_converges(rest(fence=(7, P))))) == 1
    assert list(outcomes.the_mirror_converges(rest())) == []


def test_a_move_that_nobody_wrote_down_is_found() -> None:
    moved: History = [lock(1, 7, P, **OPERATION), lock(2, 8, D, **OPERATION)]
    entry = next_entry(
        None, environment="PRO", at=datetime(2026, 1, 1, tzinfo=UTC), actor="a", action="lock.moved", reason="",
        before={}, after={"fencing_token": "8"},
    )  # fmt: skip
    assert len(list(outcomes.every_move_is_audited(moved, rest()))) == 1
    assert list(outcomes.every_move_is_audited(moved, rest(audit=[entry]))) == []


def chain() -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for action in ("begun", "moved", "ended"):
        last = entries[-1] if entries else None
        entry = next_entry(last, environment="PRO", at=at, actor="a", action=action, reason="", before={}, after={})
        entries.append(entry)
    return entries


def test_an_audit_chain_with_a_gap_or_a_change_is_found() -> None:
    entries = chain()
    assert list(outcomes.the_audit_chain_is_intact(rest(audit=entries))) == []
    assert list(outcomes.the_audit_chain_is_intact(rest(audit=[entries[0], entries[2]])))
    assert list(
        outcomes.the_audit_chain_is_intact(rest(audit=[entries[0], replace(entries[1], actor="b"), entries[2]]))
    )
