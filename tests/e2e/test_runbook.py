"""The runbook, typed command by command against the lab (runbook sections 1 to 3), read section by section."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.runbook_run import HERE, SCRIPT, RunbookRun
from tests.e2e.running_lab import RunningLab
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(300)

PRIMARY, DR = "gw-pro-primary", "gw-pro-dr"


def the_gateway(gateways: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    return next(one for one in gateways if one["id"] == wanted)


def words(text: str) -> str:
    """Return a text with every run of white space as one space."""
    return " ".join(text.replace("\\\n", " ").split())


def blocks() -> list[str]:
    """Return the runbook's curl lines and GATEWAY_ID blocks of sections 1 to 3, in its order."""
    text = (HERE / "runbook_lines.txt").read_text(encoding="utf-8")
    return [words(part.partition("\n")[2]) for part in text.split("--- ")[1:]]


def commands(script: Path) -> str:
    """Return a script without its comments, white space normalised."""
    lines = script.read_text(encoding="utf-8").splitlines()
    return words("\n".join(line for line in lines if not line.startswith("#")))


def test_the_script_has_every_line_of_the_runbook_in_its_order_and_no_other_request() -> None:
    left = commands(SCRIPT)
    for block in blocks():
        before, found, left = left.partition(block)
        assert found, f"not in runbook.sh, or out of order: {block}"
        assert "curl" not in before, f"runbook.sh asks what the runbook does not: {before}"
    assert "curl" not in left, left
    assert len(blocks()) == 12


def test_1_1_shows_a_primary_that_is_failed_and_silent(runbook_run: RunbookRun) -> None:
    *_, dashboard = runbook_run.section("1.1")

    primary = the_gateway(dashboard["gateways"], PRIMARY)
    assert primary["activation_status"] == "failed", dashboard
    assert primary["consecutive_failures"] >= 3, dashboard
    assert primary["heartbeat_age_seconds"] > dashboard["heartbeat_timeout_seconds"], dashboard
    assert the_gateway(dashboard["gateways"], DR)["activation_status"] == "standby", dashboard


def test_1_2_and_1_3_bring_up_a_cluster_whose_gateway_is_a_standby(runbook_run: RunbookRun) -> None:
    started, cluster = runbook_run.section("1.2")
    pod, state = runbook_run.section("1.3")

    assert started == {"status": 202}
    assert cluster == {"powerState": {"code": "Running"}, "provisioningState": "Succeeded"}
    assert (pod["verdict"], pod["activation_status"]) == ("healthy", "standby"), pod
    assert (state["Role"], state["Environment"]) == ("dr-standby", "PRO"), state


def test_1_4_answers_with_the_documented_body_and_nothing_else(runbook_run: RunbookRun) -> None:
    (body,) = runbook_run.section("1.4")

    assert set(body) == {"message", "fencing_token"}, body
    assert body["message"] == "DR gateway activated for environment PRO", body
    assert len(body["fencing_token"]) == len("1795467692303026767"), body  # nanoseconds since 1970, as text
    assert body["fencing_token"].isdigit(), body


def test_1_5_shows_the_dr_gateway_active_and_its_heartbeat_recent(runbook_run: RunbookRun) -> None:
    (dashboard,) = runbook_run.section("1.5")

    dr = the_gateway(dashboard["gateways"], DR)
    assert (dr["activation_status"], dr["verdict"], dr["lock_holder"]) == ("active", "healthy", True), dashboard
    assert dr["heartbeat_age_seconds"] < dashboard["heartbeat_timeout_seconds"], dashboard
    assert the_gateway(dashboard["gateways"], PRIMARY)["activation_status"] == "failed", dashboard


