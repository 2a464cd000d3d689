"""The environment variables of a gateway, judged as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_agent.settings import Role, SettingsFault, settings_from

GOOD = {
    "MAZEVAULT_GATEWAY_ENVIRONMENT": "PRO",
    "MAZEVAULT_GATEWAY_ROLE": "dr-standby",
    "AZURE_MANAGED_IDENTITY_CLIENT_ID": "00000000-0000-4000-8000-000000000009",
    "MAZEVAULT_GATEWAY_ID": "gw-pro-dr",
    "MAZEVAULT_CONTROL_PLANE_URL": "https://control.example/",
}


def faults_of(variables: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsFault) as caught:
        settings_from(variables)
    return caught.value.faults


def test_the_variables_of_the_runbook_say_who_the_gateway_is() -> None:
    settings = settings_from(GOOD)
    assert (settings.environment, settings.role, settings.gateway_id) == ("PRO", Role.DR_STANDBY, "gw-pro-dr")
    assert settings.control_plane_url == "https://control.example"
    assert settings.state_file == Path("/data/gateway-state.json")


def test_all_faults_are_told_at_once() -> None:
    faults = faults_of({"MAZEVAULT_GATEWAY_ROLE": "secondary", "MAZEVAULT_CONTROL_PLANE_URL": "control.example"})
    assert len(faults) == 5
    assert all(any(name in fault for fault in faults) for name in GOOD)
    assert any("'secondary'" in fault and "primary or dr-standby" in fault for fault in faults)


def test_a_blank_variable_counts_as_not_set() -> None:
    (fault,) = faults_of({**GOOD, "MAZEVAULT_GATEWAY_ENVIRONMENT": "  "})
    assert "MAZEVAULT_GATEWAY_ENVIRONMENT is not set" in fault


@pytest.mark.parametrize(
    "url", ["http://control.example", "ftp://127.0.0.1", "https://", "http://[::1", "http://127.0.0.1.example"]
)
def test_a_token_is_not_sent_in_clear_text_to_another_machine(url: str) -> None:
    (fault,) = faults_of({**GOOD, "MAZEVAULT_CONTROL_PLANE_URL": url})
    assert url in fault


def test_loopback_needs_no_encryption() -> None:
    assert settings_from({**GOOD, "MAZEVAULT_CONTROL_PLANE_URL": "http://127.0.0.1:7071"}).gateway_id == "gw-pro-dr"
