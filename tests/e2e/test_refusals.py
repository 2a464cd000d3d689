"""What is refused while the primary holds the environment, and that a refusal changes nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from shared.domain.refusals import RefusalCode
from tests.e2e.environment import LabEnvironment
from tests.e2e.refusing import assert_refused
from tests.e2e.running_lab import expect, shown
from tests.e2e.stores import Stores

NOT_FAILED = "Primary is not in failed state"  # the runbook quotes it (section 3)
BODIES: Mapping[str, tuple[bytes, str, str]] = {
    "malformed JSON": (b'{"reason": ', "application/json", "not JSON"),
    "a form, as curl -d sends it": (b"reason=down", "application/x-www-form-urlencoded", "send application/json"),
    "an unknown member": (b'{"raison": "down"}', "application/json", ""),
    "a member twice": (b'{"reason": "a", "reason": "b"}', "application/json", "twice"),
    "an array": (b"[]", "application/json", ""),
    "another encoding": ('{"reason": "für"}'.encode("latin-1"), "application/json", "UTF-8"),
}


def test_failback_of_an_environment_that_never_failed_over_is_refused(npr: LabEnvironment) -> None:
    answer = npr.stores.unchanged_by("NPR", npr.failback)

    message = "This environment is not running on its DR gateway"
    evidence = assert_refused(answer, RefusalCode.NOT_FAILED_OVER, message)
    assert evidence["lock"]["holder"] == npr.primary, evidence


def test_failover_of_a_primary_that_is_alive_is_refused(npr: LabEnvironment) -> None:
    npr.with_active_primary()

    answer = npr.stores.unchanged_by("NPR", npr.activate_dr)

    evidence = assert_refused(answer, RefusalCode.PRIMARY_NOT_FAILED, NOT_FAILED)
    assert evidence["primary"]["activation_status"] == "active", evidence
    assert evidence["primary"]["verdict"] == "healthy", evidence
    assert evidence["primary"]["heartbeat_age_seconds"] < 6, evidence


@pytest.mark.parametrize("call", ["activate-dr", "failback"])
def test_an_unknown_environment_is_not_found(npr: LabEnvironment, call: str) -> None:
    answer = npr.stores.unchanged_by("NPR", lambda: npr.lab.post(f"admin/failover/npr/{call}"))

    body = expect(answer, 404)
    assert body["code"] == "EnvironmentNotFound", shown(answer)
    assert "NPR, PRO" in body["detail"], shown(answer)  # names are case-sensitive; these are the known ones
    assert body["hint"], shown(answer)


def test_failover_without_a_dr_gateway_is_refused(npr: LabEnvironment) -> None:
    npr.with_active_primary()
    with never_registered(npr.stores, npr.dr):
        answer = npr.stores.unchanged_by("NPR", npr.activate_dr)

    message = "No dr-standby gateway is registered for this environment"
    evidence = assert_refused(answer, RefusalCode.DR_GATEWAY_NOT_REGISTERED, message)
    assert "dr-standby" not in evidence, evidence


@pytest.mark.parametrize("call", ["activate-dr", "failback"])
@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_is_not_understood_is_refused(npr: LabEnvironment, call: str, kind: str) -> None:
    content, content_type, told = BODIES[kind]

    def post() -> httpx2.Response:
        headers = {"Content-Type": content_type}
        return npr.lab.post(f"admin/failover/NPR/{call}", content=content, headers=headers)

    answer = npr.stores.unchanged_by("NPR", post)

    body = expect(answer, 400)
    assert body["code"] == "InvalidRequest", shown(answer)
    assert told in body["detail"], shown(answer)


def test_a_body_that_is_not_understood_is_told_member_by_member(npr: LabEnvironment) -> None:
    answer = npr.lab.post("admin/failover/NPR/activate-dr", json={"reason": 1, "tickets": "T-1"})

    pointers = {error["pointer"] for error in expect(answer, 400)["errors"]}
    assert pointers == {"/reason", "/tickets"}, shown(answer)


@pytest.mark.parametrize("wait", ["-1", "101", "soon", "1e1"])
def test_a_wait_that_is_no_time_is_refused(npr: LabEnvironment, wait: str) -> None:
    answer = npr.stores.unchanged_by("NPR", lambda: npr.activate_dr(f"?wait={wait}"))

    assert expect(answer, 400)["errors"][0]["pointer"] == "?wait", shown(answer)


def test_a_primary_flagged_failed_that_beats_again_is_not_displaced(npr: LabEnvironment) -> None:
    npr.with_failed_primary()
    # One heartbeat in its name, and no second one: fresh, and too few to be trusted again, until it is old.
    assert npr.beat_once(npr.primary)["activation_status"] == "failed"

    answer = npr.stores.unchanged_by("NPR", npr.activate_dr)

    evidence = assert_refused(answer, RefusalCode.PRIMARY_NOT_FAILED, NOT_FAILED)
    assert evidence["primary"]["activation_status"] == "failed", evidence
    assert evidence["primary"]["heartbeat_age_seconds"] < 6, evidence
    assert evidence["primary"]["heartbeats_on_time"] == 1, evidence


@contextmanager
def never_registered(stores: Stores, gateway: str) -> Iterator[None]:
    """Take a registration out of the store, as if that gateway's cluster had never run, and put it back."""
    table = stores.tables.get_table_client("gateways")
    kept: Any = table.get_entity("NPR", gateway)
    table.delete_entity("NPR", gateway)
    try:
        yield
    finally:
        table.create_entity(kept)
