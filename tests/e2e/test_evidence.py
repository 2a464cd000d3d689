"""What is left after a failover, as people and scrapers get it from the running control plane."""

import threading
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.environment import LabEnvironment
from tests.e2e.running_lab import expect, shown

pytestmark = pytest.mark.timeout(180)

NPR = "admin/environments/NPR"


@pytest.fixture(scope="module")
def failover(npr: LabEnvironment) -> str:
    """The id of a failover that succeeded, carried out now if none was before."""
    rows = npr.lab.get(f"{NPR}/history?kind=failover")["value"]
    succeeded = [row["id"] for row in rows if row["status"] == "succeeded"]
    if succeeded:
        return str(succeeded[0])
    npr.with_failed_primary()
    answer = npr.activate_dr()
    return str(npr.ended(answer.headers["operation-id"])["id"])


def in_ms(seconds: float) -> int:
    return round(seconds * 1000)


def test_a_report_adds_up_and_knows_everything(npr: LabEnvironment, failover: str) -> None:
    document = npr.lab.get(f"admin/operations/{failover}/report")
    times, between_s = document["recovery_time"], document["between_steps_seconds"]
    phases = [times[f"{phase}_seconds"] for phase in ("detect", "decide", "execute")]
    assert in_ms(times["total_seconds"]) == sum(in_ms(phase) for phase in phases), document
    shares = sum(in_ms(step["share_seconds"]) for step in document["steps"])
    assert shares + in_ms(between_s) == in_ms(times["execute_seconds"]), document
    assert document["unknown"] == [], document
    assert document["lock"]["after"]["holder"] == npr.dr, document
    assert set(document["tasks"]) == {"requeued", "in_doubt", "failed"}, document


def test_a_report_is_markdown_for_who_asks_for_it(npr: LabEnvironment, failover: str) -> None:
    path = f"v1/admin/operations/{failover}/report"
    answer = npr.lab.ask("GET", path, headers={"Accept": "text/markdown"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/markdown; charset=utf-8"), shown(answer)
    assert answer.text.startswith("# failover of NPR: succeeded\n"), answer.text


def test_a_poller_is_told_that_an_ended_operation_has_not_changed(npr: LabEnvironment, failover: str) -> None:
    first = npr.lab.ask("GET", f"v1/admin/operations/{failover}")
    again = npr.lab.ask("GET", f"v1/admin/operations/{failover}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b""), shown(again)
    assert again.headers["etag"] == first.headers["etag"]


def test_the_timeline_has_no_gap_and_its_end_is_awaited(npr: LabEnvironment, failover: str) -> None:
    numbers, after = [], 0
    while page := npr.lab.get(f"{NPR}/events?after={after}&limit=50")["value"]:
        numbers += [int(event["sequence"]) for event in page]
        after = numbers[-1]
    assert numbers == list(range(1, len(numbers) + 1))
    began_s = time.monotonic()
    newest = npr.lab.get(f"{NPR}/events?after=latest")["next_after"]
    refused = npr.lab.ask("GET", f"v1/{NPR}/events?after={newest + 1000}")
    assert expect(refused, 400)["code"] == "InvalidRequest"
    assert time.monotonic() - began_s < 10
    del failover


def test_a_waiting_reader_holds_nobody_up(npr: LabEnvironment) -> None:
    answers: list[Any] = []
    readers = [
        threading.Thread(target=lambda: answers.append(npr.lab.ask("GET", f"v1/{NPR}/events?after=latest&wait=5")))
        for _ in range(8)
    ]
    for reader in readers:
        reader.start()
    began_s = time.monotonic()
    expect(npr.lab.ask("GET", "v1/admin/operations"), 200)
    took_s = time.monotonic() - began_s
    for reader in readers:
        reader.join()
    assert [answer.status_code for answer in answers] == [200] * len(readers)
    assert took_s < 4, took_s


def test_the_audit_is_intact_and_an_anchor_holds(npr: LabEnvironment, failover: str) -> None:
    checked = npr.lab.get(f"{NPR}/audit/verify")
    assert (checked["status"], checked["broken"]) == ("intact", None), checked
    anchored = npr.lab.get(f"{NPR}/audit/verify?anchor={checked['newest']}")
    assert anchored["status"] == "intact", anchored
    other = npr.lab.get(f"{NPR}/audit/verify?anchor=1:{'0' * 64}")
    assert other["broken"]["flaw"] == "rewritten", other
    page = npr.lab.get(f"{NPR}/audit?limit=2")
    older = npr.lab.get(f"{NPR}/audit?limit=2&before={page['next_before']}")
    numbers = [entry["sequence"] for entry in page["value"] + older["value"]]
    assert numbers == list(range(numbers[0], numbers[0] - 4, -1))
    del failover


def test_a_scraper_gets_metrics_it_can_parse(npr: LabEnvironment, failover: str) -> None:
    answer = npr.lab.ask("GET", "v1/metrics")
    assert answer.status_code == 200, shown(answer)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = {
        (sample.name, sample.labels.get("environment", "")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["mvdr_last_recovery_seconds", "NPR"] > 0, answer.text
    assert samples["mvdr_audit_entries_total", "NPR"] > 3, answer.text
    del failover
