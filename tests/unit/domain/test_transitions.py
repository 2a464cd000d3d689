"""The transition table is complete, says what it says on purpose, and its checker finds planted faults."""

from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from shared.domain.faults import InvariantViolation
from shared.domain.gateways import ActivationStatus
from shared.domain.transitions import (
    IMPOSSIBLE,
    TRANSITIONS,
    Event,
    Rule,
    check_table,
    dump_table,
    next_status,
)

GOLDEN = Path(__file__).with_name("transitions.golden")
ACTIVE, STANDBY, FAILED = ActivationStatus.ACTIVE, ActivationStatus.STANDBY, ActivationStatus.FAILED


def faults_of(**names: Mapping[ActivationStatus, Any]) -> Any:
    """Return what the checker says when it looks at another table."""
    return FunctionType(check_table.__code__, {**check_table.__globals__, **names})()


def without(status: ActivationStatus, event: Event) -> dict[ActivationStatus, dict[Event, Rule]]:
    table = {of: dict(rules) for of, rules in TRANSITIONS.items()}
    del table[status][event]
    return table


def test_the_table_is_the_one_that_was_reviewed() -> None:
    assert dump_table() == GOLDEN.read_text(encoding="utf-8")


def test_the_table_has_no_fault() -> None:
    assert check_table() == ()


def test_the_checker_finds_a_pair_that_is_neither_legal_nor_impossible() -> None:
    assert faults_of(TRANSITIONS=without(ACTIVE, Event.LOST_LOCK)) == ("active/lost_lock is named 0 times",)


def test_the_checker_finds_a_pair_that_is_both_legal_and_impossible() -> None:
    impossible = {**IMPOSSIBLE, STANDBY: IMPOSSIBLE[STANDBY] | {Event.WON_LOCK}}

    assert faults_of(IMPOSSIBLE=impossible) == ("standby/won_lock is named 2 times",)


def test_the_checker_finds_a_rule_id_that_is_used_twice() -> None:
    copied = {of: dict(rules) for of, rules in TRANSITIONS.items()}
    copied[FAILED][Event.RECOVERED] = copied[STANDBY][Event.WON_LOCK]

    assert faults_of(TRANSITIONS=copied) == ("rule id lock-2 is used twice",)


def test_the_checker_reports_every_fault_at_once() -> None:
    impossible = {**IMPOSSIBLE, FAILED: frozenset({Event.WON_LOCK})}

    assert faults_of(TRANSITIONS=without(ACTIVE, Event.LOST_LOCK), IMPOSSIBLE=impossible) == (
        "active/lost_lock is named 0 times",
        "failed/won_lock is named 2 times",
        "failed/found_silent is named 0 times",
    )


@pytest.mark.parametrize(("status", "event"), [(s, e) for s, rules in TRANSITIONS.items() for e in rules])
def test_a_legal_event_leads_where_its_rule_says(status: ActivationStatus, event: Event) -> None:
    assert next_status(status, event) is TRANSITIONS[status][event]


@pytest.mark.parametrize(
    ("status", "event"), [(s, e) for s, events in IMPOSSIBLE.items() for e in sorted(events, key=lambda e: e.value)]
)
def test_an_impossible_event_is_a_broken_invariant(status: ActivationStatus, event: Event) -> None:
    with pytest.raises(InvariantViolation, match=f"^{event.value} cannot happen to a gateway that is {status.value}$"):
        next_status(status, event)


def test_a_failed_gateway_comes_back_only_by_a_write_that_mints_a_token() -> None:
    back = {event for event, rule in TRANSITIONS[FAILED].items() if rule.to is not FAILED}

    assert back == {Event.WON_LOCK, Event.RECOVERED}


def test_only_the_monitor_makes_a_gateway_failed() -> None:
    ways = {event for status in (ACTIVE, STANDBY) for event, rule in TRANSITIONS[status].items() if rule.to is FAILED}

    assert ways == {Event.FOUND_SILENT}
