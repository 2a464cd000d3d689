"""The numbers of the protocol, and the relations between them that make it safe."""

from dataclasses import fields, replace
from typing import Any

import pytest

from shared.domain.policy import Policy


def faults_of(**numbers: Any) -> tuple[str, ...]:
    return Policy(**numbers).faults()


def test_the_defaults_hold_every_relation() -> None:
    assert Policy().faults() == ()


def test_the_defaults_are_the_runbooks_where_it_names_a_number() -> None:
    policy = Policy()

    assert (policy.heartbeat_timeout_s, policy.failure_threshold) == (120.0, 3)
    assert policy.heartbeat_timeout_s * policy.failure_threshold == 6 * 60
    assert policy.task_timeout_s == 30.0


def test_a_heartbeat_is_on_time_after_its_interval_and_two_request_timeouts() -> None:
    assert Policy(heartbeat_interval_s=15, request_timeout_s=5).on_time_s == 25


# Each case breaks one relation by the smallest step, from numbers at which it only just holds.
RELATIONS: list[tuple[dict[str, float], dict[str, float], str]] = [
    (
        {"heartbeat_interval_s": 50, "request_timeout_s": 5},
        {"heartbeat_interval_s": 50.1},
        "heartbeat_interval_s + 2 * request_timeout_s must not exceed lease_s",
    ),
    (
        {"lease_s": 110, "server_margin_s": 10, "first_claim_timeout_s": 121},
        {"server_margin_s": 10.1},
        "lease_s + server_margin_s must not exceed heartbeat_timeout_s: "
        "a gateway found failed must have lost its lease",
    ),
    ({"gateway_margin_s": 59.9}, {"gateway_margin_s": 60}, "gateway_margin_s must be below lease_s"),
    ({"task_timeout_s": 119.9}, {"task_timeout_s": 120}, "task_timeout_s must be below heartbeat_timeout_s"),
    (
        {"first_claim_timeout_s": 70.1},
        {"first_claim_timeout_s": 70},
        "first_claim_timeout_s must exceed lease_s + server_margin_s: the new holder waits that long",
    ),
]


@pytest.mark.parametrize(("holds", "breaks", "sentence"), RELATIONS)
def test_each_relation_is_checked_at_its_boundary(
    holds: dict[str, float], breaks: dict[str, float], sentence: str
) -> None:
    assert faults_of(**holds) == ()
    assert faults_of(**{**holds, **breaks}) == (sentence,)


@pytest.mark.parametrize("name", [field.name for field in fields(Policy)])
@pytest.mark.parametrize("value", [0, -1])
def test_no_number_of_the_policy_may_be_zero_or_less(name: str, value: int) -> None:
    assert f"{name} must be above 0" in replace(Policy(), **{name: value}).faults()


def test_a_number_that_is_not_one_is_a_fault() -> None:
    assert "lease_s must be above 0" in faults_of(lease_s=float("nan"))


@pytest.mark.parametrize("name", ["failure_threshold", "recovery_heartbeats"])
def test_one_is_the_smallest_count(name: str) -> None:
    assert faults_of(**{name: 1}) == ()
    assert f"{name} must be at least 1" in faults_of(**{name: 0})


def test_all_faults_are_named_at_once() -> None:
    assert faults_of(lease_s=20, task_timeout_s=200, hold_s=0) == (
        "hold_s must be above 0",
        "heartbeat_interval_s + 2 * request_timeout_s must not exceed lease_s",
        "task_timeout_s must be below heartbeat_timeout_s",
    )
