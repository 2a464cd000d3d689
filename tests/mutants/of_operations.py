"""Safeguards of operations and of the health monitor: what they look at, when they refuse, what they write first."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant, Seeds

FAILOVER, HEALTH, WATCH = "shared/domain/failover.py", "shared/domain/health.py", "shared/steps/watch_health.py"
FINISH, WRITES = "shared/steps/finish_operation.py", "tests/unit/steps/test_lock_writes.py"

OF_OPERATIONS: Final = (
    Mutant(
        name="the evidence is read before the lock", rule="ADR 0004, M11", file="shared/steps/observe.py",
        line="    lock = ports.locks.read(environment.name)\n"
        "    return _snapshot(ports, environment.name, lock, ports.gateways.list(environment.name))\n",
        instead="    gateways = ports.gateways.list(environment.name)\n"
        "    return _snapshot(ports, environment.name, ports.locks.read(environment.name), gateways)\n",
        test="tests/unit/steps/test_table_reads.py::test_the_lock_is_read_before_the_evidence",
    ),
    Mutant(
        name="the monitor reads the evidence before the locks", rule="ADR 0004, M11", file="shared/steps/observe.py",
        line="    locks = ports.locks.read_all(ports.environments)\n"
        "    gateways = ports.gateways.list_all(ports.environments)\n",
        instead="    gateways = ports.gateways.list_all(ports.environments)\n"
        "    locks = ports.locks.read_all(ports.environments)\n",
        test="tests/unit/steps/test_table_reads.py::test_the_monitor_reads_the_locks_before_the_evidence",
    ),
    Mutant(
        name="a failed primary that beats again is displaced", rule="runbook 1.1, 1.4", file=FAILOVER,
        line="    if is_fresh(primary, now=snapshot.now, policy=policy):\n", instead="    if False:\n",
        test="tests/unit/domain/test_failover.py::test_a_primary_marked_failed_that_beats_again_is_not_displaced",
    ),
    Mutant(
        name="a primary that was not found failed is displaced", rule="runbook 1.4", file=FAILOVER,
        line="    if status is not ActivationStatus.FAILED and not held_back:\n", instead="    if False:\n",
        test="tests/unit/domain/test_failover.py::test_a_silent_primary_that_is_not_marked_failed_yet_is_not_displaced",
    ),
    Mutant(
        name="silence that nobody heard displaces", rule="ADR 0007", file=FAILOVER,
        line="    if health.verdict is Verdict.UNKNOWN:\n", instead="    if False:\n",
        test="tests/unit/domain/test_failover.py::test_silence_that_a_blind_monitor_did_not_hear_displaces_nobody",
    ),
    Mutant(
        name="silence counts while the monitor was not watching", rule="ADR 0007", file=HEALTH,
        line="max(sight.watching_since, min(gateway.last_heartbeat or gateway.registered_at, now))",
        instead="min(gateway.last_heartbeat or gateway.registered_at, now)",
        test="tests/unit/domain/test_health.py::test_silence_counts_only_while_the_monitor_was_watching",
    ),
    Mutant(
        name="gaps of the monitor count as silence", rule="ADR 0007", file=HEALTH,
        line=" - sight.blind_s(since, now)", instead="",
        test="tests/unit/domain/test_health.py::test_silence_in_a_gap_of_the_monitor_does_not_count",
    ),
    Mutant(
        name="a monitor that nobody can reach judges all the same", rule="ADR 0007", file=WATCH,
        line="    if not ports.canary.answers():\n", instead="    if False:\n",
        test="tests/unit/steps/test_watching.py::test_silence_while_the_public_endpoint_was_down_does_not_count",
    ),
    Mutant(
        name="a newly registered primary is judged by the time before it existed", rule="runbook, overview",
        file=HEALTH, line="gateway.last_heartbeat or gateway.registered_at,",
        instead="gateway.last_heartbeat or sight.watching_since,",
        test="tests/unit/domain/test_health.py::"
        "test_a_gateway_that_has_just_registered_is_not_failed_for_the_time_before_it_existed",
    ),
    Mutant(
        name="a cold standby is found failed", rule="runbook, overview", file=HEALTH,
        line="    if cold:\n", instead="    if False:\n",
        test="tests/unit/domain/test_health.py::test_a_stopped_standby_is_cold_however_long_it_is_silent",
    ),
    Mutant(
        name="a stale lock is healed by a recovery", rule="ADR 0013, M27", file=WATCH,
        line="    if has_regressed(snapshot):\n", instead="    if False:\n",
        test="tests/unit/steps/test_authority.py::test_a_stale_lock_lets_no_recovered_holder_back_in",
    ),
    Mutant(
        name="an operation is decided on a stale lock", rule="ADR 0013, M20", file=FAILOVER,
        line="    lock = snapshot.lock.value\n    if has_regressed(snapshot):\n",
        instead="    lock = snapshot.lock.value\n    if False:\n",
        test="tests/unit/domain/test_failover.py::test_a_lock_older_than_its_mirror_was_lost",
    ),
    Mutant(
        name="a failed holder is let back in while an operation runs", rule="runbook 2.1", file=WATCH,
        line="failed and lock.value.operation is None and _has_recovered", instead="failed and _has_recovered",
        test="tests/unit/steps/test_watching.py::test_a_failed_holder_is_not_let_back_in_while_an_operation_runs",
    ),
    Mutant(
        name="an operation begins although another one runs", rule="ADR 0006", file=FAILOVER,
        line="    if running is not None and running.id != operation_id:\n", instead="    if False:\n",
        test="tests/unit/domain/test_failover.py::test_a_refusal_names_the_operation_that_runs",
    ),
    Mutant(
        name="a step of an operation that has ended still runs", rule="ADR 0006, M14",
        file="shared/steps/run_step.py",
        line="    if lock is None or (drill is None and not _is_running(lock.value, request)):\n",
        instead="    if lock is None:\n",
        test="tests/unit/steps/test_failover.py::"
        "test_a_step_of_an_operation_that_is_no_longer_running_is_refused_and_changes_nothing",
        seeds=Seeds(),
    ),
    Mutant(
        name="a cancelled operation goes on", rule="ADR 0023", file="shared/steps/run_step.py",
        line="    if step is not Step.FINISH_OPERATION and running is not None and running.cancellation is not None:\n",
        instead="    if False:\n",
        test="tests/unit/steps/test_cancel.py::"
        "test_a_failover_cancelled_while_the_cluster_starts_ends_cancelled_and_the_primary_keeps_the_lock",
        seeds=Seeds(),
    ),
    Mutant(
        name="one administrator switches two_person off", rule="ADR 0022", file="shared/domain/modes.py",
        line="        if self.lifting.by_id == by_id:\n", instead="        if False:\n",
        test="tests/unit/steps/test_modes.py::test_one_administrator_cannot_switch_two_person_off",
    ),
    Mutant(
        name="who asked approves", rule="ADR 0023", file="shared/domain/answers.py",
        line="    if approver_id == running.requester_id or answer.by == running.requested_by:\n",
        instead="    if False:\n",
        test="tests/unit/steps/test_two_person.py::test_who_asked_cannot_approve_and_nothing_changes",
        seeds=Seeds(),
    ),
    Mutant(
        name="a drill stops the cluster without a last look at the lock", rule="ADR 0026",
        file="shared/steps/drill.py",
        line="    if why:\n        return _yielded(", instead="    if False:\n        return _yielded(",
        test="tests/unit/steps/test_drills.py::"
        "test_a_failure_of_the_primary_makes_the_drill_give_way_and_the_failover_succeeds",
    ),
    Mutant(
        name="a failover relies on a cluster that a drill may be stopping", rule="ADR 0026",
        file="shared/steps/cluster_power.py",
        line="    if context.request.kind is OperationKind.FAILOVER and drill_stops_cluster(",
        instead="    if False and drill_stops_cluster(",
        test="tests/unit/steps/test_drills.py::"
        "test_a_failover_waits_while_a_drill_may_stop_the_cluster_and_never_relies_on_it",
    ),
    Mutant(
        name="an operation is called ended before it has left the lock", rule="ADR 0012, M13", file=FINISH,
        line="    if replace_lock(context.ports, ended, etag=context.lock.etag) is None:\n",
        instead="    end_record(context.ports, request, context.args, lock_moved=lock.was_moved_by(request))\n"
        "    if replace_lock(context.ports, ended, etag=context.lock.etag) is None:\n",
        test=f"{WRITES}::test_an_operation_is_called_ended_only_after_it_has_left_the_lock",
    ),
    Mutant(
        name="the end of an operation overwrites what happened meanwhile", rule="ADR 0006", file=FINISH,
        line="    if replace_lock(context.ports, ended, etag=context.lock.etag) is None:\n",
        instead="    newest = context.ports.locks.read(request.environment) or context.lock\n"
        "    if replace_lock(context.ports, ended, etag=newest.etag) is None:\n",
        test=f"{WRITES}::test_the_end_of_an_operation_does_not_undo_a_move_it_has_not_seen",
    ),
    Mutant(
        name="a move is not audited when its host dies right after it", rule="ARCHITECTURE, one step",
        file="shared/steps/move_lock.py", line="        lock = written\n    _audit_move(context, lock)\n",
        instead="        lock = written\n        _audit_move(context, lock)\n",
        test="tests/unit/steps/test_interruptions.py",
        seeds=Seeds(first=61, breaks="every move is audited"),
    ),
    Mutant(
        name="a failback does not drain", rule="runbook 2.2", file="shared/steps/drain.py",
        line="    if not lock.value.draining:\n", instead="    if False:\n",
        test="tests/unit/steps/test_failback.py::test_while_draining_the_holder_gets_no_new_claims",
    ),
    Mutant(
        name="a primary that has beaten for a moment gets the environment back", rule="runbook 2.1", file=FAILOVER,
        line="    if not is_stable(primary, now=snapshot.now, policy=policy):\n", instead="    if False:\n",
        test="tests/unit/domain/test_failover_failback.py::"
        "test_a_silent_primary_is_not_given_its_environment_back",
    ),
    Mutant(
        name="the only holder is taken out without force", rule="runbook 3", file=FAILOVER,
        line="    if not forced:\n", instead="    if False:\n",
        test="tests/unit/domain/test_failover_failback.py::test_the_only_holder_is_not_taken_out_without_force",
    ),
    Mutant(
        name="a stopped cluster passes for a running one", rule="runbook 1.2", file="shared/domain/clusters.py",
        line="return self.power is PowerState.RUNNING and self", instead="return self",
        test="tests/unit/domain/test_clusters.py",
    ),
    Mutant(
        name="a boot from before the start counts", rule="runbook 1.3", file="shared/steps/verify.py",
        line="not _booted_after(gateway, datetime.fromisoformat(started))", instead="False",
        test=f"{WRITES}::test_a_gateway_that_booted_before_the_start_is_not_the_one_that_was_started",
    ),
    Mutant(
        name="the cluster of the holder is told to stop", rule="ADR 0010", file="shared/steps/cluster_power.py",
        line="    if dr is None or context.lock.value.holder == dr.id:\n", instead="    if False:\n",
        test=f"{WRITES}::test_the_cluster_of_the_holder_is_not_stopped",
    ),
)  # fmt: skip
