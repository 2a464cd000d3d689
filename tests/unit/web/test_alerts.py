"""Azure Monitor's alerts: every kind is understood, what may be missing may be missing, and only garbage is refused."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alerts import Alert, AlertCondition, AlertKind
from shared.domain.faults import MalformedRequest, NotAuthorized
from shared.web.alerts import LARGEST_ALERT_BYTES, parse_alert
from shared.web.auth import Principal, require_only
from shared.web.routes import EVERY_ROLE, INGEST
from tests.unit.builders import PROPERTY
from tests.unit.web.alert_samples import ALERT_ID, OURS, SAMPLES, body, payload
from tests.unit.web.tokens import NOW, TENANT

SENDER = "461e8683-5575-4561-ac7f-899cc907d62a"


def parsed(document: Any) -> Alert:
    return parse_alert(body(document), received_at=NOW)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_payload_of_every_kind_is_accepted_and_mapped(name: str) -> None:
    alert = parsed(SAMPLES[name])
    kind, _, variant = name.partition(", ")
    assert alert.kind is AlertKind(kind)
    assert alert.condition is (AlertCondition.RESOLVED if name == "metric, resolved" else AlertCondition.FIRED)
    assert alert.recovered is (variant in ("resolved", "available") and kind != "metric")
    assert alert.fired_at == datetime(2026, 11, 23, 20, 10, 0, 123456, tzinfo=UTC)
    assert alert.details
    if kind != "cost":
        assert (alert.environment, alert.intent) == ("PRO", "primary-failed")


def test_the_details_say_what_was_found() -> None:
    found = {name: dict(parsed(SAMPLES[name]).details) for name in SAMPLES}
    assert found["metric"]["metricName"] == "node_cpu_usage_percentage"
    assert (found["metric"]["threshold"], found["metric"]["metricValue"]) == ("25", "7.727")
    assert found["log"]["dimensions"] == "Gateway=gw-pro-primary"
    assert found["availability"]["webTestName"] == "gateway-pro-primary"
    assert found["service_health"]["stage"] == "Active"
    assert found["resource_health"]["currentHealthStatus"] == "Unavailable"
    assert found["prometheus"]["alertname"] == "GatewayDown"
    assert found["cost"] == {
        "BudgetName": "gateway-dr",
        "BudgetThreshold": "$50.00",
        "SpentAmount": "57.02",
        "Unit": "USD",
    }


def test_the_environment_comes_from_our_property_and_never_from_names_or_targets() -> None:
    assert parsed(payload(properties={"environment": "NPR", "intent": "signal"})).environment == "NPR"
    for nothing in (None, {}, {"Environment": "PRO"}, "PRO", ["PRO"], {"environment": None}):
        alert = parsed(payload(properties=nothing))
        assert (alert.environment, alert.intent) == ("", "")
    log = SAMPLES["log"]
    assert parsed(log).intent == "primary-failed"  # `alertContext.properties` says otherwise and does not count


@pytest.mark.parametrize("name", SAMPLES)
def test_unknown_members_are_passed_over_wherever_they_are(name: str) -> None:
    def grown(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{key: grown(item) for key, item in value.items()}, "newInApril": {"deep": [1, None, "x"]}}
        return [grown(item) for item in value] if isinstance(value, list) else value

    assert parsed(grown(SAMPLES[name])) == parsed(SAMPLES[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_any_member_but_the_id_may_be_null_or_of_another_type(name: str) -> None:
    """Each member in turn: no answer may be 500, and none but a missing id or condition is garbage."""
    sample = SAMPLES[name]
    values: tuple[Any, ...] = (None, 7, 7.5, True, "text", [], {})
    for path in paths_of(sample):
        for value in values:
            changed = with_value(sample, path, value)
            try:
                alert = parsed(changed)
            except MalformedRequest:
                last = path[-1]
                assert last in ("schemaId", "data", "essentials", "alertId", "monitorCondition"), (path, value)
            else:
                assert alert.id


def test_numbers_do_where_text_is_expected_and_text_where_numbers_are() -> None:
    assert parsed(SAMPLES["service_health"]) == parsed(SAMPLES["service_health, numbers"])
    context = copy.deepcopy(SAMPLES["metric"]["data"]["alertContext"])
    context["condition"]["allOf"][0] |= {"threshold": 25, "metricValue": "7.727"}
    assert parsed(payload({}, context)).details == parsed(payload()).details


def test_an_alert_without_a_usable_time_counts_from_its_receipt() -> None:
    for value in (..., None, "", "yesterday", 7, "9999-99-99T00:00:00Z", "0001-01-01T00:00:00+14:00"):
        alert = parsed(payload({"firedDateTime": value}))
        assert (alert.fired_at, alert.at) == (None, NOW)
    ahead = parsed(payload({"firedDateTime": "2027-01-01T00:00:00Z"}))
    assert ahead.at == NOW


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"\x00", b"{}", b"[" * 100_000,
        body({"schemaId": "azureMonitorCommonAlertSchema"}),
        body({"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {}}}),
        body({**payload(), "schemaId": "AzureMonitorMetricAlert"}),
        body({**payload(), "schemaId": None}),
        body(payload({"alertId": None})), body(payload({"alertId": ""})), body(payload({"alertId": "x" * 3000})),
        body(payload({"monitorCondition": "Perhaps"})),
        body({**payload(), "padding": "x" * LARGEST_ALERT_BYTES}),
    ],
    ids=range(18),
)  # fmt: skip
def test_garbage_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_alert(raw, received_at=NOW)


def test_text_that_no_store_takes_is_cleaned_and_cut() -> None:
    alert = parsed(payload({"alertRule": "a\x00b\x7fc\n" + "x" * 1000}))
    assert alert.rule.startswith("a b c x")
    assert len(alert.rule) == 200


@PROPERTY
@given(st.binary(max_size=300))
def test_no_bytes_whatever_break_the_reading(raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_alert(raw, received_at=NOW)


def test_the_key_tells_alerts_and_conditions_apart_and_nothing_else() -> None:
    fired = parsed(payload())
    again = parsed(payload({"severity": "Sev3", "firedDateTime": None}))
    resolved, other = parsed(payload({"monitorCondition": "resolved"})), parsed(payload({"alertId": ALERT_ID + "0"}))
    assert fired.key == again.key
    assert len({fired.key, resolved.key, other.key}) == 3


def principal(*roles: str, client_id: str = SENDER) -> Principal:
    return Principal(
        subject="s", object_id="o", tenant_id=TENANT, roles=frozenset(roles), is_app=True, name="s", client_id=client_id
    )


def test_only_the_action_groups_with_their_own_role_alone_may_bring_alerts() -> None:
    require_only(principal(INGEST), INGEST, among=EVERY_ROLE, client_id=SENDER)
    require_only(principal(INGEST, "Something.Else"), INGEST, among=EVERY_ROLE, client_id=SENDER)
    for role in EVERY_ROLE - {INGEST}:
        for held in ((role,), (role, INGEST)):
            with pytest.raises(NotAuthorized):
                require_only(principal(*held), INGEST, among=EVERY_ROLE, client_id=SENDER)
    for other in ("", "00000000-0000-4000-8000-000000000009"):
        with pytest.raises(NotAuthorized):
            require_only(principal(INGEST, client_id=other), INGEST, among=EVERY_ROLE, client_id=SENDER)


def test_our_properties_are_those_that_the_rules_carry() -> None:
    assert {"environment", "intent"} <= set(OURS)


def paths_of(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [at] if at else []
    for key, child in children:
        found += paths_of(child, (*at, key))
    return found


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    owner = changed
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return changed
