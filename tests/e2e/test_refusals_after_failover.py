"""What is refused while the DR gateway holds the environment, and that a refusal changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.domain.refusals import RefusalCode
from tests.e2e.environment import WITHIN_S, LabEnvironment
from tests.e2e.refusing import assert_refused
from tests.e2e.running_lab import expect
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(180)


def test_failback_while_the_primary_is_silent_is_refused(npr: LabEnvironment) -> None:
    npr.failed_over()
    eventually(
        lambda: npr.health(npr.primary),
        lambda shown: shown["verdict"] != "healthy",
        what="the primary to be late",
        within_s=WITHIN_S,
    )

    answer = npr.stores.unchanged_by("NPR", npr.failback)

    message = "Primary is not sending heartbeats on time"
    evidence = assert_refused(answer, RefusalCode.PRIMARY_NOT_RECOVERED, message)
    assert evidence["lock"]["holder"] == npr.dr, evidence
    assert evidence["primary"]["activation_status"] == "failed", evidence
    assert evidence["primary_cluster"] == "Running / Succeeded", evidence


def test_failback_to_a_primary_that_beat_only_once_is_refused(npr: LabEnvironment) -> None:
    npr.failed_over()
    npr.beat_once(npr.primary)

    answer = npr.stores.unchanged_by("NPR", npr.failback)

    message = "Primary is not sending heartbeats on time"
    evidence = assert_refused(answer, RefusalCode.PRIMARY_NOT_RECOVERED, message)
    assert evidence["primary"]["heartbeats_on_time"] == 1, evidence


def test_failover_while_a_failback_runs_is_refused(npr: LabEnvironment) -> None:
    npr.failed_over()
    npr.with_stable_primary()
    with slow_azure(npr, latency_s=2.5):  # so the failback stands still in its first step while we look
        begun = expect(npr.failback("?wait=0"), 202)
        eventually(
            lambda: npr.lab.get(f"admin/operations/{begun['id']}")["steps"][0],
            lambda step: step["status"] == "running",
            what="the failback to begin",
            within_s=WITHIN_S,
        )

        answer = npr.activate_dr()
        still = npr.lab.get(f"admin/operations/{begun['id']}")

    message = "Another operation is running for this environment"
    evidence = assert_refused(answer, RefusalCode.OPERATION_IN_PROGRESS, message)
    assert evidence["operation"] == {"id": begun["id"], "type": "failback"}, evidence
    assert still["status"] == "running", still
    assert npr.ended(begun["id"])["status"] == "succeeded"
    newest = npr.lab.get("admin/operations?environment=NPR&limit=1")["value"]
    assert [one["id"] for one in newest] == [begun["id"]], newest


@contextmanager
def slow_azure(environment: LabEnvironment, *, latency_s: float) -> Iterator[None]:
    """Let every answer about the primary's cluster be this late."""
    switches = f"{environment.lab.facts['arm_http_url']}/_lab/faults"
    cluster = environment.lab.facts["environments"][environment.name]["primary_cluster"]
    expect(environment.lab.http.post(switches, json={"cluster": cluster, "latency_s": latency_s}), 200)
    try:
        yield
    finally:
        expect(environment.lab.http.delete(switches), 200)
