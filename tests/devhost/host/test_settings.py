"""Settings come from host.json, local.settings.json and the environment, in the documented order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devhost.host.settings import HostSettings, SettingsError, disabled, read_settings


def settings(folder: Path, tree: object, environment: dict[str, str] | None = None) -> HostSettings:
    (folder / "host.json").write_text(tree if isinstance(tree, str) else json.dumps(tree))
    return read_settings(folder, {} if environment is None else environment)


def test_the_defaults_are_those_of_the_platform(tmp_path: Path) -> None:
    read = settings(tmp_path, {"version": "2.0"})
    assert (read.route_prefix, read.hub_name, read.function_timeout_s) == ("api", "TestHubName", 1800)
    assert not read.replaces_any_state


def test_an_empty_route_prefix_is_kept(tmp_path: Path) -> None:
    assert settings(tmp_path, {"extensions": {"http": {"routePrefix": ""}}}).route_prefix == ""


def test_values_fill_the_environment_without_overriding_it(tmp_path: Path) -> None:
    values = {"A": "file", "B": "file"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    environment = {"A": "shell"}
    settings(tmp_path, {}, environment)
    assert environment == {"A": "shell", "B": "file"}


def test_an_app_setting_overrides_host_json_without_regard_to_case(tmp_path: Path) -> None:
    environment = {"AzureFunctionsJobHost__extensions__durabletask__HubName": "Other"}
    assert settings(tmp_path, {"extensions": {"durableTask": {"hubName": "Mine"}}}, environment).hub_name == "Other"


def test_a_percent_reference_is_resolved(tmp_path: Path) -> None:
    tree = {"extensions": {"durableTask": {"hubName": "%HUB%"}}}
    assert settings(tmp_path, tree, {"HUB": "Resolved"}).hub_name == "Resolved"
    with pytest.raises(SettingsError, match="%HUB%"):
        settings(tmp_path, tree)


@pytest.mark.parametrize("text", ['{"a": 1,}', '{"a": 1} // comment', "[]", '{"functionTimeout": "soon"}'])
def test_a_host_json_that_is_not_strict_or_not_sensible_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"host\.json"):
        settings(tmp_path, text)


def test_a_missing_host_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="missing"):
        read_settings(tmp_path, {})


def test_a_function_is_disabled_by_its_app_setting() -> None:
    assert disabled("f", {"AzureWebJobs.f.Disabled": "true"})
    assert disabled("f", {"AzureWebJobs__f__Disabled": "1"})
    assert not disabled("f", {"AzureWebJobs.g.Disabled": "true"})
