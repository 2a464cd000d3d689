"""Safeguards around the environment lock: who writes it, on what evidence, under which token."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant, Seeds

WRITE, MOVE, LOCKS = "shared/steps/write_lock.py", "shared/steps/move_lock.py", "shared/domain/locks.py"
FENCING, ROWS = "shared/domain/fencing.py", "shared/adapters/table_rows.py"
WRITES = "tests/unit/steps/test_lock_writes.py"

OF_THE_LOCK: Final = (
    Mutant(
        name="the lock is replaced at whatever version it has", rule="ADR 0004, M1", file=WRITE,
        line="        return store.replace(record, etag=etag)\n",
        instead="        found = store.read(record.environment)\n"
        "        return store.replace(record, etag=found.etag if found else etag)\n",
        test=f"{WRITES}::test_a_write_at_an_older_version_changes_nothing",
        seeds=Seeds(first=140),
    ),
    Mutant(
        name="Table Storage is asked for an unconditional write", rule="ADR 0004, M1", file=ROWS,
        line="etag=etag, match_condition=MatchConditions.IfNotModified", instead="",
        test="tests/contract/tables/test_locks.py::test_a_stale_replace_conflicts_and_changes_nothing",
    ),
    Mutant(
        name="a 412 or a lost answer is taken for a lost race", rule="ADR 0004, M8", file=WRITE,
        line="    if stored is not None and stored.value.written_by == record.written_by:\n", instead="    if False:\n",
        test=f"{WRITES}::test_a_write_that_landed_is_recognised_whatever_was_answered",
    ),
    Mutant(
        name="a write that may still land is taken for a lost one", rule="ADR 0004", file=WRITE,
        line="    if stored is not None and stored.etag == etag:\n", instead="    if False:\n",
        test=f"{WRITES}::test_a_write_that_may_still_land_is_neither_done_nor_lost",
    ),
    Mutant(
        name="a token is minted from the clock alone", rule="ADR 0002, M2", file=FENCING,
        line="max(now_unix_ns, (stored or 0) + 1, (mirrored or 0) + 1)", instead="now_unix_ns",
        test="tests/unit/domain/test_fencing.py::test_a_clock_that_stepped_back_does_not_lower_the_token",
        seeds=Seeds(first=24),
    ),
    Mutant(
        name="a token need not be above the stored one", rule="ADR 0002, M2", file=FENCING,
        line="max(now_unix_ns, (stored or 0) + 1, ", instead="max(now_unix_ns, ",
        test="tests/unit/domain/test_fencing.py::test_a_clock_that_stepped_back_does_not_lower_the_token",
    ),
    Mutant(
        name="a token need not be above the mirrored one", rule="ADR 0002", file=FENCING,
        line=", (mirrored or 0) + 1)", instead=")",
        test="tests/unit/domain/test_fencing.py::"
        "test_a_lock_restored_from_an_old_copy_does_not_repeat_a_token_the_mirror_has_seen",
    ),
    Mutant(
        name="a token is minted without the clock", rule="ADR 0002, M3", file=FENCING,
        line="max(now_unix_ns, (stored", instead="max(1, (stored",
        test="tests/unit/domain/test_fencing.py::test_the_clock_keeps_tokens_unique_after_a_lost_write",
    ),
    Mutant(
        name="the lock is given away under a token that does not rise", rule="ADR 0002, M4", file=LOCKS,
        line="    if token <= lock.token:\n", instead="    if False:\n",
        test="tests/unit/domain/test_locks.py::test_no_change_of_holder_is_written_without_a_higher_token",
    ),
    Mutant(
        name="a failed mark counts under any token", rule="runbook, overview; M10", file=LOCKS,
        line="m.gateway == gateway_id and m.token == self.token", instead="m.gateway == gateway_id",
        test="tests/unit/domain/test_locks.py::test_a_mark_of_an_older_token_does_not_count",
    ),
    Mutant(
        name="a recovered gateway keeps its token", rule="ADR 0002", file=LOCKS,
        line="    next_status(lock.status_of(holder), Event.RECOVERED)\n"
        "    return _granted(lock, to=holder, token=token, now=now, write_id=write_id)\n",
        instead="    return replace(lock, failed=(), written_by=write_id)\n",
        test="tests/unit/domain/test_locks.py::test_a_recovered_holder_is_active_under_a_new_token",
        seeds=Seeds(),
    ),
    Mutant(
        name="the move need not find the version that was judged", rule="ADR 0004, M9", file=MOVE,
        line='etag=str(context.args["etag"]))', instead="etag=context.lock.etag)",
        test=f"{WRITES}::test_a_lock_that_changed_since_the_second_look_is_not_moved",
    ),
    Mutant(
        name="the second look is not taken", rule="runbook 1.1, 1.4", file=MOVE,
        line="    decision = decide(context)\n",
        instead="    seen = decide(context)\n"
        "    other = next(g.id for g in context.ports.gateways.list(context.environment.name)\n"
        "                 if g.id != context.lock.value.holder)\n"
        "    decision = seen if isinstance(seen, Allowed) else Allowed(lock=context.lock, to=other, evidence={})\n",
        test="tests/unit/steps/test_failover.py::"
        "test_a_primary_that_returns_while_the_cluster_starts_keeps_the_environment",
    ),
    Mutant(
        name="a repeated move does not recognise its own grant", rule="ADR 0004, M8", file=MOVE,
        line="    if not lock.was_moved_by(context.request):\n        written", instead="    if True:\n        written",
        test="tests/unit/steps/test_interruptions.py",
        seeds=Seeds(),
    ),
    Mutant(
        name="the move is acknowledged before the fence is raised", rule="ADR 0005, M6", file=MOVE,
        line="        sync = context.ports.work.sync_mirror(name, authority_reader(context.ports, name))\n",
        instead="        from shared.domain.guard import Mirror\n"
        "        mirror = Mirror(environment=name, token=lock.token, holder=lock.holder, lease_until=None, "
        "not_before=None, validated_timeline='')\n"
        "        sync = Sync(outcome=SyncOutcome.CURRENT, mirror=mirror)\n",
        test=f"{WRITES}::test_a_move_is_done_only_when_the_fence_carries_its_token",
        seeds=Seeds(first=12, breaks="nothing under a superseded token"),
    ),
    Mutant(
        name="the move is acknowledged whatever the mirror was raised to", rule="ADR 0005, M29", file=MOVE,
        line="if sync.mirror is None or sync.mirror.token < lock.token:", instead="if False:",
        test=f"{WRITES}::test_a_move_that_the_table_lost_before_the_raise_is_not_acknowledged",
    ),
    Mutant(
        name="with PostgreSQL away the move is acknowledged at once", rule="ADR 0005", file=MOVE,
        line="        if pause_s > 0:\n", instead="        if False:\n",
        test="tests/simulation/test_pending_fence.py",
    ),
    Mutant(
        name="the wait for open transactions is measured by a clock that may be set", rule="ADR 0005", file=MOVE,
        line='        waited_s = float(context.args.get("waited_s", 0.0))\n',
        instead="        waited_s = (context.now - lock.acquired_at).total_seconds()\n",
        test="tests/simulation/test_pending_fence.py",
    ),
)  # fmt: skip
