"""AKS through the real SDK and the real managed-identity credential, against the fake Resource Manager."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from azure.core.exceptions import HttpResponseError, ODataV4Format

from shared.adapters.aks_clusters import PUBLIC_ARM_URL, AksClusters, asked, cluster_id, grants
from shared.domain.clusters import ClusterRequest, ClusterState, PowerState
from shared.domain.faults import ClusterApiUnavailable, InvariantViolation
from shared.domain.preflight import NEEDED_ACTIONS
from tests.devhost.fakes.running import running

SUBSCRIPTION = "00000000-0000-4000-8000-000000000002"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-gateway-npr-dr"
NAMES = tuple(f"{power}-{number}" for power in ("stopped", "running") for number in range(12))
STOPPED = ClusterState(power=PowerState.STOPPED, provisioning="Succeeded")
RUNNING = ClusterState(power=PowerState.RUNNING, provisioning="Succeeded")


def id_of(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/{name}"


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder: Path = tmp_path_factory.mktemp("arm")
    arguments: list[str | Path] = ["--certificates", folder, "--start-s", "0.6", "--stop-s", "0.3"]
    for name in NAMES:
        arguments += ["--cluster", f"{id_of(name)}={name.split('-')[0]}"]
    with running("devhost.fakes.arm", arguments, folder) as ready:
        yield ready


@pytest.fixture(scope="module")
def unused() -> dict[str, Iterator[int]]:
    return {"stopped": iter(range(12)), "running": iter(range(12))}


@pytest.fixture
def take(unused: dict[str, Iterator[int]]) -> Callable[[str], str]:
    """Give a function that returns the id of a cluster nobody else uses."""
    return lambda power: id_of(f"{power}-{next(unused[power])}")


@pytest.fixture
def clusters(arm: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AksClusters:
    monkeypatch.setenv("IDENTITY_ENDPOINT", arm["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", arm["identity_header"])
    return AksClusters(arm_url=arm["url"], ca_file=arm["certificate"])


def set_faults(arm: dict[str, str], cluster: str, **switches: object) -> None:
    httpx2.post(f"{arm['http_url']}/_lab/faults", json={"cluster": cluster, **switches}).raise_for_status()


def put(arm: dict[str, str], cluster: str, *, power: str, provisioning: str) -> None:
    body = {"id": cluster, "power": power, "provisioning": provisioning}
    httpx2.post(f"{arm['http_url']}/_lab/clusters", json=body).raise_for_status()


def wait_for(clusters: AksClusters, cluster: str, wanted: ClusterState) -> None:
    ends_at = time.monotonic() + 5
    while (state := clusters.state(cluster)) != wanted:
        assert time.monotonic() < ends_at, state
        time.sleep(0.02)


def test_a_stopped_cluster_is_started_without_waiting_for_it(clusters: AksClusters, take: Callable[[str], str]) -> None:
    cluster = take("stopped")
    assert clusters.state(cluster) == STOPPED
    assert clusters.begin_start(cluster).accepted
    assert clusters.state(cluster).provisioning == "Starting"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("LROPoller")]
    wait_for(clusters, cluster, RUNNING)


def test_a_running_cluster_is_stopped_without_waiting_for_it(clusters: AksClusters, take: Callable[[str], str]) -> None:
    cluster = take("running")
    assert clusters.begin_stop(cluster).accepted
    assert clusters.state(cluster).provisioning == "Stopping"
    wait_for(clusters, cluster, STOPPED)


def test_a_start_in_the_wrong_state_is_refused_with_azures_code(
    clusters: AksClusters, take: Callable[[str], str]
) -> None:
    cluster = take("running")
    answer = clusters.begin_start(cluster)
    assert (answer.accepted, answer.error_code) == (False, "OperationNotAllowed")
    assert "starting cannot be performed" in answer.message
    assert clusters.state(cluster) == RUNNING


def test_a_second_stop_answered_with_400_is_refused_with_azures_code(
    clusters: AksClusters, take: Callable[[str], str]
) -> None:
    answer = clusters.begin_stop(take("stopped"))
    assert (answer.accepted, answer.error_code) == (False, "OperationNotAllowed")


def test_another_operation_in_progress_is_refused_with_azures_code(
    clusters: AksClusters, arm: dict[str, str], take: Callable[[str], str]
) -> None:
    cluster = take("stopped")
    set_faults(arm, cluster, start_conflict=1)
    answer = clusters.begin_start(cluster)
    assert (answer.accepted, answer.error_code) == (False, "OperationNotAllowed")
    assert clusters.state(cluster) == STOPPED


def test_a_missing_cluster_refuses_a_start_and_has_no_state(clusters: AksClusters) -> None:
    answer = clusters.begin_start(id_of("nowhere"))
    assert (answer.accepted, answer.error_code) == (False, "ResourceNotFound")
    with pytest.raises(ClusterApiUnavailable, match="ResourceNotFound"):
        clusters.state(id_of("nowhere"))


@pytest.mark.parametrize("call", ["state", "begin_start", "begin_stop"])
def test_throttling_is_no_answer_and_is_not_slept_through(
    clusters: AksClusters, arm: dict[str, str], take: Callable[[str], str], call: str
) -> None:
    cluster = take("running")
    clusters.state(cluster)  # the token is fetched and cached
    set_faults(arm, cluster, throttle=1, retry_after_s=30)
    began_at = time.monotonic()
    with pytest.raises(ClusterApiUnavailable, match="TooManyRequests"):
        getattr(clusters, call)(cluster)
    assert time.monotonic() - began_at < 10
    assert clusters.state(cluster) == RUNNING


def test_a_lost_answer_is_no_answer_and_the_start_is_not_sent_again(
    clusters: AksClusters, arm: dict[str, str], take: Callable[[str], str]
) -> None:
    cluster = take("stopped")
    set_faults(arm, cluster, lose_response=1, never_ends=True)
    with pytest.raises(ClusterApiUnavailable, match="ServiceResponseError"):
        clusters.begin_start(cluster)
    # A second attempt by the SDK would have found `Starting` and turned the lost success into a refusal.
    assert clusters.state(cluster).provisioning == "Starting"


def test_a_failed_start_shows_as_failed(clusters: AksClusters, arm: dict[str, str], take: Callable[[str], str]) -> None:
    cluster = take("stopped")
    set_faults(arm, cluster, start_fails="AllocationFailed")
    assert clusters.begin_start(cluster).accepted
    wait_for(clusters, cluster, ClusterState(power=PowerState.STOPPED, provisioning="Failed"))


def test_an_unknown_power_code_is_no_power_state(
    clusters: AksClusters, arm: dict[str, str], take: Callable[[str], str]
) -> None:
    cluster = take("stopped")
    put(arm, cluster, power="Hibernating", provisioning="Succeeded")
    assert clusters.state(cluster) == ClusterState(power=None, provisioning="Succeeded")
    assert not clusters.state(cluster).ready


def test_an_identity_that_gets_no_token_is_no_answer(
    arm: dict[str, str], monkeypatch: pytest.MonkeyPatch, take: Callable[[str], str]
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", arm["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    clusters = AksClusters(arm_url=arm["url"], ca_file=arm["certificate"], identity_client_id=SUBSCRIPTION)
    began_at = time.monotonic()
    with pytest.raises(ClusterApiUnavailable):
        clusters.state(take("running"))
    assert time.monotonic() - began_at < 10


def test_a_certificate_that_is_not_trusted_is_no_answer(
    arm: dict[str, str], monkeypatch: pytest.MonkeyPatch, take: Callable[[str], str]
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", arm["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", arm["identity_header"])
    with pytest.raises(ClusterApiUnavailable):
        AksClusters(arm_url=arm["url"]).state(take("running"))


def test_a_resource_manager_that_is_not_there_is_no_answer(
    arm: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", arm["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", arm["identity_header"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        clusters = AksClusters(arm_url=f"https://127.0.0.1:{taken.getsockname()[1]}", ca_file=arm["certificate"])
        for call in (clusters.state, clusters.begin_start, clusters.begin_stop):
            with pytest.raises(ClusterApiUnavailable, match="ServiceRequestError"):
                call(id_of("running-0"))


def answered(status: int, code: str) -> Callable[[], object]:
    def send() -> object:
        failure = HttpResponseError("what the text says does not count: conflict, throttled, not found")
        failure.status_code = status
        failure.error = ODataV4Format({"code": code, "message": "why"}) if code else None
        raise failure

    return send


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "OperationNotAllowed"),
        (400, "OperationNotAllowed"),
        (400, "AllocationFailed"),
        (409, "QuotaExceeded"),
        (403, "AuthorizationFailed"),
        (404, "ResourceGroupNotFound"),
    ],
)
def test_a_refusal_carries_the_error_code_whatever_its_status(status: int, code: str) -> None:
    assert asked(answered(status, code)) == ClusterRequest(accepted=False, error_code=code, message="why")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, ""),
        (400, ""),
        (401, "InvalidAuthenticationToken"),
        (408, "RequestTimeout"),
        (429, "OperationNotAllowed"),
        (400, "TooManyRequests"),
        (409, "ServerTimeout"),
        (500, "OperationNotAllowed"),
        (502, ""),
        (503, "ServiceUnavailable"),
        (504, "GatewayTimeout"),
        (200, ""),
    ],
)
def test_what_says_nothing_about_the_request_is_no_answer(status: int, code: str) -> None:
    with pytest.raises(ClusterApiUnavailable):
        asked(answered(status, code))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ftp://x", "management.azure.com"])
def test_a_resource_manager_that_is_not_https_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        AksClusters(arm_url=url)


def test_the_public_cloud_is_the_default() -> None:
    assert PUBLIC_ARM_URL == "https://management.azure.com"
    AksClusters()  # contacts nothing


def test_a_cluster_id_is_taken_apart() -> None:
    parts = cluster_id(id_of("aks-gateway-npr-dr"))
    assert (parts.subscription, parts.group, parts.name) == (SUBSCRIPTION, "rg-gateway-npr-dr", "aks-gateway-npr-dr")
    assert cluster_id(id_of("aks").replace("resourceGroups", "resourcegroups")).name == "aks"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aks",
        id_of("aks") + "/",
        id_of("aks") + "/start",
        id_of("aks") + "\n",
        id_of("../other"),
        id_of("aks?x=1"),
        id_of("a" * 64),
        id_of("aks").replace(SUBSCRIPTION, "mine"),
        id_of("aks").replace("managedClusters", "managedEnvironments"),
        id_of("aks").replace("rg-gateway-npr-dr", "rg."),
        "https://management.azure.com" + id_of("aks"),
        "/subscriptions/x" + id_of("aks"),
    ],
)
def test_what_is_not_one_clusters_id_is_refused(text: str) -> None:
    with pytest.raises(InvariantViolation):
        cluster_id(text)


def test_a_wrong_cluster_id_is_not_sent(clusters: AksClusters) -> None:
    for call in (clusters.state, clusters.begin_start, clusters.begin_stop):
        with pytest.raises(InvariantViolation):
            call(id_of("running-0") + "/agentPools/system")


def test_what_the_identity_may_do_is_told_without_doing_it(
    arm: dict[str, str], clusters: AksClusters, take: Callable[[str], str]
) -> None:
    cluster = take("stopped")
    assert clusters.allowed(cluster, NEEDED_ACTIONS) == NEEDED_ACTIONS
    assert clusters.allowed(cluster, frozenset({"Microsoft.Compute/virtualMachines/delete"})) == frozenset()
    stop = "Microsoft.ContainerService/managedClusters/stop/action"
    set_faults(arm, cluster, denied_action=stop.lower())
    assert clusters.allowed(cluster, NEEDED_ACTIONS) == NEEDED_ACTIONS - {stop}
    assert clusters.state(cluster) == STOPPED


def test_rights_that_cannot_be_read_are_no_rights(
    arm: dict[str, str], clusters: AksClusters, take: Callable[[str], str]
) -> None:
    cluster = take("stopped")
    set_faults(arm, cluster, throttle=1)
    with pytest.raises(ClusterApiUnavailable):
        clusters.allowed(cluster, NEEDED_ACTIONS)


@pytest.mark.parametrize(
    ("entry", "granted"),
    [
        ({"actions": ["*"]}, True),
        ({"actions": ["Microsoft.ContainerService/*/read"]}, True),
        ({"actions": ["microsoft.containerservice/managedclusters/READ"], "notActions": None}, True),
        ({"actions": ["*"], "notActions": ["Microsoft.ContainerService/managedClusters/*"]}, False),
        ({"actions": []}, False),
        ({"actions": ["Microsoft.ContainerService/managedClusters"]}, False),
    ],
)
def test_a_wildcard_grants_and_a_not_action_takes_away(entry: dict[str, list[str]], granted: bool) -> None:
    assert grants(entry, "Microsoft.ContainerService/managedClusters/read") is granted
