"""Faults are sorted by whose fault they are, and each has a code that callers can act on."""

from collections.abc import Iterator

import pytest

from shared.domain.faults import (
    CallerFault,
    ClusterApiUnavailable,
    Conflict,
    ControlPlaneFault,
    DatabaseUnavailable,
    InvariantViolation,
    LockStoreUnavailable,
    MalformedRequest,
    OutcomeUnknown,
    SigningKeysUnavailable,
    Unavailable,
)


def below(kind: type[ControlPlaneFault]) -> Iterator[type[ControlPlaneFault]]:
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:  # adapters and the web have special cases of their own
            yield child
            yield from below(child)


def test_every_fault_but_the_general_ones_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in below(ControlPlaneFault) if kind is not CallerFault]

    assert sorted(set(codes)) == sorted(codes)
    assert ControlPlaneFault.code not in codes


@pytest.mark.parametrize(
    "kind", [LockStoreUnavailable, DatabaseUnavailable, ClusterApiUnavailable, SigningKeysUnavailable, OutcomeUnknown]
)
def test_a_world_that_does_not_answer_is_not_the_callers_fault(kind: type[ControlPlaneFault]) -> None:
    assert issubclass(kind, Unavailable)
    assert not issubclass(kind, CallerFault)


@pytest.mark.parametrize("kind", [Conflict, InvariantViolation])
def test_a_lost_race_and_a_broken_rule_are_not_waited_out(kind: type[ControlPlaneFault]) -> None:
    assert not issubclass(kind, Unavailable | CallerFault)


def test_a_malformed_request_lists_every_problem() -> None:
    fault = MalformedRequest("not valid", (("/wait", "must be a number"), ("/reason", "is missing")))

    assert str(fault) == "not valid"
    assert fault.problems == (("/wait", "must be a number"), ("/reason", "is missing"))
    assert MalformedRequest("not valid").problems == ()
