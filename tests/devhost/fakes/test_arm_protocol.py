"""The real SDK starts, stops and looks at clusters of the fake Resource Manager as it would at Azure's."""

from __future__ import annotations

import httpx2
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.devhost.fakes.azure_clusters import GROUP, Azure

TOKEN = {"Authorization": "Bearer some.token"}


def code_of(error: HttpResponseError) -> str | None:
    assert error.error is not None
    return error.error.code


def test_a_stopped_cluster_reports_provisioning_succeeded(stopped: Azure) -> None:
    assert stopped.states() == ("Stopped", "Succeeded")


def test_the_power_code_says_running_before_the_start_is_over(stopped: Azure) -> None:
    stopped.begin_start(polling=False)

    assert stopped.states() == ("Stopped", "Starting")
    stopped.wait_for(("Running", "Starting"))
    stopped.wait_for(("Running", "Succeeded"))


def test_the_sdks_poller_sees_a_start_and_a_stop_through(stopped: Azure) -> None:
    stopped.begin_start().result()
    assert stopped.states() == ("Running", "Succeeded")

    stopped.begin_stop().result()
    assert stopped.states() == ("Stopped", "Succeeded")


def test_stopping_a_stopped_cluster_is_refused(stopped: Azure) -> None:
    with pytest.raises(HttpResponseError, match="not currently running, stopping cannot be performed") as refused:
        stopped.begin_stop(polling=False)

    assert (refused.value.status_code, code_of(refused.value)) == (400, "OperationNotAllowed")


def test_starting_a_running_cluster_is_refused(started: Azure) -> None:
    with pytest.raises(
        HttpResponseError, match=r"Provisioning State\(Succeeded\) and Power State\(Running\)"
    ) as refused:
        started.begin_start(polling=False)

    assert (refused.value.status_code, code_of(refused.value)) == (409, "OperationNotAllowed")


def test_a_start_that_somebody_else_began_can_be_adopted(stopped: Azure) -> None:
    stopped.begin_start(polling=False)

    with pytest.raises(HttpResponseError, match=r"Provisioning State\(Starting\)") as refused:
        stopped.begin_start(polling=False)
    assert code_of(refused.value) == "OperationNotAllowed"
    with pytest.raises(HttpResponseError, match="stopping cannot be performed"):
        stopped.begin_stop(polling=False)
    stopped.wait_for(("Running", "Succeeded"))


def test_both_operation_addresses_and_no_retry_after_come_with_a_start(stopped: Azure) -> None:
    accepted = stopped.lab.post(f"{stopped.id}/start?api-version=2026-08-01", headers=TOKEN)

    assert (accepted.status_code, accepted.content) == (202, b"")
    assert "Retry-After" not in accepted.headers
    operation = stopped.lab.get(accepted.headers["Azure-AsyncOperation"], headers=TOKEN).json()
    assert operation["status"] == "InProgress"
    assert stopped.lab.get(accepted.headers["Location"], headers=TOKEN).status_code == 202
    stopped.wait_for(("Running", "Succeeded"))
    assert stopped.lab.get(accepted.headers["Azure-AsyncOperation"], headers=TOKEN).json()["status"] == "Succeeded"
    final = stopped.lab.get(accepted.headers["Location"], headers=TOKEN)
    assert (final.status_code, "Location" in final.headers) == (204, True)


def test_an_operation_address_without_its_signature_is_unknown(stopped: Azure) -> None:
    accepted = stopped.lab.post(f"{stopped.id}/start?api-version=2026-08-01", headers=TOKEN)
    address = accepted.headers["Azure-AsyncOperation"].partition("?")[0]

    assert stopped.lab.get(f"{address}?api-version=2026-08-01", headers=TOKEN).status_code == 404


def test_a_superseded_operation_succeeded_and_carries_an_error_all_the_same(started: Azure) -> None:
    first = started.lab.post(f"{started.id}/stop?api-version=2026-08-01", headers=TOKEN)
    started.wait_for(("Stopped", "Succeeded"))
    started.begin_start(polling=False)

    operation = started.lab.get(first.headers["Azure-AsyncOperation"], headers=TOKEN).json()

    assert (operation["status"], operation["error"]["code"]) == ("Succeeded", "NotLatestOperation")


def test_a_run_command_ends_with_its_exit_code_and_output(started: Azure) -> None:
    def run() -> tuple[int | None, str | None]:
        poller = started.client.managed_clusters.begin_run_command(
            GROUP, started.name, {"command": "kubectl get pods -n mazevault"}
        )
        result = poller.result()
        assert result.properties is not None
        return result.properties.exit_code, result.properties.logs

    exit_code, logs = run()
    assert exit_code == 0
    assert "1/1     Running" in str(logs)
    started.set_faults(command_exit_code=1, command_logs="Error from server (Forbidden)")
    assert run() == (1, "Error from server (Forbidden)")


def test_a_stopped_cluster_runs_no_command(stopped: Azure) -> None:
    with pytest.raises(HttpResponseError, match="run command cannot be performed"):
        stopped.client.managed_clusters.begin_run_command(GROUP, stopped.name, {"command": "kubectl get pods"})


def test_an_unknown_cluster_is_not_found(stopped: Azure) -> None:
    with pytest.raises(ResourceNotFoundError) as missing:
        stopped.client.managed_clusters.get(GROUP, "no-such-cluster")

    assert code_of(missing.value) == "ResourceNotFound"


def test_resource_ids_ignore_case(stopped: Azure) -> None:
    shouted = stopped.id.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/").replace("/PROVIDERS/", "/providers/")

    answer = stopped.lab.get(f"{shouted}?api-version=2026-08-01", headers=TOKEN)

    assert answer.json()["id"] == stopped.id


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "AuthenticationFailed"),
        ({"Authorization": "Bearer"}, "InvalidAuthenticationToken"),
        ({"Authorization": "Bearer two words"}, "InvalidAuthenticationToken"),
        ({"Authorization": "Basic c29tZTp0b2tlbg=="}, "InvalidAuthenticationToken"),
    ],
)
def test_without_a_usable_bearer_token_nothing_is_answered(stopped: Azure, headers: dict[str, str], code: str) -> None:
    answer = stopped.lab.post(f"{stopped.id}/start?api-version=2026-08-01", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == code
    assert stopped.states() == ("Stopped", "Succeeded")


def test_an_api_version_is_required(stopped: Azure) -> None:
    answer = stopped.lab.get(stopped.id, headers=TOKEN)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MissingApiVersionParameter")


def test_a_foreign_host_name_is_turned_away(arm: dict[str, str]) -> None:
    answer = httpx2.get(f"{arm['http_url']}/_lab/clusters", headers={"Host": "rebound.example"})

    assert answer.status_code == 421
