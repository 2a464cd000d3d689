"""Modes, pauses, alerts and explanations over HTTP, up to a failover that nobody asked for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.e2e.environment import LabEnvironment
from tests.e2e.running_lab import expect, shown
from tests.e2e.waiting import eventually

MODES = "v1/admin/environments/NPR/modes"
OFF = {"auto_failover": "off", "prewarm": "off", "two_person": False}


def alert(alert_id: str, **essentials: Any) -> dict[str, Any]:
    """Return a metric alert about NPR's primary that has just fired."""
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": alert_id, "alertRule": "heartbeat missing", "severity": "Sev1", "signalType": "Metric",
                "monitorCondition": "Fired", "monitoringService": "Platform",
                "firedDateTime": datetime.now(UTC).isoformat(), **essentials,
            },
            "alertContext": None,
            "customProperties": {"environment": "NPR", "intent": "primary-failed"},
        },
    }  # fmt: skip


def send(npr: LabEnvironment, body: dict[str, Any], token: str = "alert_token") -> httpx2.Response:
    return npr.lab.ask("POST", "v1/alerts/azure-monitor", token=str(npr.lab.facts[token]), json=body)


def operations(npr: LabEnvironment) -> list[dict[str, Any]]:
    return list(npr.lab.get("admin/operations?environment=NPR")["value"])


def set_modes(npr: LabEnvironment, **changes: object) -> None:
    etag = npr.lab.ask("GET", MODES).headers["etag"]
    expect(npr.lab.ask("PUT", MODES, json={**OFF, **changes}, headers={"If-Match": etag}), 200)


@pytest.fixture
def modes_off_again(npr: LabEnvironment) -> Iterator[None]:
    yield
    set_modes(npr)


@pytest.mark.usefixtures("modes_off_again")
def test_modes_are_changed_only_by_who_has_read_them(npr: LabEnvironment) -> None:
    read = npr.lab.ask("GET", MODES)
    etag = read.headers["etag"]
    assert expect(read, 200)["auto_failover"] == "off"
    again = npr.lab.ask("GET", MODES, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)

    wanted = {**OFF, "auto_failover": "observe"}
    assert expect(npr.lab.ask("PUT", MODES, json=wanted), 428)["code"] == "IfMatchRequired"
    stale = npr.lab.ask("PUT", MODES, json=wanted, headers={"If-Match": '"another"'})
    assert expect(stale, 412)["code"] == "VersionMismatch"
    done = npr.lab.ask("PUT", MODES, json=wanted, headers={"If-Match": etag})
    assert expect(done, 200)["auto_failover"] == "observe"
    assert done.headers["etag"] != etag
    late = npr.lab.ask("PUT", MODES, json=OFF, headers={"If-Match": etag})
    assert late.status_code == 412, shown(late)


def test_a_pause_shows_and_ends(npr: LabEnvironment) -> None:
    body = {"minutes": 5, "reason": "network maintenance"}
    assert expect(npr.lab.post("admin/environments/NPR/pause", json=body), 200)["paused_until"] is not None
    assert npr.lab.get("admin/environments/NPR/explain")["modes"]["paused_until"] is not None
    assert expect(npr.lab.post("admin/environments/NPR/resume", json={"reason": "done"}), 200)["paused_until"] is None


@pytest.mark.parametrize("token", ["admin_token", "reader_token"])
def test_whoever_may_look_or_administer_may_bring_no_alerts(npr: LabEnvironment, token: str) -> None:
    answer = npr.stores.unchanged_by("NPR", lambda: send(npr, alert("not-from-azure"), token))
    assert expect(answer, 403)["code"] == "Forbidden"


def test_garbage_is_refused_and_what_names_no_environment_is_not(npr: LabEnvironment) -> None:
    assert send(npr, {"schemaId": "other"}).status_code == 400
    nameless = alert("nameless")
    nameless["data"]["customProperties"] = None
    assert expect(send(npr, nameless), 202)["status"] == "unassigned"


@pytest.mark.usefixtures("modes_off_again")
def test_many_deliveries_of_an_alert_about_a_dead_primary_begin_one_failover(npr: LabEnvironment) -> None:
    npr.with_active_primary()
    set_modes(npr, auto_failover="on")
    npr.with_failed_primary()
    before = {one["id"] for one in operations(npr)}
    one = alert(f"dead-{datetime.now(UTC).isoformat()}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(npr, one), range(24)))

    assert {answer.status_code for answer in answers} == {202}, [shown(answer) for answer in answers]
    statuses = [answer.json()["status"] for answer in answers]
    assert (statuses.count("accepted"), statuses.count("duplicate")) == (1, 23)
    begun = eventually(
        lambda: [one for one in operations(npr) if one["id"] not in before],
        bool, what="a failover to begin by itself", within_s=20,
    )  # fmt: skip
    assert [one["created_by"] for one in begun] == ["auto-failover"]
    ended = npr.ended(begun[0]["id"])
    assert (ended["status"], ended["type"]) == ("succeeded", "failover"), ended
    assert npr.stores.lock("NPR")["holder"] == npr.dr
    assert len([one for one in operations(npr) if one["id"] not in before]) == 1
