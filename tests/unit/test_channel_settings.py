"""Who gets notifications: read once, refused by name, and never repeated where somebody could read it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from shared.domain.notifications import Channel, ChannelKind, Severity
from tests.unit.test_config import cluster, faults, settings

SECRET = "a-secret-of-more-than-24-bytes"
KEY = "0123456789abcdef0123456789abcdef"
WEBHOOK = {"kind": "webhook", "url": "https://hooks.example.com/in?sig=canary-secret", "secret": SECRET}
SLACK_URL = {"kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/canary-secret"}
SLACK_TOKEN = {"kind": "slack", "token": "xoxb-canary-secret", "channel": "C0DR"}
TEAMS = {"kind": "teams", "url": "https://x.logic.azure.com/workflows/1/triggers/manual?sig=canary-secret"}
PAGERDUTY = {"kind": "pagerduty", "routing_key": KEY}
LAB = {"MVDR_TABLES_CONNECTION_STRING": "UseDevelopmentStorage=true", "MVDR_TABLES_ENDPOINT": ""}


def channels(**given: Any) -> str:
    return json.dumps({name.replace("_", "-"): one for name, one in given.items()})


def faults_of(one: Any, others: Mapping[str, str] | None = None) -> list[str]:
    return faults(without=(), MVDR_NOTIFICATION_CHANNELS=channels(on_call=one), **(others or {}))


def test_nobody_is_told_where_nothing_is_configured() -> None:
    assert settings().destinations() == ()
    assert settings(MVDR_NOTIFICATION_CHANNELS="").destinations() == ()


def test_a_channel_of_each_kind_has_its_address_and_what_it_wants() -> None:
    given = channels(
        hook={**WEBHOOK, "at_least": "warning", "environments": ["PRO"]},
        incoming=SLACK_URL, slack=SLACK_TOKEN, teams=TEAMS, pager={**PAGERDUTY, "at_least": "critical"},
    )  # fmt: skip
    found = {one.channel.name: one for one in settings(MVDR_NOTIFICATION_CHANNELS=given).destinations()}

    assert list(found) == ["hook", "incoming", "pager", "slack", "teams"]
    assert found["hook"].channel == Channel(
        name="hook", kind=ChannelKind.WEBHOOK, at_least=Severity.WARNING, environments=frozenset({"PRO"})
    )
    assert (found["hook"].url, found["hook"].secret) == (WEBHOOK["url"], SECRET)
    assert (found["incoming"].url, found["incoming"].secret, found["incoming"].room) == (SLACK_URL["url"], "", None)
    assert found["slack"].url == "https://slack.com/api/chat.postMessage"
    assert (found["slack"].secret, found["slack"].room) == ("xoxb-canary-secret", "C0DR")
    assert (found["teams"].url, found["teams"].channel.at_least) == (TEAMS["url"], Severity.INFO)
    assert (found["pager"].url, found["pager"].secret) == ("https://events.pagerduty.com", KEY)
    assert found["pager"].channel.environments is None


@pytest.mark.parametrize(
    ("one", "named"),
    [
        ({"kind": "email", "to": "x"}, "on-call"),
        ({"url": "https://x.example"}, "on-call"),
        ({**WEBHOOK, "secret": "short"}, "on-call.webhook.secret"),
        ({**WEBHOOK, "secret": "whsec_no base64 at all, but long enough"}, "on-call.webhook.secret"),
        ({"kind": "webhook", "url": "https://x.example"}, "on-call.webhook.secret"),
        ({**WEBHOOK, "retries": 3}, "on-call.webhook.retries"),
        ({**WEBHOOK, "at_least": "loud"}, "on-call.webhook.at_least"),
        ({**WEBHOOK, "environments": []}, "on-call.webhook.environments"),
        ({**WEBHOOK, "environments": ["PRO", "PR"]}, "on-call.environments"),
        ({"kind": "slack"}, "on-call.slack"),
        ({**SLACK_URL, **SLACK_TOKEN}, "on-call.slack"),
        ({"kind": "slack", "token": "xoxb-1"}, "on-call.slack"),
        ({**SLACK_URL, "channel": "C0DR"}, "on-call.slack"),
        ({"kind": "pagerduty", "routing_key": "short"}, "on-call.pagerduty.routing_key"),
        ({"kind": "teams"}, "on-call.teams.url"),
    ],
)
def test_what_is_wrong_with_a_channel_is_said_under_its_name(one: dict[str, Any], named: str) -> None:
    (line,) = faults_of(one)
    assert line.startswith(f"MVDR_NOTIFICATION_CHANNELS.{named}: "), line


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/in", "ftp://hooks.example.com/in", "hooks.example.com/in", "https:///in", "https://",
        "https://user:canary-secret@hooks.example.com/", "https://hooks.example.com/#canary-secret",
        "https://169.254.169.254/metadata/identity/oauth2/token", "https://[fe80::1]/", "https://0.0.0.0/",
        "https://[::ffff:169.254.169.254]/", "https://[/canary-secret", "https://hooks.example.com:port/",
        "https://127.0.0.1/in", "http://127.0.0.1/in", "https://localhost/in", "https://[::1]/in",
        "https://[::ffff:127.0.0.1]/in", "https://receiver.localhost/in",
    ],
)  # fmt: skip
def test_a_url_that_must_not_be_called_is_refused_and_not_repeated(url: str) -> None:
    (line,) = faults_of({**WEBHOOK, "url": url})
    assert line.startswith("MVDR_NOTIFICATION_CHANNELS.on-call")
    assert "canary-secret" not in line
    assert "169.254" not in line


def test_only_beside_an_emulators_tables_may_a_receiver_be_this_machine() -> None:
    local = channels(on_call={**WEBHOOK, "url": "http://127.0.0.1:8080/webhook"})
    (found,) = settings(without=(), MVDR_NOTIFICATION_CHANNELS=local, **LAB).destinations()
    assert found.url == "http://127.0.0.1:8080/webhook"
    (line,) = faults(MVDR_NOTIFICATION_CHANNELS=local)
    assert "only the lab" in line


def test_plain_http_to_elsewhere_is_refused_in_the_lab_as_well() -> None:
    elsewhere = {**WEBHOOK, "url": "http://hooks.example.com/in"}
    assert len(faults_of(elsewhere, LAB)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"kind": "teams"}, "a": {"kind": "teams"}}',
        '{"a": {"kind": "teams", "url": "https://x.example", "url": "https://canary-secret.example"}}',
        "{", "[]", '"canary-secret"', "canary-secret", '{"A": {}}', '{"https://canary-secret": {}}',
        '{"a": {"kind": "canary-secret"}}', '{"a": "canary-secret"}', '{"a": {"kind": "teams", "canary-Secret": 1}}',
    ],
)  # fmt: skip
def test_what_is_no_set_of_channels_is_refused_and_not_repeated(text: str) -> None:
    lines = faults(MVDR_NOTIFICATION_CHANNELS=text)
    assert lines
    assert all(line.startswith("MVDR_NOTIFICATION_CHANNELS") for line in lines), lines
    assert not any("canary" in line.lower() for line in lines), lines


def test_every_fault_is_named_at_once() -> None:
    given = channels(first={**WEBHOOK, "secret": "short"}, second={"kind": "teams", "url": "http://x.example"})
    assert len(faults(MVDR_NOTIFICATION_CHANNELS=given, MVDR_ENVIRONMENTS="{}")) == 3


def test_no_secret_shows_where_settings_and_addresses_are_printed() -> None:
    given = channels(hook=WEBHOOK, incoming=SLACK_URL, slack=SLACK_TOKEN, teams=TEAMS, pager=PAGERDUTY)
    read = settings(MVDR_NOTIFICATION_CHANNELS=given)
    printed = repr(read) + str(read) + repr(read.destinations())
    assert "canary-secret" not in printed
    assert SECRET not in printed
    assert KEY not in printed


def test_a_vault_that_does_not_answer_leaves_the_control_plane_running_without_channels() -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://kv-x.vault.azure.net/secrets/channels)"
    assert settings(MVDR_NOTIFICATION_CHANNELS=reference) == settings()
    assert cluster("dr") in repr(settings(MVDR_NOTIFICATION_CHANNELS=reference))
