"""Safeguards where work lands: the guard, the fence in PostgreSQL, tasks, and the gateway's own lease."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant, Seeds

GUARD, FENCE_SQL, TASKS_SQL = (
    "shared/domain/guard.py", "shared/adapters/sql/queries/fence.sql", "shared/adapters/sql/queries/tasks.sql",
)  # fmt: skip
FENCE, SYNC, CALLS = (
    "shared/adapters/postgres_fence.py", "shared/adapters/postgres_sync.py", "shared/steps/gateway_calls.py",
)  # fmt: skip
LEASE = "gateway_agent/lease.py"
UNIT_GUARD, UNIT_RAISES = "tests/unit/domain/test_guard.py", "tests/unit/domain/test_guard_raises.py"
UNIT_LEASE = "tests/unit/gateway_agent/test_lease.py"
WORK = "tests/contract/work"

OF_THE_GUARD: Final = (
    Mutant(
        name="a new holder need not wait for the former lease", rule="ADR 0003, M52", file=GUARD,
        line="if mirror.not_before is not None and now < mirror.not_before:", instead="if False:",
        test=f"{UNIT_GUARD}::test_the_new_holder_waits_until_the_former_lease_is_over",
        seeds=Seeds(),
    ),
    Mutant(
        name="a lease that looks over is not waited for", rule="ADR 0003, M50", file=GUARD,
        line="    wait = not_before_after_raise(mirror, policy=policy)\n",
        instead="    wait = not_before_after_raise(mirror, policy=policy)\n"
        "    if mirror and mirror.lease_until and mirror.lease_until <= now:\n"
        "        wait = mirror.not_before\n",
        test=f"{WORK}/test_fence.py::test_the_next_holder_waits_for_the_former_lease_and_the_margin",
    ),
    Mutant(
        name="the wait has no margin for the clocks", rule="ADR 0003, M58", file=GUARD,
        line="    waited = mirror.lease_until + timedelta(seconds=policy.server_margin_s)\n",
        instead="    waited = mirror.lease_until\n",
        test=f"{UNIT_RAISES}::test_the_margin_is_the_policys",
    ),
    Mutant(
        name="a second move forgets the wait of the first", rule="ADR 0003, M51", file=GUARD,
        line="    waited = mirror.lease_until + timedelta(seconds=policy.server_margin_s)\n"
        "    return max(waited, mirror.not_before) if mirror.not_before else waited\n",
        instead="    return mirror.lease_until + timedelta(seconds=policy.server_margin_s)\n",
        test=f"{UNIT_RAISES}::"
        "test_not_before_is_never_earlier_than_the_former_lease_and_margin_nor_than_the_former_wait",
    ),
    Mutant(
        name="a new timeline is believed at once", rule="ADR 0003, M59", file=GUARD,
        line="    waited = now + timedelta(seconds=policy.lease_s + policy.server_margin_s)\n",
        instead="    waited = now\n",
        test=f"{UNIT_RAISES}::test_on_a_new_timeline_everybody_waits_for_a_lease_it_may_have_lost",
    ),
    Mutant(
        name="the guard does not look at the token", rule="ADR 0003, M18", file=GUARD,
        line="if mirror.token != caller.token:", instead="if False:",
        test=f"{UNIT_GUARD}::test_the_holder_may_not_act_under_any_other_token",
        seeds=Seeds(),
    ),
    Mutant(
        name="the guard does not look at the mirror's holder", rule="ADR 0003", file=GUARD,
        line="    if mirror.holder != caller.gateway_id:\n", instead="    if False:\n",
        test=f"{UNIT_GUARD}::"
        "test_with_the_authority_unreachable_neither_another_gateway_nor_an_old_token_gets_through",
    ),
    Mutant(
        name="a holder found failed goes on", rule="runbook, overview", file=GUARD,
        line="    if lock.status_of(caller.gateway_id) is ActivationStatus.FAILED:\n", instead="    if False:\n",
        test=f"{UNIT_GUARD}::test_a_holder_marked_failed_may_not_act",
    ),
    Mutant(
        name="work needs no lease", rule="ADR 0003, M60", file=GUARD,
        line="if snapshot.purpose is not Purpose.BEAT and (mirror.lease_until is None or mirror.lease_until <= now):",
        instead="if False:",
        test=f"{UNIT_GUARD}::test_no_work_is_handed_out_or_accepted_after_the_lease",
        seeds=Seeds(),
    ),
    Mutant(
        name="the fence lags and nobody minds", rule="ADR 0005, M17", file=GUARD,
        line="if mirror is None or outcome is SyncOutcome.RAISED or mirror.validated_timeline != snapshot.timeline:",
        instead="if mirror is None:",
        test=f"{UNIT_GUARD}::test_a_mirror_that_lags_is_brought_up_to_date_before_anybody_acts",
        seeds=Seeds(first=98),
    ),
    Mutant(
        name="a new timeline is trusted without a look at the authority", rule="ADR 0003, M23", file=GUARD,
        line="if mirror is None or mirror.validated_timeline != snapshot.timeline:", instead="if mirror is None:",
        test=f"{UNIT_GUARD}::"
        "test_with_the_authority_unreachable_nobody_acts_on_a_timeline_that_was_not_validated",
        seeds=Seeds(),
    ),
    Mutant(
        name="an authority older than the mirror is believed", rule="ADR 0013, M20", file=GUARD,
        line="            if outcome is SyncOutcome.REGRESSED:\n", instead="            if False:\n",
        test=f"{UNIT_GUARD}::test_an_authority_that_names_another_holder_for_the_same_token_stops_everybody",
    ),
    Mutant(
        name="a draining holder is given work", rule="runbook 2.2", file=GUARD,
        line="if snapshot.purpose is Purpose.CLAIM and lock.draining:", instead="if False:",
        test=f"{UNIT_GUARD}::test_while_the_holder_drains_it_may_finish_its_work_and_get_no_new_work",
        seeds=Seeds(),
    ),
    Mutant(
        name="a claim takes more than its lease can cover", rule="ADR 0011", file=GUARD,
        line="max(1, min(asked, math.ceil(left_s)))", instead="asked",
        test=f"{WORK}/test_tasks.py::test_a_claim_hands_out_one_task_per_second_of_lease_that_is_left[memory]",
    ),
)  # fmt: skip

OF_POSTGRESQL: Final = (
    Mutant(
        name="a guarded transaction does not keep the fence row", rule="ADR 0003, M24", file=FENCE_SQL,
        line="for share\n", instead="",
        test=f"{WORK}/test_races.py::test_a_raise_waits_for_an_open_report_which_then_lands_before_it[postgres]",
    ),
    Mutant(
        name="a heartbeat does not keep the fence row", rule="ADR 0003", file=FENCE_SQL,
        line="for no key update\n", instead="",
        test=f"{WORK}/test_races.py::test_a_raise_waits_for_an_open_lease_and_reckons_with_it[postgres]",
    ),
    Mutant(
        name="a guarded transaction reads the authority before it has the fence row", rule="ADR 0003, M22", file=FENCE,
        line="    mirror = read_mirror(connection, _LOCKS[purpose], caller.environment)\n"
        "    authority = read_authority()  #",
        instead="    authority = read_authority()\n"
        "    mirror = read_mirror(connection, _LOCKS[purpose], caller.environment)\n    #",
        test=f"{WORK}/test_guarded_order.py::test_the_authority_is_read_with_the_fence_row_in_hand[a claim]",
    ),
    Mutant(
        name="a raise reads the authority before it has the fence row", rule="ADR 0005, M7", file=SYNC,
        line="        mirror = _locked_mirror(connection, environment)\n        authority = read_authority()  #",
        instead="        authority = read_authority()\n"
        "        mirror = _locked_mirror(connection, environment)\n        #",
        test=f"{WORK}/test_guarded_order.py::test_the_authority_is_read_with_the_fence_row_in_hand[a raise]",
    ),
    Mutant(
        name="the fence is not checked on a claim", rule="ADR 0003", file="shared/adapters/postgres_tasks.py",
        line="        return self._fence.guarded(caller, Purpose.CLAIM, read_authority, write)\n",
        instead="        return self._fence.guarded(caller, Purpose.BEAT, read_authority, write)\n",
        test=f"{WORK}/test_fence.py::test_without_a_lease_the_holder_gets_no_tasks_until_it_beats[postgres]",
    ),
    Mutant(
        name="the statement of a claim does not look at the fence", rule="ADR 0003", file=TASKS_SQL,
        line="      and fence.fencing_token = %(token)s\n      and fence.holder = %(gateway_id)s\n", instead="",
        test=f"{WORK}/test_guarded_order.py::test_the_statement_of_a_claim_looks_at_the_fence_itself",
    ),
    Mutant(
        name="the statement of a completion does not look at the fence", rule="ADR 0003, M18", file=TASKS_SQL,
        line="\n  and fence.fencing_token = %(token)s\n  and fence.holder = %(gateway_id)s\n", instead="\n",
        test=f"{WORK}/test_guarded_order.py::test_the_statement_of_a_report_looks_at_the_fence_itself",
    ),
    Mutant(
        name="a completion need not be of the token that claimed", rule="ADR 0003, M21", file=TASKS_SQL,
        line="  and tasks.fencing_token = %(token)s\n", instead="",
        test=f"{WORK}/test_races.py::test_a_task_that_bears_an_older_token_takes_no_report",
    ),
    Mutant(
        name="a completion need not be of the present attempt", rule="ADR 0012, M15", file=TASKS_SQL,
        line="  and tasks.attempt = %(attempt)s\n", instead="",
        test=f"{WORK}/test_tasks.py::test_a_report_on_another_attempt_is_superseded",
    ),
    Mutant(
        name="two claims may get the same task", rule="runbook 1.6", file=TASKS_SQL,
        line="    for update skip locked\n),\nclaimed", instead="),\nclaimed",
        test=f"{WORK}/test_races.py::test_a_claim_passes_over_a_task_somebody_else_has_locked",
    ),
    Mutant(
        name="the raise leaves the former holder's tasks running", rule="runbook 3; M16, M30", file=SYNC,
        line='connection.execute(_TASKS["hand_back_lost_tasks"], _parameters(raised)).fetchall()', instead="[]",
        test=f"{WORK}/test_tasks.py::"
        "test_raising_the_fence_hands_unfinished_tasks_back_as_their_configs_say[postgres]",
    ),
    Mutant(
        name="a heartbeat may shorten the lease", rule="ADR 0003", file=FENCE_SQL,
        line="greatest(lease_until, clock_timestamp() + make_interval(secs => %(lease_s)s))",
        instead="clock_timestamp() + make_interval(secs => %(lease_s)s)",
        test=f"{WORK}/test_fence.py::test_a_heartbeat_never_shortens_a_lease[postgres]",
    ),
    Mutant(
        name="the database lets the fence fall", rule="ADR 0005, M7",
        file="shared/adapters/sql/migrations/0001_pre_fence_and_tasks.sql",
        line="    if new.fencing_token < old.fencing_token then\n", instead="    if false then\n",
        test=f"{WORK}/test_postgres_schema.py::test_the_fence_refuses_to_fall_whoever_asks",
    ),
    Mutant(
        name="a transaction may commit however old it is", rule="ADR 0005",
        file="shared/adapters/sql/migrations/0001_pre_fence_and_tasks.sql",
        line="    if clock_timestamp() - transaction_timestamp() > longest then\n", instead="    if false then\n",
        test=f"{WORK}/test_postgres_faults.py::test_a_transaction_older_than_the_limit_does_not_commit",
    ),
)  # fmt: skip

OF_GATEWAYS: Final = (
    Mutant(
        name="the lease is counted from its answer", rule="ADR 0003, M53", file="gateway_agent/held.py",
        line="            self._lease = former.answered(answer.lease, own_margin_s=own_margin_s)\n",
        instead="            from dataclasses import replace\n"
        "            former = replace(former, sent_at_s=self._clock())\n"
        "            self._lease = former.answered(answer.lease, own_margin_s=own_margin_s)\n",
        test="tests/unit/gateway_agent/test_held.py::test_the_lease_is_counted_from_the_moment_its_heartbeat_was_sent",
    ),
    Mutant(
        name="a late answer is credited to the newest heartbeat", rule="ADR 0003, M56", file=LEASE,
        line="        if answer.sequence != self.newest_sequence:\n", instead="        if False:\n",
        test=f"{UNIT_LEASE}::test_a_late_answer_is_not_credited_to_a_newer_heartbeat",
        seeds=Seeds(),
    ),
    Mutant(
        name="an answer under a token already passed counts", rule="ADR 0003", file=LEASE,
        line="answer.fencing_token is None or answer.fencing_token >= self.highest_token", instead="True",
        test=f"{UNIT_LEASE}::test_an_answer_under_a_lower_token_than_one_seen_counts_for_nothing",
    ),
    Mutant(
        name="the gateway keeps no margin of its own", rule="ADR 0003, M57", file=LEASE,
        line=" + answer.lease_s - own_margin_s", instead=" + answer.lease_s",
        test=f"{UNIT_LEASE}::test_a_lease_lasts_from_the_moment_of_sending_until_the_margin",
    ),
    Mutant(
        name="the gateway does not fence itself", rule="ADR 0003, M54", file=LEASE,
        line="self.fencing_token is not None and now_s < self.ends_at_s", instead="self.fencing_token is not None",
        test=f"{UNIT_LEASE}::test_a_lease_lasts_from_the_moment_of_sending_until_the_margin",
    ),
    Mutant(
        name="work of an old token goes on under a new one", rule="ADR 0003", file="gateway_agent/held.py",
        line=" if self._lease.fencing_token == fencing_token else 0.0", instead="",
        test="tests/unit/gateway_agent/test_held.py::test_a_new_token_ends_the_old_lease_and_its_guards",
    ),
    Mutant(
        name="any identity may act for a gateway", rule="runbook, overview", file=CALLS,
        line="    if found.value.identity != identity:\n", instead="    if False:\n",
        test="tests/unit/steps/test_identity.py",
    ),
    Mutant(
        name="any identity may register a known gateway anew", rule="runbook, overview", file=CALLS,
        line="    if known is not None and known.identity != identity:\n", instead="    if False:\n",
        test="tests/unit/steps/test_identity.py",
    ),
    Mutant(
        name="any role may do anything", rule="runbook, overview", file="shared/web/auth.py",
        line="    if principal.roles.intersection(roles):\n", instead="    if True:\n",
        test="tests/unit/web/test_auth.py::test_a_missing_role_is_named_beside_those_the_caller_has",
    ),
)  # fmt: skip
