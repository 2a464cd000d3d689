"""Safeguards of what people are told: nothing lost, nothing held up, nobody's cursor overwritten (ADR 0027)."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

NOTIFY, CURSORS = "shared/steps/notify.py", "shared/domain/notification_cursors.py"
NOTICES = "shared/domain/notices.py"
TESTS: Final = "tests/unit/steps/test_notify.py::"
OF_CURSORS: Final = "tests/unit/domain/test_notification_cursors.py::"

OF_NOTIFICATIONS: Final = (
    Mutant(
        name="a cursor moves before its message is sent", rule="ADR 0027", file=NOTIFY,
        line="        sending.append((track, due, outgoing))\n",
        instead="        _move(ports, track, due.after)\n        sending.append((track, due, outgoing))\n",
        test=TESTS + "test_a_host_that_dies_before_the_send_loses_nothing",
    ),
    Mutant(
        name="a cursor is written at whatever version is there", rule="ADR 0027", file=NOTIFY,
        line="replace(after, etag=track.stored.etag)\n",
        instead="replace(after, etag=ports.notification_cursors.read_all([after.environment])[0].etag)\n",
        test=TESTS + "test_of_two_hosts_at_the_same_moment_the_second_repeats_one_message_and_moves_nothing",
    ),
    Mutant(
        name="what a receiver refuses is sent for ever", rule="ADR 0027", file=CURSORS,
        line="    if answer.receipt is Receipt.FAILED:\n", instead="    if answer.receipt is not Receipt.ACCEPTED:\n",
        test=TESTS + "test_what_a_receiver_refuses_is_logged_and_passed_over",
    ),
    Mutant(
        name="a cursor moves on although its receiver failed", rule="ADR 0027", file=CURSORS,
        line="            cursor, failures=cursor.failures + 1,",
        instead="            due.after, failures=cursor.failures + 1,",
        test=OF_CURSORS + "test_a_failure_leaves_the_cursor_and_waits_twice_as_long_each_time_up_to_five_minutes",
    ),
    Mutant(
        name="a channel that fails ends the pass of the others", rule="ADR 0027", file=NOTIFY,
        line="        if _move(ports, track, after) and answer.receipt is not Receipt.FAILED:\n",
        instead="        if answer.receipt is Receipt.FAILED:\n            return [], 0\n"
        "        if _move(ports, track, after):\n",
        test=TESTS + "test_a_channel_whose_receiver_is_down_is_in_no_other_channels_way",
    ),
    Mutant(
        name="an operation that failed still counts as somebody who acts", rule="ADR 0027", file=NOTICES,
        line="            attended = unattended(incidents, operation_id=event.subject)\n",
        instead="            attended = incidents\n",
        test=OF_CURSORS + "test_reminders_end_when_an_operation_begins_and_go_on_when_it_did_not_help",
    ),
)  # fmt: skip
