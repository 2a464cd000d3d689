"""What people are told of each event: how loud, in which incident, in which words, with which next step."""

import re
from typing import Any

import pytest

from shared.domain.events import EventType
from shared.domain.notices import WORDS, notification_of
from shared.domain.notifications import Severity, Signal
from shared.domain.operations import OperationKind
from shared.web.routes import ROUTES
from tests.unit.builders import DR, PRIMARY, T0
from tests.unit.domain.telling import event, signals, told

FAILED = event(EventType.GATEWAY_FAILED)
BEGUN = event(EventType.OPERATION_BEGUN)
SUCCEEDED = event(EventType.OPERATION_SUCCEEDED)

# operators' guide, the table of notifications; None: nothing is said, unless an incident is open.
SEVERITIES = {
    EventType.OPERATION_BEGUN: Severity.WARNING,
    EventType.OPERATION_SUCCEEDED: Severity.CRITICAL,  # a failover: another gateway holds the environment
    EventType.OPERATION_FAILED: Severity.ERROR,
    EventType.OPERATION_FORCED: Severity.CRITICAL,
    EventType.OPERATION_WAITING_APPROVAL: Severity.ERROR,
    EventType.OPERATION_APPROVED: Severity.INFO,
    EventType.OPERATION_CANCEL_REQUESTED: Severity.WARNING,
    EventType.OPERATION_CANCELLED: Severity.WARNING,
    EventType.STEP_ENDED: None,
    EventType.STEP_SKIPPED: Severity.WARNING,
    EventType.GATEWAY_FAILED: Severity.CRITICAL,
    EventType.GATEWAY_RECOVERED: Severity.INFO,
    EventType.CLUSTER_PREWARMED: Severity.INFO,
    EventType.PREFLIGHT_CHANGED: Severity.WARNING,
    EventType.DRILL_ABORT_REQUESTED: Severity.INFO,
    EventType.FENCE_RAISED: Severity.WARNING,  # with a task in doubt
    EventType.VERDICT_CHANGED: Severity.INFO,  # one missed heartbeat
    EventType.MASS_SILENCE_BEGAN: Severity.CRITICAL,
    EventType.MASS_SILENCE_ENDED: Severity.INFO,
    EventType.ALERT_RECEIVED: Severity.INFO,
    EventType.AUTOMATIC_DECIDED: Severity.WARNING,
    EventType.MODES_CHANGED: Severity.INFO,
    EventType.ENVIRONMENT_PAUSED: Severity.WARNING,
    EventType.ENVIRONMENT_RESUMED: Severity.INFO,
}


def test_every_type_of_event_has_its_words_and_its_severity() -> None:
    assert set(WORDS) == set(EventType) == set(SEVERITIES)


@pytest.mark.parametrize("kind", EventType)
def test_each_event_is_as_loud_as_the_table_says(kind: EventType) -> None:
    said = notification_of(event(kind), ())
    assert (said.severity if said else None) is SEVERITIES[kind]


@pytest.mark.parametrize("kind", [kind for kind, severity in SEVERITIES.items() if severity is not None])
def test_each_notification_names_its_environment_its_event_and_what_it_is_about(kind: EventType) -> None:
    said = notification_of(event(kind, number=7), ())
    assert said is not None
    assert (said.id, said.sequence, said.type, said.at) == ("PRO-7", 7, kind.value, T0)
    assert "PRO" in said.sentence or "silence" in said.sentence.lower()
    assert "None" not in said.sentence
    assert said.sentence.count("  ") == 0


