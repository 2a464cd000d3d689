"""What is sent keeps within what its receiver takes, and nothing in it is more than text."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devhost.fakes.inbox_checks import cloud_event_faults, pagerduty_faults, slack_faults, teams_faults
from shared.adapters import receiver_pagerduty, receiver_slack, receiver_teams, receiver_webhook
from shared.adapters.receiver_texts import Rendered, link
from shared.domain.events import Event, EventType
from shared.domain.notifications import ChannelKind, Outgoing, Severity, Signal
from shared.domain.webhook_signatures import verify
from shared.web.evidence import cloud_event
from tests.unit.adapters.notifications import SECRET, T0, TOLD, destination, going

KEY = "0123456789abcdef0123456789abcdef"
HOSTILE = st.one_of(
    st.text(max_size=50),
    st.sampled_from(
        ["<!channel> &amp; <@U1|you>", "[click](https://evil.example)", "<script>alert(1)</script>", "**x** `y` _z_",
         "<" * 4000, "&" * 4000, "x" * 40_000, "😀" * 3000, "", " ", "\x00", "\x01" * 4000,
         "{{DATE(2026-01-01T00:00:00Z)}}", "<at>all</at>", "\ud83d"]
    ),
)  # fmt: skip
NOTIFICATIONS = st.builds(
    lambda signal, severity, incident, **texts: {**texts, "signal": signal, "severity": severity, "incident": incident},
    signal=st.sampled_from(Signal),
    severity=st.sampled_from(Severity),
    incident=st.one_of(st.none(), st.text(min_size=1, max_size=400)),
    subject=HOSTILE,
    sentence=HOSTILE,
    next_action=HOSTILE,
    facts=st.dictionaries(HOSTILE, HOSTILE, max_size=15),
)
SLACK = destination(ChannelKind.SLACK, "https://slack.com/api/chat.postMessage", secret="xoxb-1", room="C0DR")
PAGER = destination(ChannelKind.PAGERDUTY, "https://events.pagerduty.com", secret=KEY)
HOOK = destination(ChannelKind.WEBHOOK, "https://hooks.example.com/in")
TEAMS = destination(ChannelKind.TEAMS, "https://x.logic.azure.com/in")


def slack(outgoing: Outgoing) -> Rendered:
    return receiver_slack.render(outgoing, SLACK, link=link(outgoing.notification, "https://dr.example.com"))


def teams(outgoing: Outgoing) -> Rendered:
    return receiver_teams.render(outgoing, TEAMS, link=link(outgoing.notification, "https://dr.example.com"))


def pager(outgoing: Outgoing) -> Rendered:
    return receiver_pagerduty.render(outgoing, PAGER, link=link(outgoing.notification, "https://dr.example.com"))


def hook(outgoing: Outgoing) -> Rendered:
    where = link(outgoing.notification, "https://dr.example.com")
    return receiver_webhook.render(outgoing, HOOK, at=T0, link=where)


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for child in value.values() for text in texts(child)]
    if isinstance(value, list):
        return [text for child in value for text in texts(child)]
    return [value] if isinstance(value, str) else []


@settings(max_examples=150, deadline=None)
@given(NOTIFICATIONS)
def test_whatever_is_told_every_receiver_takes_it(told: dict[str, Any]) -> None:
    outgoing = going(HOOK.channel, **told)
    assert slack_faults(json.loads(slack(outgoing).body)) == []
    card = teams(outgoing)
    assert teams_faults(json.loads(card.body), len(card.body)) == []
    page = pager(outgoing)
    is_change = page.url.endswith("/change/enqueue")
    assert pagerduty_faults(json.loads(page.body), len(page.body), routing_key=KEY, change=is_change) == []
    event = hook(outgoing)
    assert cloud_event_faults(json.loads(event.body), event.headers["Content-Type"].partition(";")[0]) == []
    assert verify(event.headers, event.body, secret=SECRET, now_unix_s=T0.timestamp()) == TOLD.id


def test_the_longest_card_fits() -> None:
    long = "😀" * 5000
    facts = {f"{number} {long}": long for number in range(20)}
    card = teams(going(TEAMS.channel, sentence=long, next_action=long, subject=long, facts=facts, id=long))
    assert teams_faults(json.loads(card.body), len(card.body)) == []


def test_half_a_character_from_an_alert_does_not_stop_a_message() -> None:
    for render in (slack, teams, pager, hook):
        assert json.loads(render(going(HOOK.channel, sentence="\ud83d", data={"a": "\ud83d"})).body)


def test_in_slack_nothing_is_a_mention_or_a_link() -> None:
    body = json.loads(slack(going(SLACK.channel, sentence="<!channel> & <https://evil.example|click>")).body)
    section = body["blocks"][1]["text"]["text"]
    assert section == "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;"
    assert "<" not in body["text"]


def test_an_escaped_text_is_cut_between_entities() -> None:
    assert receiver_slack.escaped("<" * 10, 13) == "&lt;&lt;&lt;…"
    assert receiver_slack.escaped("abc", 3) == "abc"


def test_in_teams_every_text_is_a_run_that_reads_no_markdown() -> None:
    card = json.loads(teams(going(TEAMS.channel, sentence="[click](https://evil.example)")).body)
    content = card["attachments"][0]["content"]
    assert {element["type"] for element in content["body"]} == {"RichTextBlock"}
    assert {run["type"] for element in content["body"] for run in element["inlines"]} == {"TextRun"}
    assert "[click](https://evil.example)" in texts(content)
    assert content["actions"] == [
        {"type": "Action.OpenUrl", "title": "Explain PRO",
         "url": "https://dr.example.com/api/v1/admin/environments/PRO/explain"}
    ]  # fmt: skip


def test_the_first_message_opens_a_thread_and_the_rest_go_into_it() -> None:
    first = json.loads(slack(going(SLACK.channel)).body)
    reply = json.loads(slack(going(SLACK.channel, thread="1503435956.000247", signal=Signal.UPDATE)).body)
    over = json.loads(slack(going(SLACK.channel, thread="1503435956.000247", signal=Signal.RESOLVE)).body)
    assert "thread_ts" not in first
    assert (reply["thread_ts"], reply["reply_broadcast"]) == ("1503435956.000247", False)
    assert (over["thread_ts"], over["reply_broadcast"]) == ("1503435956.000247", True)


def test_an_incoming_webhook_gets_neither_channel_nor_token_nor_thread() -> None:
    incoming = destination(ChannelKind.SLACK, "https://hooks.slack.com/services/T/B/x", secret="")
    request = receiver_slack.render(going(incoming.channel, thread="1503435956.000247"), incoming, link=None)
    assert "Authorization" not in request.headers
    assert not {"channel", "thread_ts"} & json.loads(request.body).keys()


@pytest.mark.parametrize(
    ("signal", "action"),
    [(Signal.OPEN, "trigger"), (Signal.UPDATE, "trigger"), (Signal.REMIND, "trigger"), (Signal.TEST, "trigger"),
     (Signal.ACKNOWLEDGE, "acknowledge"), (Signal.RESOLVE, "resolve")],
)  # fmt: skip
def test_one_incident_is_one_alert_from_trigger_to_resolve(signal: Signal, action: str) -> None:
    request = pager(going(PAGER.channel, signal=signal))
    event = json.loads(request.body)
    assert urlsplit(request.url).path == "/v2/enqueue"
    assert (event["event_action"], event["dedup_key"]) == (action, "mazevault-dr:PRO:primary-failed:3")
    assert ("payload" in event) is (action == "trigger")


@pytest.mark.parametrize("severity", Severity)
def test_severities_are_pagerdutys_own(severity: Severity) -> None:
    event = json.loads(pager(going(PAGER.channel, severity=severity)).body)
    assert event["payload"]["severity"] == severity.value


@pytest.mark.parametrize("signal", [Signal.NOTE, Signal.UPDATE, Signal.RESOLVE])
def test_what_belongs_to_no_incident_pages_nobody(signal: Signal) -> None:
    request = pager(going(PAGER.channel, signal=signal, incident=None))
    assert urlsplit(request.url).path == "/v2/change/enqueue"
    assert "event_action" not in json.loads(request.body)


def test_a_test_has_an_alert_of_its_own() -> None:
    event = json.loads(pager(going(PAGER.channel, signal=Signal.TEST, incident=None, id="test:1")).body)
    assert (event["event_action"], event["dedup_key"]) == ("trigger", "mazevault-dr:test:1")
    assert "TEST" in event["payload"]["summary"]


def test_incidents_with_long_names_stay_apart() -> None:
    def key(end: str) -> str:
        return receiver_pagerduty.dedup_key(going(PAGER.channel, incident="x" * 300 + end).notification)

    assert len(key("a")) <= 255
    assert key("a") == key("a") != key("b")


def test_the_envelope_is_the_one_of_the_events_api() -> None:
    event = Event(
        environment="PRO", sequence=7, id="PRO:event:7", type=EventType.GATEWAY_FAILED, at=T0,
        subject="gw-pro-primary", data={"missed": 3, "verdict": "failed"},
    )  # fmt: skip
    sent = json.loads(hook(going(HOOK.channel)).body)
    extra = {"severity", "signal", "incident", "summary", "nextaction", "link"}
    assert {name: value for name, value in sent.items() if name not in extra} == cloud_event(event)
    assert (sent["severity"], sent["signal"], sent["incident"]) == ("critical", "open", "PRO:primary-failed:3")


@pytest.mark.parametrize("render", [slack, teams, pager])
def test_people_read_what_happened_what_it_means_and_what_to_do(render: Any) -> None:
    said = " ".join(texts(json.loads(render(going(HOOK.channel)).body)))
    for word in ("PRO", "critical", "gateway.failed", "gw-pro-primary", "silent since 20:09Z", "runbook 1.4", "3"):
        assert word in said


def test_without_a_public_url_there_is_no_link() -> None:
    assert link(TOLD, None) is None
    assert link(TOLD, "https://dr.example.com/") == link(TOLD, "https://dr.example.com")
