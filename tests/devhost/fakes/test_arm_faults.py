"""What the fault switches of the fake Resource Manager do to the real SDK."""

from __future__ import annotations

import time

import httpx2
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ServiceResponseError
from azure.core.rest import HttpResponse

from tests.devhost.fakes.azure_clusters import START_S, STOP_S, AnyToken, Azure, aks_client, resource_id
from tests.devhost.fakes.test_arm_protocol import code_of


def test_a_conflict_refuses_so_many_starts_and_changes_nothing(stopped: Azure) -> None:
    stopped.set_faults(start_conflict=2)

    for _ in range(2):
        with pytest.raises(ResourceExistsError, match=r"Another operation \(Updating\) is in progress") as refused:
            stopped.begin_start(polling=False)
        assert code_of(refused.value) == "OperationNotAllowed"
        assert stopped.states() == ("Stopped", "Succeeded")
    stopped.begin_start(polling=False)
    assert stopped.states() == ("Stopped", "Starting")


@pytest.mark.parametrize("code", ["AllocationFailed", "OverconstrainedAllocationRequest"])
def test_a_start_without_capacity_leaves_the_cluster_stopped_and_can_be_repeated(stopped: Azure, code: str) -> None:
    stopped.set_faults(start_fails=code)

    with pytest.raises(HttpResponseError) as failed:
        stopped.begin_start().result()

    assert code_of(failed.value) == code
    assert stopped.states() == ("Stopped", "Failed")
    stopped.set_faults(start_fails="")
    stopped.begin_start().result()
    assert stopped.states() == ("Running", "Succeeded")


def test_a_half_failed_start_runs_without_having_succeeded(stopped: Azure) -> None:
    stopped.set_faults(half_failed_start=True)

    with pytest.raises(HttpResponseError) as failed:
        stopped.begin_start().result()

    assert code_of(failed.value) == "NodePoolNotReady"
    assert stopped.states() == ("Running", "Failed")
    stopped.begin_stop().result()
    assert stopped.states() == ("Stopped", "Succeeded")


def test_an_operation_that_never_ends_ends_when_somebody_settles_the_cluster(stopped: Azure) -> None:
    stopped.set_faults(never_ends=True)
    stopped.begin_start(polling=False)

    time.sleep(START_S * 1.5)
    assert stopped.states() == ("Running", "Starting")
    stopped.lab.post("/_lab/clusters", json={"id": stopped.id, "power": "Stopped"}).raise_for_status()
    assert stopped.states() == ("Stopped", "Succeeded")
    time.sleep(0.1)
    assert stopped.states() == ("Stopped", "Succeeded")


def test_a_start_whose_answer_is_lost_goes_on_all_the_same(stopped: Azure) -> None:
    stopped.set_faults(lose_response=1)

    with pytest.raises(ServiceResponseError):
        stopped.begin_start(polling=False)

    assert stopped.states() == ("Stopped", "Starting")
    stopped.wait_for(("Running", "Succeeded"))


def test_throttling_strikes_so_many_requests_and_says_when_to_come_back(stopped: Azure) -> None:
    stopped.set_faults(throttle=1, retry_after_s=7)

    with pytest.raises(HttpResponseError) as throttled:
        stopped.states()

    assert throttled.value.status_code == 429
    assert isinstance(throttled.value.response, HttpResponse)
    assert throttled.value.response.headers["Retry-After"] == "7"
    assert stopped.states() == ("Stopped", "Succeeded")


def test_the_sdks_own_retries_wait_as_long_as_they_are_told(arm: dict[str, str], stopped: Azure) -> None:
    stopped.set_faults(throttle=1, retry_after_s=1)

    with aks_client(arm, AnyToken(), retry_total=2) as patient:
        began = time.monotonic()
        assert Azure(name=stopped.name, client=patient, lab=stopped.lab).states() == ("Stopped", "Succeeded")

    assert time.monotonic() - began >= 1


def test_an_odd_success_is_a_success_for_the_sdk(started: Azure) -> None:
    started.set_faults(not_latest=True)

    started.begin_stop().result()

    assert started.states() == ("Stopped", "Succeeded")


def test_latency_delays_every_answer(started: Azure) -> None:
    started.set_faults(latency_s=STOP_S)
    began = time.monotonic()

    started.states()

    assert time.monotonic() - began >= STOP_S


def test_a_switch_set_for_one_cluster_leaves_the_others_alone(stopped: Azure, started: Azure) -> None:
    stopped.set_faults(throttle=1)

    assert started.states() == ("Running", "Succeeded")


@pytest.mark.parametrize("switches", [{"no_such_switch": 1}, {"throttle": "one"}, {"never_ends": 1}])
def test_an_unknown_switch_or_a_wrong_value_is_refused(arm: dict[str, str], switches: dict[str, object]) -> None:
    answer = httpx2.post(f"{arm['http_url']}/_lab/faults", json={"cluster": resource_id("nobody"), **switches})

    assert answer.status_code == 400
    assert resource_id("nobody").lower() not in httpx2.get(f"{arm['http_url']}/_lab/faults").json()["clusters"]
