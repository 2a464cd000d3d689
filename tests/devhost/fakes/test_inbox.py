"""The inbox takes what the product sends, refuses what the real receivers refuse, and runs nothing that it is sent."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from shared.domain.notifications import Answer, Channel, Receipt, Signal
from shared.domain.webhook_signatures import sign
from tests.devhost.fakes.running import running
from tests.unit.adapters.notifications import going, of_the_lab

KINDS = ("webhook", "slack", "teams", "pagerduty")


class Inbox:
    """A running inbox, and the product's own way into it."""

    def __init__(self, ready: dict[str, Any], http: httpx2.Client) -> None:
        self.channels_setting: dict[str, dict[str, Any]] = ready["channels"]
        self.http = http
        self.receivers = of_the_lab(json.dumps(self.channels_setting))
        self.channels: dict[str, Channel] = {one.kind.value: one for one in self.receivers.channels()}

    def send(self, kind: str, thread: str | None = None, **changes: Any) -> Answer:
        (answer,) = self.receivers.send([going(self.channels[kind], thread=thread, **changes)])
        return answer

    def read(self) -> dict[str, Any]:
        return dict(self.http.get("/_lab/inbox").json())

    def mode(self, mode: str, *receivers: str) -> None:
        body = {"mode": mode, **({"receivers": list(receivers)} if receivers else {})}
        assert self.http.post("/_lab/mode", json=body).status_code == 200


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    with running("devhost.fakes.inbox", [], tmp_path_factory.mktemp("inbox")) as ready:
        facts: dict[str, Any] = dict(ready)
        with httpx2.Client(base_url=str(facts["url"]), trust_env=False) as http:
            yield Inbox(facts, http)


@pytest.fixture
def inbox(started: Inbox) -> Inbox:
    assert started.http.delete("/_lab/inbox").status_code == 204
    return started


@pytest.mark.parametrize("kind", KINDS)
def test_every_receiver_takes_what_the_product_sends_and_shows_it(inbox: Inbox, kind: str) -> None:
    answer = inbox.send(kind)
    assert answer.receipt is Receipt.ACCEPTED, answer
    (message,) = inbox.read()["messages"]
    assert (message["receiver"], message["faults"]) == (kind, [])
    assert "silent since 20:09Z" in message["text"]
    assert "silent since 20:09Z" in inbox.http.get("/").text


def test_an_incident_is_one_alert_and_one_thread_from_beginning_to_end(inbox: Inbox) -> None:
    thread = inbox.send("slack").thread
    for signal in (Signal.OPEN, Signal.REMIND, Signal.ACKNOWLEDGE, Signal.RESOLVE):
        assert inbox.send("pagerduty", signal=signal).receipt is Receipt.ACCEPTED
        assert inbox.send("slack", thread, signal=signal).thread == thread
    found = inbox.read()
    actions = ["trigger", "trigger", "acknowledge", "resolve"]
    assert found["incidents"] == {"mazevault-dr:PRO:primary-failed:3": actions}
    assert {one["thread"] for one in found["messages"] if one["receiver"] == "slack"} == {thread}


def test_only_an_open_incident_is_acknowledged_or_resolved(inbox: Inbox) -> None:
    inbox.send("pagerduty", signal=Signal.ACKNOWLEDGE)
    inbox.send("pagerduty", signal=Signal.OPEN)
    inbox.send("pagerduty", signal=Signal.RESOLVE)
    inbox.send("pagerduty", signal=Signal.ACKNOWLEDGE)
    assert list(inbox.read()["incidents"].values()) == [["trigger", "resolve"]]


def test_a_message_that_comes_again_is_known_by_its_id(inbox: Inbox) -> None:
    for _ in range(2):
        assert inbox.send("webhook").receipt is Receipt.ACCEPTED
    assert [one["is_repeated"] for one in inbox.read()["messages"]] == [False, True]
    assert "came again" in inbox.http.get("/").text


@pytest.mark.parametrize(
    ("kind", "member", "value", "reason"),
    [
        ("webhook", "secret", "another-secret-of-more-than-24-bytes", "answered 401"),
        ("slack", "token", "xoxb-another", "Slack said invalid_auth"),
        ("slack", "channel", "C0OTHER", "Slack said channel_not_found"),
        ("pagerduty", "routing_key", "0" * 32, "answered 400: Event object is invalid"),
        ("teams", "url", "{url}x", "answered 400: no workflow is behind this URL"),
    ],
)
def test_a_wrong_key_is_refused(inbox: Inbox, kind: str, member: str, value: str, reason: str) -> None:
    name = f"lab-{kind}"
    setting = inbox.channels_setting[name]
    wrong = {**setting, member: value.format(url=setting.get("url"))}
    out = of_the_lab(json.dumps({name: wrong}))
    (answer,) = out.send([going(inbox.channels[kind])])
    assert (answer.receipt, answer.detail) == (Receipt.REFUSED, reason)
    assert inbox.read()["messages"][-1]["faults"] != []


