"""Force over HTTP: what it needs, what it answers, and that without all of it nothing begins."""

from typing import Any

import pytest

from devhost.simulation.world import World
from shared.domain.force import RISK
from shared.web.routes import ADMIN
from tests.shell.calling import Answer, Shell, opened
from tests.unit.steps.acting import everything

REASON = "region is on fire, seen by two of us"
FORCE = {"force": True, "reason": REASON, "confirm": "PRO"}
PATHS = ["activate_dr", "begin_operation"]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    return opened(World().founded(), monkeypatch).signed_in("first", ADMIN)


def post(shell: Shell, function: str, body: dict[str, Any], **path: str) -> Answer:
    kind = {"type": "failover"} if function == "begin_operation" else {}
    return shell.post(function, {**kind, **body}, headers=None, environment="PRO", **path)


@pytest.mark.parametrize("function", PATHS)
def test_force_is_accepted_waits_for_the_second_administrator_and_names_its_risk(shell: Shell, function: str) -> None:
    answer = post(shell, function, FORCE)
    assert (answer.status, answer.body["status"]) == (202, "waiting_approval")
    assert (answer.body["forced"], answer.body["risk"]) == (True, RISK)


@pytest.mark.parametrize("function", PATHS)
@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"reason": "region is down"}, "/reason"),
        ({"reason": ""}, "/reason"),
        ({"reason": "short", "ticket": "a ticket does not make a reason longer"}, "/reason"),
        ({"confirm": ""}, "/confirm"),
        ({"confirm": "NPR"}, "/confirm"),
        ({"force": "true"}, "/force"),
        ({"force": 1}, "/force"),
    ],
)
def test_force_that_lacks_something_begins_nothing(
    shell: Shell, function: str, wrong: dict[str, object], pointer: str
) -> None:
    before = everything(shell.world)
    answer = post(shell, function, {**FORCE, **wrong})
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert pointer in [error["pointer"] for error in answer.body["errors"]]
    assert everything(shell.world) == before


def test_a_failback_cannot_be_forced(shell: Shell) -> None:
    before = everything(shell.world)
    answer = shell.post("failback", FORCE, environment="PRO")
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (400, "/force")
    assert everything(shell.world) == before


def test_without_force_a_healthy_primary_is_not_displaced_however_good_the_reason(shell: Shell) -> None:
    before = everything(shell.world)
    answer = post(shell, "activate_dr", {**FORCE, "force": False})
    assert (answer.status, answer.code) == (409, "PrimaryNotFailed")
    assert everything(shell.world) == before


def test_the_dry_run_of_force_names_the_risk_and_begins_nothing(shell: Shell) -> None:
    before = everything(shell.world)
    answer = post(shell, "begin_operation", FORCE, query_dry_run="true")
    assert (answer.status, answer.body["outcome"], answer.body["risk"]) == (200, "allowed", RISK)
    assert everything(shell.world) == before
