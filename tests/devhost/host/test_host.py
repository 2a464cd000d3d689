"""A running host answers the application, its client library and the public webhooks as Azure does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from devhost.host.database import JournalInUse
from devhost.host.journal import Journal
from tests.devhost.host.running import Host

DETAILS_KEYS = {"ClassName", "Message", "InnerException", "StackTraceString"}


def output(host: Host, orchestrator: str, value: object = None) -> object:
    host.begin(orchestrator, orchestrator, value)
    return host.until(orchestrator)["output"]


def test_activity_inputs_and_results_go_through_the_official_converters(host: Host) -> None:
    kinds = ["dict", "NoneType", "str", "list"]
    assert output(host, "inputs") == {"kinds": kinds, "x": 5, "nothing": None, "doubled": 8}


def test_three_activities_take_well_under_a_tenth_of_a_second(host: Host) -> None:
    host.begin("three", "warm")
    host.until("warm")
    took_s = []
    for number in range(3):
        before = time.perf_counter()
        host.begin("three", f"quick-{number}")
        host.until(f"quick-{number}")
        took_s.append(time.perf_counter() - before)
    assert min(took_s) < 0.1


def test_an_orchestration_waits_for_the_slow_sibling_of_a_fast_failure(host: Host) -> None:
    host.begin("fast_failure", "siblings")
    time.sleep(0.25)
    assert host.status("siblings")["runtimeStatus"] == "Running"
    assert host.until("siblings")["output"] == "caught"


@pytest.mark.parametrize(
    ("orchestrator", "value", "at_least_s", "at_most_s"),
    [
        ("slow_loser", None, 0.6, 5),
        ("loser", {"cancel": False}, 0.8, 5),
        ("loser", {"cancel": True}, 0, 0.7),
    ],
)
def test_open_losers_delay_the_end_and_cancelled_ones_do_not(
    host: Host, orchestrator: str, value: object, at_least_s: float, at_most_s: float
) -> None:
    instance_id = f"{orchestrator}-{at_least_s}"
    before = time.monotonic()
    host.begin(orchestrator, instance_id, value)
    assert host.until(instance_id)["output"] == "done"
    assert at_least_s <= time.monotonic() - before <= at_most_s


def test_an_unhandled_activity_failure_carries_the_whole_chain_and_valid_json(host: Host) -> None:
    text = output(host, "failing")
    assert isinstance(text, str)
    first, _, second = text.partition("\n")
    assert first == "Orchestrator function 'failing' failed: Activity function 'fail' failed:  ValueError: msg "
    assert set(json.loads(second)) >= DETAILS_KEYS
    assert host.status("failing")["runtimeStatus"] == "Failed"


@pytest.mark.parametrize(
    ("orchestrator", "text"),
    [("raising", "own words"), ("unserialisable", "Object of type object is not JSON serializable")],
)
def test_an_orchestrators_own_failure_has_the_fixed_form(host: Host, orchestrator: str, text: str) -> None:
    assert output(host, orchestrator) == f"Orchestrator function '{orchestrator}' failed: {text}"


def test_an_unknown_orchestrator_is_accepted_and_then_fails(host: Host) -> None:
    assert host.begin("nobody", "unknown").status == 202
    assert "'nobody' doesn't exist" in host.until("unknown")["output"]


def test_a_retried_activity_runs_as_often_as_allowed_and_the_ids_still_agree(host: Host) -> None:
    assert output(host, "retried") == "after"
    assert host.runs.count("fail again") == 2


def test_the_client_sends_events_as_json_strings_and_the_webhook_as_values(host: Host) -> None:
    host.begin("waiting", "from-client")
    host.call("POST", "/api/raise/from-client/Go", {"n": 1})
    assert host.until("from-client")["output"] == '{"n": 1}'
    host.begin("waiting", "from-webhook")
    assert host.durable("POST", "instances/from-webhook/raiseEvent/Go", {"n": 1}).status == 202
    assert host.until("from-webhook")["output"] == {"n": 1}


def test_an_event_before_the_wait_is_delivered(host: Host) -> None:
    host.begin("delayed_wait", "early")
    host.durable("POST", "instances/early/raiseEvent/Go", "soon")
    assert host.until("early")["output"] == "soon"


def test_events_for_unknown_and_finished_instances_and_of_other_kinds_are_refused(host: Host) -> None:
    output(host, "three")
    host.begin("waiting", "picky")
    assert host.durable("POST", "instances/no-such/raiseEvent/Go", 1).status == 404
    assert host.durable("POST", "instances/three/raiseEvent/Go", 1).status == 410
    path = "/runtime/webhooks/durabletask/instances/picky/raiseEvent/Go"
    assert host.call("POST", path, b"1", Content_Type="text/plain").status == 400
    assert host.call("POST", path, b"{").status == 400


def test_continue_as_new_ends_with_the_last_round_and_only_its_history(host: Host) -> None:
    assert output(host, "counting", 0) == 3
    status = host.durable("GET", "instances/counting?showHistory=true").json
    assert (status["input"], status["customStatus"]) == ("3", "at 2")
    assert [event["EventType"] for event in status["historyEvents"]] == ["ExecutionStarted", "ExecutionCompleted"]


def test_sub_orchestrations_return_results_and_failures(host: Host) -> None:
    result = output(host, "parent")
    assert isinstance(result, dict)
    assert (result["first"], result["version"]) == ([0, 1, 2], "7")
    assert result["error"].startswith("Orchestrator function 'failing' failed: Activity function 'fail' failed:")
    assert host.status("parent-child")["runtimeStatus"] == "Failed"


def test_suspend_holds_an_instance_and_resume_delivers_what_arrived(host: Host) -> None:
    host.begin("waiting", "held")
    host.until("held", "Running")
    assert host.durable("POST", "instances/held/resume?reason=x").status == 500
    assert host.durable("POST", "instances/held/suspend?reason=x").status == 202
    host.until("held", "Suspended")
    assert host.durable("POST", "instances/held/suspend?reason=x").status == 500
    host.durable("POST", "instances/held/raiseEvent/Go", 5)
    time.sleep(0.1)
    assert host.status("held")["runtimeStatus"] == "Suspended"
    host.durable("POST", "instances/held/resume?reason=x")
    assert host.until("held")["output"] == 5


def test_terminate_ends_a_running_instance_and_its_late_activity_is_dropped(host: Host) -> None:
    host.begin("sleeping", "cut")
    host.until("cut", "Running")
    assert host.durable("POST", "instances/cut/terminate?reason=no%20more").status == 202
    status = host.until("cut")
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "no more")
    time.sleep(0.8)
    assert host.status("cut") == status
    assert host.durable("POST", "instances/cut/terminate").status == 410


def test_a_taken_id_answers_409_and_a_finished_one_starts_over(host: Host) -> None:
    host.begin("waiting", "taken")
    host.until("taken", "Running")
    refused = host.durable("POST", "orchestrators/waiting/taken")
    assert refused.status == 409
    assert refused.json == {"Message": "An Orchestration instance with the status Running already exists."}
    assert "already exists" in host.begin("waiting", "taken").text
    host.durable("POST", "instances/taken/raiseEvent/Go", 1)
    host.until("taken")
    assert host.begin("three", "taken").status == 202
    assert host.until("taken")["output"] == [0, 1, 2]


def test_purge_removes_finished_instances_only(host: Host) -> None:
    host.begin("three", "old")
    host.until("old")
    host.begin("waiting", "young")
    assert host.durable("DELETE", "instances/young").status == 412
    assert host.durable("DELETE", "instances/old").json == {"instancesDeleted": 1}
    assert host.durable("DELETE", "instances/old").status == 404
    assert host.durable("GET", "instances/old").status == 404


def test_the_client_library_reads_history_and_purges(host: Host) -> None:
    host.begin("three", "told")
    host.until("told")
    told = host.call("POST", "/api/control/told").json
    completed = [event for event in told["events"] if event["EventType"] == "TaskCompleted"]
    assert [(event["FunctionName"], event["Result"]) for event in completed] == [("echo", 0), ("echo", 1), ("echo", 2)]
    assert host.call("POST", "/api/control/told?op=purge").text == "1"
    assert host.call("POST", "/api/control/told").json["known"] is False


def test_instances_are_listed_by_prefix_and_state(host: Host) -> None:
    for number in range(2):
        host.begin("three", f"listed-{number}")
        host.until(f"listed-{number}")
    found = host.durable("GET", "instances/?instanceIdPrefix=listed-&runtimeStatus=Completed").json
    assert [status["instanceId"] for status in found] == ["listed-0", "listed-1"]
    assert host.durable("GET", "instances/?instanceIdPrefix=listed-&runtimeStatus=Failed").json == []


def test_restart_runs_the_same_orchestrator_with_the_same_input(host: Host) -> None:
    host.begin("counting", "again", 2)
    host.until("again")
    made = host.durable("POST", "instances/again/restart").json["id"]
    assert made != "again"
    assert host.until(made)["output"] == 3


def test_status_codes_and_headers_of_a_start_and_of_a_running_instance(host: Host) -> None:
    started = host.begin("waiting", "codes")
    assert (started.status, started.headers["Retry-After"]) == (202, "10")
    assert started.headers["Location"] == started.json["statusQueryGetUri"]
    running = host.call("GET", started.json["statusQueryGetUri"])
    assert (running.status, running.headers["Retry-After"]) == (202, "5")
    assert running.json["customStatus"] in (None, "waiting")
    by_webhook = host.durable("POST", "orchestrators/waiting/codes-2")
    assert "rewindPostUri" not in by_webhook.json
    assert host.durable("POST", "instances/codes/rewind").status == 501
    assert host.durable("PATCH", "instances/codes").status == 404


def test_the_wait_helper_answers_with_the_output_or_the_management_addresses(host: Host) -> None:
    host.begin("three", "waited")
    host.until("waited")
    assert host.call("GET", "/api/finish/waited").json == [0, 1, 2]
    host.begin("waiting", "unfinished")
    assert host.call("GET", "/api/finish/unfinished").status == 202
    host.begin("raising", "bad")
    host.until("bad")
    assert host.call("GET", "/api/finish/bad").status == 500
    both = "timeout=5&pollingInterval=0.05"
    assert host.durable("POST", f"orchestrators/three/waited-2?{both}").json == [0, 1, 2]


def test_bodies_beyond_a_megabyte_reach_functions_and_orchestrations(host: Host) -> None:
    large = "x" * 1_500_000
    answer = host.call("POST", "/api/body", large.encode())
    assert (answer.status, answer.text) == (201, "1500000")
    assert (answer.headers["X-Name"], answer.headers["Set-Cookie"]) == ("body", "a=1; Path=/")
    host.begin("waiting", "large", large)
    assert len(host.until("large", "Running")["input"]) == len(large) + 2


def test_http_functions_are_routed_like_on_azure(host: Host) -> None:
    assert host.call("GET", "/api/over/exact").text == "wide"
    assert host.call("GET", "/api/items").text == "item missing"
    assert host.call("GET", "/API/Items/4").text == "item 4"
    assert host.call("GET", "/api/items/four").status == 404
    assert host.call("PUT", "/api/items/four").text == "named four"
    assert host.call("DELETE", "/api/items/4").status == 404


def test_a_failing_http_function_answers_500_with_an_empty_body(host: Host) -> None:
    assert (host.call("GET", "/api/broken").status, host.call("GET", "/api/broken").text) == (500, "")
    assert "RuntimeError: broken" in host.log


def test_health_and_manual_runs(host: Host) -> None:
    assert host.call("GET", "/").status == 200
    assert host.call("POST", "/admin/functions/echo", {"input": "by hand"}).status == 202
    assert "echo by hand" in host.runs
    assert host.call("POST", "/admin/functions/three", {"input": ""}).status == 400
    assert host.call("POST", "/admin/functions/no-such", {}).status == 404


def test_a_json_log_line_of_the_application_stays_one_and_gets_its_time_and_level(host: Host) -> None:
    host.call("GET", "/api/log")
    lines = [json.loads(line) for line in host.log.splitlines() if line.startswith("{")]
    assert [(line["event"], line["level"]) for line in lines if "event" in line] == [("logged", "info")]
    assert all(line["at"].endswith("Z") for line in lines)


def test_a_second_host_cannot_share_the_journal(host: Host) -> None:
    with pytest.raises(JournalInUse):
        Journal(Path(host.folder / "journal.db"))
