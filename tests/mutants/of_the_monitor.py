"""Safeguards of a monitor that remembers: what it remembers may only make a pass do nothing (ADR 0020)."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

QUIET, SIGHT = "shared/steps/quiet_look.py", "shared/steps/advance_sight.py"
TESTS: Final = "tests/unit/steps/test_watching.py::"

OF_THE_MONITOR: Final = (
    Mutant(
        name="a remembered lock is trusted although the mirror names another grant", rule="ADR 0020", file=QUIET,
        line="    if (mirror.token, mirror.holder) != (lock.value.token, holder.id):\n", instead="    if False:\n",
        test=TESTS + "test_a_monitor_that_remembers_the_former_holder_marks_the_new_one_though_the_former_is_well",
    ),
    Mutant(
        name="a remembered lock is trusted although its holder is silent", rule="ADR 0020", file=QUIET,
        line="    return not failed and is_fresh(holder, now=snapshot.now, policy=policy)\n",
        instead="    return not failed\n",
        test=TESTS + "test_a_silent_holder_or_a_database_that_does_not_answer_makes_the_monitor_read_the_lock",
    ),
    Mutant(
        name="the lock of a failed holder is remembered", rule="ADR 0020", file=QUIET,
        line="    return not failed and is_fresh(", instead="    return is_fresh(",
        test=TESTS + "test_the_lock_of_a_holder_that_is_marked_failed_is_read_in_every_pass",
    ),
    Mutant(
        name="a lock is trusted although another process may have marked its holder", rule="ADR 0020", file=QUIET,
        line=" and unseen < marked_after", instead="",
        test=TESTS + "test_a_monitor_that_slept_while_another_marked_the_holder_lets_it_back_in",
    ),
    Mutant(
        name="a remembered lock is never read again", rule="ADR 0020", file=QUIET,
        line="timedelta() <= snapshot.now - known.read_at < LOOK_AFRESH and unseen", instead="unseen",
        test=TESTS + "test_a_remembered_lock_is_read_again_after_an_hour_and_after_a_clock_that_stepped_back",
    ),
    Mutant(
        name="a sight is remembered although its write met another version", rule="ADR 0020", file=SIGHT,
        line="    stored, memory.sight = memory.sight, None\n", instead="    stored = memory.sight\n",
        test=TESTS + "test_after_another_monitor_wrote_its_sight_ours_reads_it_again",
    ),
)  # fmt: skip