@pytest.mark.parametrize("kind", EventType)
def test_every_call_in_a_next_step_is_one_that_the_api_has(kind: EventType) -> None:
    known = {(method, f"/api/{route.path}") for route in ROUTES for method in route.methods}
    patterns = [(method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for method, path in known]
    for opened in ((), told(FAILED, BEGUN)[1]):
        said = notification_of(event(kind), opened)
        for method, path in re.findall(
            r"(GET|POST) (/api/[^\s?,]+?)[.,]?(?=\s|\?|,|$)", said.next_action if said else ""
        ):
            assert any(method == one and pattern.fullmatch(path) for one, pattern in patterns), (method, path)


def test_a_failed_primary_is_told_in_one_sentence_with_the_way_out() -> None:
    (said,), (incident,) = told(FAILED)
    assert said.sentence == "PRO: gw-pro-primary FAILED at 12:01:00Z (3 missed heartbeats). Nobody does its work."
    assert "POST /api/v1/admin/failover/PRO/activate-dr (runbook 1.4)" in said.next_action
    assert said.incident == incident.key == "PRO/primary-failed/17"


def test_a_dr_gateway_that_fails_while_it_holds_the_environment_leads_back_to_the_primary() -> None:
    (said,), (incident,) = told(event(EventType.GATEWAY_FAILED, subject=DR, role="dr-standby"))
    assert incident.key == "PRO/dr-failed/17"
    assert "/failback (runbook 2.2)" in said.next_action


def test_a_whole_failover_is_one_thread_that_its_success_closes() -> None:
    said, left = told(FAILED, BEGUN, event(EventType.STEP_ENDED), event(EventType.FENCE_RAISED), SUCCEEDED)
    assert signals(said) == ["open", "acknowledge", "update", "update", "resolve"]
    assert {one.incident for one in said} == {"PRO/primary-failed/17"}
    assert left == ()


def test_a_primary_that_flaps_is_one_incident_while_it_is_open_and_another_one_after_it() -> None:
    again = event(EventType.GATEWAY_FAILED, fencing_token="18")
    said, left = told(
        FAILED, again, event(EventType.GATEWAY_RECOVERED), event(EventType.GATEWAY_FAILED, fencing_token="19")
    )
    assert signals(said) == ["open", "update", "resolve", "open"]
    assert [one.key for one in left] == ["PRO/primary-failed/19"]


def test_a_failover_that_failed_leaves_its_incident_open_and_unattended() -> None:
    said, (incident,) = told(FAILED, BEGUN, event(EventType.OPERATION_FAILED))
    assert signals(said) == ["open", "acknowledge", "update"]
    assert said[-1].severity is Severity.CRITICAL
    assert "Nobody does the gateway's work" in said[-1].sentence
    assert "POST /api/v1/admin/operations/PRO-1/retry" in said[-1].next_action
    assert not incident.acknowledged


def test_a_cancelled_failover_leaves_its_incident_open_and_unattended() -> None:
    said, (incident,) = told(FAILED, BEGUN, event(EventType.OPERATION_CANCELLED))
    assert said[-1].signal is Signal.UPDATE
    assert "/activate-dr" in said[-1].next_action
    assert not incident.acknowledged


def test_the_retry_of_a_failed_failover_belongs_to_the_same_incident() -> None:
    said, left = told(
        FAILED, BEGUN, event(EventType.OPERATION_FAILED), event(EventType.OPERATION_BEGUN, subject="PRO-2"),
        event(EventType.OPERATION_SUCCEEDED, subject="PRO-2"),
    )  # fmt: skip
    assert signals(said)[-2:] == ["acknowledge", "resolve"]
    assert left == ()


@pytest.mark.parametrize("kind", [OperationKind.FAILBACK, OperationKind.DRILL])
def test_a_failback_or_a_drill_has_an_incident_of_its_own_beside_an_open_one(kind: OperationKind) -> None:
    said, left = told(FAILED, event(EventType.OPERATION_BEGUN, operation=kind.value))
    assert signals(said) == ["open", "open"]
    assert [one.key for one in left] == ["PRO/primary-failed/17", f"PRO/{kind.value}/PRO-1"]
    assert [one.acknowledged for one in left] == [False, True]


def test_a_drill_that_fails_is_an_error_and_over() -> None:
    drill: dict[str, Any] = {"operation": "drill"}
    said, left = told(event(EventType.OPERATION_BEGUN, **drill), event(EventType.OPERATION_FAILED, **drill))
    assert (said[-1].severity, said[-1].signal) == (Severity.ERROR, Signal.RESOLVE)
    assert left == ()


def test_a_failback_that_failed_waits_for_a_person() -> None:
    back: dict[str, Any] = {"operation": "failback"}
    said, (incident,) = told(event(EventType.OPERATION_BEGUN, **back), event(EventType.OPERATION_FAILED, **back))
    assert (said[-1].severity, said[-1].signal) == (Severity.ERROR, Signal.UPDATE)
    assert (incident.severity, incident.acknowledged) == (Severity.ERROR, False)


def test_a_failover_that_nobody_was_told_a_failure_before_opens_its_own_and_its_success_closes_it() -> None:
    said, left = told(BEGUN, event(EventType.OPERATION_FORCED), SUCCEEDED)
    assert signals(said) == ["open", "update", "resolve"]
    assert left == ()


def test_the_end_of_an_operation_whose_beginning_was_never_told_is_a_note() -> None:
    (said,), left = told(SUCCEEDED)
    assert (said.signal, said.incident, left) == (Signal.NOTE, None, ())


def test_whoever_fails_over_out_of_a_mass_silence_acts_on_it_and_only_its_end_closes_it() -> None:
    silence = event(EventType.MASS_SILENCE_BEGAN)
    _, during = told(silence, BEGUN)
    assert [(one.kind.value, one.acknowledged) for one in during] == [("mass-silence", True), ("failover", True)]
    said, left = told(silence, BEGUN, SUCCEEDED, event(EventType.MASS_SILENCE_ENDED))
    assert signals(said) == ["open", "open", "resolve", "resolve"]
    assert left == ()


@pytest.mark.parametrize(
    ("changed", "severity"),
    [
        ({"to": "failed"}, None),  # the mark says it
        ({"to": "unknown"}, Severity.CRITICAL),
        ({"to": "unknown", "in_mass_silence": True}, None),  # the mass silence says it once for all
        ({"to": "suspect", "paused": True}, None),
        ({"from": "suspect", "to": "healthy"}, Severity.INFO),
        ({"from": "unknown", "to": "healthy"}, None),
        ({"to": "failed", "holds_the_lock": False}, Severity.WARNING),
        ({"to": "cold", "holds_the_lock": False}, None),
        ({"from": "failed", "to": "healthy", "holds_the_lock": False}, Severity.INFO),
    ],
)
def test_a_verdict_is_told_where_nothing_else_tells_it(changed: dict[str, Any], severity: Severity | None) -> None:
    said = notification_of(event(EventType.VERDICT_CHANGED, **changed), ())
    assert (said.severity if said else None) is severity


def test_a_monitor_that_was_blind_while_the_holder_fell_silent_is_an_incident_until_it_sees() -> None:
    blind = event(EventType.VERDICT_CHANGED, to="unknown")
    sees: dict[str, Any] = {"from": "unknown", "to": "suspect"}
    said, left = told(blind, event(EventType.VERDICT_CHANGED, **sees))
    assert signals(said) == ["open", "resolve"]
    assert left == ()


def test_a_preflight_is_one_incident_from_its_first_doubt_until_everything_passes() -> None:
    worse = event(EventType.PREFLIGHT_CHANGED, status="fail", failing={"database": "fail: down"})
    well = event(EventType.PREFLIGHT_CHANGED, status="pass", failing={})
    said, left = told(well, event(EventType.PREFLIGHT_CHANGED), worse, well)
    assert signals(said) == ["open", "update", "resolve"]
    assert {one.severity for one in said[:2]} == {Severity.WARNING}
    assert left == ()


def test_what_people_typed_cannot_make_a_sentence_without_end() -> None:
    said = notification_of(event(EventType.OPERATION_BEGUN, reason="x" * 5000), ())
    assert said is not None
    assert len(said.sentence) < 500


def test_the_gateway_in_the_samples_is_the_primary() -> None:
    assert FAILED.subject == PRIMARY
