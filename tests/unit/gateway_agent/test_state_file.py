"""The state file: readable for people, replaced whole, and a stop sign for a gateway in the wrong place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway_agent.settings import GatewaySettings, Role
from gateway_agent.state_file import (
    GatewayState,
    Missing,
    OtherGateway,
    Unreadable,
    read_state,
    require_own_state,
    write_state,
)

TOKEN = 1_795_381_862_417_305_123  # above 2^53: a JSON number would lose its last digits in jq
STATE = GatewayState(role="dr-standby", environment="PRO", gateway_id="gw-pro-dr", boot_id="b1", fencing_token=TOKEN)
SETTINGS = GatewaySettings(
    gateway_id="gw-pro-dr",
    environment="PRO",
    role=Role.DR_STANDBY,
    identity_client_id="id",
    control_plane_url="https://control.example",
    state_file=Path("gateway-state.json"),
)


def test_the_file_has_the_words_of_the_runbook_and_the_token_as_text(tmp_path: Path) -> None:
    write_state(tmp_path / "data" / "state.json", STATE)
    content = json.loads((tmp_path / "data" / "state.json").read_text(encoding="utf-8"))
    assert content == {
        "Role": "dr-standby",
        "Environment": "PRO",
        "GatewayId": "gw-pro-dr",
        "BootId": "b1",
        "FencingToken": str(TOKEN),
    }


def test_what_was_written_is_read_back_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_state(path, replace(STATE, fencing_token=None))
    write_state(path, STATE)
    assert read_state(path) == STATE
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_a_file_that_cannot_be_replaced_keeps_its_content_and_leaves_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.mkdir()
    with pytest.raises(OSError, match=r"state\.json"):
        write_state(path, STATE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_a_file_written_by_hand_may_say_less_or_more(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"Role": "primary", "Environment": "NPR", "FencingToken": "soon", "Note": 1}', encoding="utf-8")
    assert read_state(path) == GatewayState(role="primary", environment="NPR")


@pytest.mark.parametrize("text", ["", '{"Role": "pri', "[1]", "\x00"])
def test_a_torn_file_is_unreadable_rather_than_wrong(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    assert isinstance(read_state(path), Unreadable)


def test_a_gateway_that_never_ran_has_no_file(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") == Missing()


def test_a_file_of_another_role_or_environment_stops_the_gateway_with_both_named() -> None:
    other = GatewayState(role="primary", environment="NPR", gateway_id="gw-pro-dr")
    with pytest.raises(OtherGateway, match=r'"Role" is "primary".*"dr-standby".*"Environment" is "NPR".*"PRO"'):
        require_own_state(other, SETTINGS, Path("state.json"))


def test_a_file_of_another_gateway_of_the_same_role_stops_it_too() -> None:
    with pytest.raises(OtherGateway, match="gw-other"):
        require_own_state(replace(STATE, gateway_id="gw-other"), SETTINGS, Path("state.json"))


def test_its_own_file_and_an_emptier_one_do_not() -> None:
    require_own_state(STATE, SETTINGS, Path("state.json"))
    require_own_state(GatewayState(role="", environment="PRO"), SETTINGS, Path("state.json"))