def test_a_reply_to_a_thread_that_never_began_is_refused(inbox: Inbox) -> None:
    assert inbox.send("slack", "1503435956.000247").detail == "Slack said thread_not_found"


def test_a_replayed_webhook_is_refused(inbox: Inbox) -> None:
    secret = inbox.channels_setting["lab-webhook"]["secret"]
    body = b'{"specversion":"1.0","id":"a","source":"/x","type":"t"}'
    headers = {"Content-Type": "application/cloudevents+json"}
    old = sign(body, message_id="a", unix_s=int(time.time()) - 301, secret=secret)
    new = sign(body, message_id="a", unix_s=int(time.time()), secret=secret)
    assert inbox.http.post("/webhook", content=body, headers={**headers, **old}).status_code == 401
    assert inbox.http.post("/webhook", content=body, headers={**headers, **new}).status_code == 204


@pytest.mark.parametrize(
    ("mode", "receipt", "status"),
    [("fail", Receipt.FAILED, 500), ("throttle", Receipt.FAILED, 429), ("flood", Receipt.FAILED, 500)],
)
def test_a_receiver_misbehaves_as_told_keeps_nothing_and_behaves_again(
    inbox: Inbox, mode: str, receipt: Receipt, status: int
) -> None:
    inbox.mode(mode, "teams")
    answer = inbox.send("teams")
    assert (answer.receipt, answer.status) == (receipt, status)
    assert answer.retry_after_s == (1 if mode == "throttle" else None)
    assert inbox.send("webhook").receipt is Receipt.ACCEPTED
    inbox.mode("ok")
    assert inbox.send("teams").receipt is Receipt.ACCEPTED
    found = inbox.read()
    assert [one["receiver"] for one in found["messages"]] == ["webhook", "teams"]
    assert found["attempts"] == {"webhook": 1, "slack": 0, "teams": 2, "pagerduty": 0}


def test_who_hangs_or_drips_is_given_up_after_ten_seconds_and_nobody_waits_longer(inbox: Inbox) -> None:
    inbox.mode("hang", "webhook", "slack")
    inbox.mode("drip", "teams")
    began_s = time.monotonic()
    answers = inbox.receivers.send([going(inbox.channels[kind]) for kind in KINDS])
    took_s = time.monotonic() - began_s
    assert [one.receipt for one in answers] == [Receipt.FAILED] * 3 + [Receipt.ACCEPTED]
    assert took_s < 12


def test_no_text_on_the_page_is_more_than_text(inbox: Inbox) -> None:
    script = '<script>alert(1)</script><img src=x onerror="alert(1)">'
    for kind in KINDS:
        inbox.send(kind, subject=script, sentence=script, next_action=script, facts={script: script}, incident=script)
    page = inbox.http.get("/")
    assert "&lt;script&gt;" in page.text
    assert set(re.findall(r"<(\w+)", page.text)) <= {
        "html", "head", "meta", "title", "style", "body", "h1", "p", "ul", "li", "span", "table", "thead", "tbody",
        "tr", "th", "td", "div",
    }  # fmt: skip
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy.split("; ")
    assert "unsafe" not in policy
    style = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)[0]
    assert f"sha256-{base64.b64encode(sha256(style.encode()).digest()).decode()}" in policy
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_page_of_another_name_gets_nothing_and_cannot_change_a_mode(inbox: Inbox) -> None:
    assert inbox.http.get("/", headers={"Host": "rebound.example"}).status_code == 421
    forged = inbox.http.post("/_lab/mode", content='{"mode": "fail"}', headers={"Content-Type": "text/plain"})
    assert forged.status_code == 415
    assert set(inbox.read()["modes"].values()) == {"ok"}
    assert inbox.http.post("/_lab/mode", json={"mode": "sulk"}).status_code == 400
    assert inbox.http.post("/_lab/mode", json={"mode": "ok", "receivers": ["fax"]}).status_code == 400


def test_a_short_thing_that_is_no_json_is_refused_and_shown(inbox: Inbox) -> None:
    statuses = [
        inbox.http.post(path, content=b"[").status_code
        for path in ("/webhook", "/slack/services/T0", "/teams/x", "/pagerduty/v2/enqueue")
    ]
    assert statuses == [401, 400, 400, 400]
    assert all(one["faults"] for one in inbox.read()["messages"])


def test_no_key_is_on_the_page_or_in_its_json(inbox: Inbox) -> None:
    for kind in KINDS:
        inbox.send(kind)
    shown = inbox.http.get("/").text + json.dumps(inbox.read())
    for name, setting in inbox.channels_setting.items():
        for member in ("secret", "token", "routing_key"):
            assert setting.get(member, "-no-key-") not in shown, name


def test_a_note_is_a_change_event_and_opens_nothing(inbox: Inbox) -> None:
    assert inbox.send("pagerduty", signal=Signal.NOTE, incident=None).status == 202
    assert inbox.read()["incidents"] == {}