def test_1_6_resolves_the_dr_gateway_which_claims_and_finishes_tasks(runbook_run: RunbookRun, lab: RunningLab) -> None:
    pending = runbook_run.section("1.6 pending")
    (queued,) = runbook_run.section("1.6 rotation")
    (done,) = runbook_run.section("1.6 claimed")
    (activated,) = runbook_run.section("1.4")

    assert runbook_run.section("1.6 resolved") == [DR]
    for task in pending:
        assert set(task) == {"id", "status", "claimed_at"}, pending
        assert (task["status"], task["claimed_at"]) == ("pending", None), pending
    assert queued["message"] == f"Rotation queued on gateway {DR}", queued
    assert {task["gateway_id"] for task in done} == {DR}, done
    assert {task["fencing_token"] for task in done} == {activated["fencing_token"]}, done
    tasks = lab.get(f"admin/gateways/{DR}/tasks?limit=500") + lab.get(f"admin/gateways/{PRIMARY}/tasks?limit=500")
    assert the_gateway(tasks, queued["task_id"])["status"] == "succeeded", queued


def test_2_1_shows_a_primary_that_beats_and_stays_failed(runbook_run: RunbookRun) -> None:
    _, beating = runbook_run.section("2.1")
    (stable,) = runbook_run.section("2.1 recovered")

    for shown in (beating, stable):
        assert (shown["verdict"], shown["activation_status"]) == ("healthy", "failed"), shown
        assert shown["lock_holder"] is False, shown


def test_2_1_refuses_every_write_of_the_former_holder(runbook_run: RunbookRun) -> None:
    (tried,) = runbook_run.section("2.1 writes")

    for token in ("former", "present"):
        assert tried[token]["status"] == 409, tried
        assert tried[token]["body"]["reason"] == "not_holder", tried


def test_2_2_answers_with_the_documented_message(runbook_run: RunbookRun) -> None:
    (body,) = runbook_run.section("2.2")
    (activated,) = runbook_run.section("1.4")

    assert body["message"] == "Failback completed, primary reactivated for environment PRO", body
    assert set(body) == {"message", "fencing_token"}, body  # the token is an extra member
    assert int(body["fencing_token"]) > int(activated["fencing_token"]), body


def test_2_3_shows_the_primary_active_and_the_dr_gateway_standby(runbook_run: RunbookRun) -> None:
    (dashboard,) = runbook_run.section("2.3")

    primary = the_gateway(dashboard["gateways"], PRIMARY)
    assert (primary["activation_status"], primary["verdict"]) == ("active", "healthy"), dashboard
    assert primary["heartbeat_age_seconds"] < dashboard["heartbeat_timeout_seconds"], dashboard
    assert the_gateway(dashboard["gateways"], DR)["activation_status"] == "standby", dashboard


def test_3_resolves_the_primary_again_and_lists_its_running_tasks(runbook_run: RunbookRun) -> None:
    (running,) = runbook_run.section("3 running")

    assert runbook_run.section("3 resolved") == [PRIMARY]
    assert {(task["status"], task["gateway_id"]) for task in running} <= {("running", PRIMARY)}, running


def test_2_4_is_done_by_the_control_plane_after_the_hold_time(runbook_run: RunbookRun, lab: RunningLab) -> None:
    (cluster,) = runbook_run.section("2.4")

    assert cluster == {"powerState": {"code": "Stopped"}, "provisioningState": "Succeeded"}
    stop = eventually(
        lambda: dict(lab.get("admin/operations?environment=PRO")["value"][0]),
        lambda operation: operation["status"] != "running",
        what="the stop to be written down",
        within_s=20,
    )
    assert (stop["type"], stop["status"], stop["created_by"]) == ("stop_dr_cluster", "succeeded", "control-plane")
    assert [(step["id"], step["runbook"]) for step in stop["steps"]] == [("stop_dr_cluster", "2.4")], stop
    gateways = eventually(
        lambda: list(lab.get("admin/gateways")),
        lambda seen: the_gateway(seen, DR)["verdict"] == "cold",
        what="the silence of the DR gateway to be no fault",
        within_s=20,
    )
    assert the_gateway(gateways, PRIMARY)["activation_status"] == "active", gateways
