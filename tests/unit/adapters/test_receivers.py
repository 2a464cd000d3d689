"""Notifications over real HTTP on loopback: what receivers answer, and what they can do to us."""

from __future__ import annotations

import gzip
import os
import socket
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.receiver_names import may_be_called
from shared.adapters.receivers import ATTEMPT_S, retry_after_s
from shared.domain.notifications import Answer, ChannelKind, Receipt
from shared.ports.notifications import Destination
from tests.unit.adapters.notifications import SECRET, T0, destination, going, line, plain, receivers

WEBHOOK, SLACK, TEAMS, PAGERDUTY = ChannelKind.WEBHOOK, ChannelKind.SLACK, ChannelKind.TEAMS, ChannelKind.PAGERDUTY
TOKEN = "xoxb-canary-token"


def sent(*destinations: Destination, thread: str | None = None) -> list[Answer]:
    out = receivers(*destinations)
    return list(out.send([going(one.channel, thread=thread) for one in destinations]))


def answered(speak: Callable[[socket.socket], None], kind: ChannelKind = WEBHOOK, **options: str) -> Answer:
    with line(speak) as server:
        (answer,) = sent(destination(kind, f"{server.url}/in?sig=canary-path", **options))
    return answer


@pytest.mark.parametrize("kind", [WEBHOOK, TEAMS, PAGERDUTY, SLACK])
@pytest.mark.parametrize(
    ("status", "receipt"),
    [
        (200, Receipt.ACCEPTED), (202, Receipt.ACCEPTED), (204, Receipt.ACCEPTED),
        (408, Receipt.FAILED), (425, Receipt.FAILED), (429, Receipt.FAILED), (500, Receipt.FAILED),
        (503, Receipt.FAILED), (599, Receipt.FAILED),
        (301, Receipt.REFUSED), (307, Receipt.REFUSED), (400, Receipt.REFUSED), (401, Receipt.REFUSED),
        (404, Receipt.REFUSED), (410, Receipt.REFUSED), (413, Receipt.REFUSED),
    ],
)  # fmt: skip
def test_the_status_says_whether_another_try_may_help(kind: ChannelKind, status: int, receipt: Receipt) -> None:
    answer = answered(plain(status, "Location: http://127.0.0.1:9/elsewhere"), kind)
    assert (answer.receipt, answer.status) == (receipt, status)


def test_a_redirect_is_not_followed() -> None:
    with line(plain(200)) as elsewhere:
        answer = answered(plain(307, f"Location: {elsewhere.url}/stolen"))
        assert elsewhere.received == []
    assert (answer.receipt, answer.detail) == (Receipt.REFUSED, "redirects, which are not followed")


def test_slacks_200_with_ok_false_is_no_acceptance() -> None:
    def said(body: bytes) -> Answer:
        return answered(plain(200, body=body), SLACK, secret=TOKEN, room="C0DR")

    taken = said(b'{"ok":true,"channel":"C0DR","ts":"1503435956.000247","message":{"text":"' + b"x" * 9000)
    assert (taken.receipt, taken.thread) == (Receipt.ACCEPTED, "1503435956.000247")
    assert said(b'{"ok":false,"error":"channel_not_found"}').receipt is Receipt.REFUSED
    assert said(b'{"ok":false,"error":"ratelimited"}').receipt is Receipt.FAILED
    assert said(b"<html>maintenance</html>").receipt is Receipt.FAILED
    quoted = said(b'{"message":{"text":"\\"ok\\":true"},"ok":false,"error":"invalid_blocks"}')
    assert (quoted.receipt, quoted.detail) == (Receipt.REFUSED, "Slack said invalid_blocks")


def test_a_reply_in_slack_stays_in_the_thread_it_was_sent_to() -> None:
    body = b'{"ok":true,"ts":"1503435999.000300"}'
    with line(plain(200, body=body)) as server:
        (answer,) = sent(destination(SLACK, server.url, secret=TOKEN, room="C0DR"), thread="1503435956.000247")
    assert answer.thread == "1503435956.000247"


def test_how_long_to_wait_is_passed_on() -> None:
    assert answered(plain(429, "Retry-After: 17")).retry_after_s == 17
    assert answered(plain(503)).retry_after_s is None


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("30", 30.0), ("0", 0.0), ("-5", 0.0), ("1e12", 86400.0), ("nan", None), ("inf", None), ("soon", None),
        ("", None), ("Mon, 23 Nov 2026 20:16:00 GMT", 60.0), ("Mon, 23 Nov 2026 20:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 20:16:00", None), ("Mon, 99 Nov 2026 20:16:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(value: str, wait_s: float | None) -> None:
    assert retry_after_s(value, now=T0) == wait_s


def hang(connection: socket.socket) -> None:
    connection.settimeout(2 * ATTEMPT_S)
    connection.recv(1)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.1)


def drip_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\n")
    while True:
        connection.sendall(b"a")
        time.sleep(0.1)


def informational_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.1)


def test_an_attempt_ends_after_ten_seconds_however_slowly_its_receiver_drips() -> None:
    with line(hang) as one, line(drip) as two, line(drip_headers) as three, line(informational_for_ever) as four:
        slow = [
            destination(WEBHOOK, server.url, name=f"slow-{place}")
            for place, server in enumerate((one, two, three, four))
        ]
        began_s = time.monotonic()
        answers = sent(*slow)
        took_s = time.monotonic() - began_s
    assert [answer.receipt for answer in answers] == [Receipt.FAILED] * 4
    assert {answer.detail for answer in answers} == {f"no answer within {ATTEMPT_S:g} s"}
    assert ATTEMPT_S - 0.5 < took_s < ATTEMPT_S + 2


# Made before the measuring begins: the receiver is a thread of this process.
TEN_MEGABYTES = bytes(10 * 1024 * 1024)
CHUNK = b"10000\r\n" + bytes(65536) + b"\r\n"
HEADER = b"X-More: " + b"x" * 4000 + b"\r\n"
BOMB = gzip.compress(bytes(50_000_000))


def ten_megabytes(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 10485760\r\n\r\n")
    connection.sendall(TEN_MEGABYTES)


def ten_megabytes_of_success(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 10485760\r\n\r\n")
    connection.sendall(TEN_MEGABYTES)


def chunks_for_ever(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(CHUNK)


def headers_for_ever(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 500 X\r\n")
    while True:
        connection.sendall(HEADER)


def one_endless_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 500 X\r\nX-More: ")
    while True:
        connection.sendall(TEN_MEGABYTES)


def a_bomb(connection: socket.socket) -> None:
    head = f"HTTP/1.1 500 X\r\nContent-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n"
    connection.sendall(head.encode())
    connection.sendall(BOMB)


@pytest.mark.parametrize(
    "speak",
    [ten_megabytes, ten_megabytes_of_success, chunks_for_ever, headers_for_ever, one_endless_header, a_bomb],
    ids=lambda one: one.__name__,
)
def test_no_answer_is_too_large(speak: Callable[[socket.socket], None]) -> None:
    answered(plain(200))  # what is imported and compiled on first use
    tracemalloc.start()
    began_s = time.monotonic()
    answer = answered(speak)
    took_s = time.monotonic() - began_s
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.receipt is (Receipt.ACCEPTED if speak is ten_megabytes_of_success else Receipt.FAILED)
    assert took_s < 3
    assert peak_bytes < 3_000_000


@pytest.mark.parametrize(
    "speak",
    [lambda _: None, lambda connection: connection.sendall(b"hello\r\n\r\n"),
     lambda connection: connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nx")],
)  # fmt: skip
def test_an_answer_that_is_none_has_failed(speak: Callable[[socket.socket], None]) -> None:
    answer = answered(speak)
    assert answer.receipt is Receipt.FAILED


def test_a_receiver_that_is_not_there_has_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody, nameless, local, tls = (
        sent(destination(WEBHOOK, url))[0]
        for url in (
            f"http://127.0.0.1:{port}/canary-path",
            "https://does-not-exist.invalid/canary-path",
            f"http://localhost:{port}/canary-path",
            "",
        )
    )
    assert (nobody.receipt, nobody.status, nobody.detail) == (Receipt.FAILED, None, "no connection")
    assert (nameless.receipt, nameless.detail) == (Receipt.FAILED, "its name was not found")
    assert (local.receipt, local.detail) == (Receipt.FAILED, "its name was not found")
    assert tls.receipt is Receipt.FAILED


def test_a_receiver_that_speaks_no_tls_has_failed() -> None:
    with line(plain(200)) as server:
        (answer,) = sent(destination(WEBHOOK, server.url.replace("http:", "https:")))
    assert answer.receipt is Receipt.FAILED


@pytest.mark.parametrize("status", [200, 307, 400, 429, 500])
def test_no_detail_repeats_an_address_or_a_secret(status: int) -> None:
    said = f'{{"message": "no workflow canary-path for {SECRET}", "error": "{SECRET}"}}'.encode()
    for kind, secret, room in ((WEBHOOK, SECRET, None), (SLACK, SECRET, "C0DR"), (PAGERDUTY, SECRET, None)):
        with line(plain(status, body=said)) as server:
            (answer,) = sent(destination(kind, f"{server.url}/in?sig=canary-path", secret=secret, room=room))
        assert "canary" not in answer.detail
        assert SECRET not in answer.detail
        assert "127.0.0.1" not in answer.detail
        assert len(answer.detail) <= 200


def test_a_receivers_own_reason_is_passed_on() -> None:
    assert answered(plain(404, body=b"no_service"), SLACK).detail == "answered 404: no_service"
    body = b'{"status":"invalid event","message":"Event object is invalid","errors":["Length of..."]}'
    assert answered(plain(400, body=body), PAGERDUTY).detail == "answered 400: Event object is invalid"


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with line(plain(200)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        assert answered(plain(204)).receipt is Receipt.ACCEPTED
        assert proxy.received == []
    assert os.environ["http_proxy"]


def test_answers_come_in_the_order_of_what_was_sent_and_none_waits_for_another() -> None:
    def late(connection: socket.socket) -> None:
        time.sleep(0.4)
        plain(202)(connection)

    with line(late) as first, line(late) as second, line(plain(410)) as third:
        own = [destination(WEBHOOK, one.url, name=f"place-{place}") for place, one in enumerate((first, second, third))]
        began_s = time.monotonic()
        answers = sent(*own)
        took_s = time.monotonic() - began_s
    assert [answer.status for answer in answers] == [202, 202, 410]
    assert took_s < 0.75


def test_nothing_to_send_opens_nothing_and_a_channel_nobody_configured_is_refused() -> None:
    out = receivers()
    assert list(out.send([])) == []
    unknown = destination(WEBHOOK, "https://x.example")
    (answer,) = out.send([going(unknown.channel)])
    assert answer.receipt is Receipt.REFUSED


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("93.184.216.34", True), ("10.0.0.7", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False),
        ("127.8.9.1", False), ("169.254.169.254", False), ("0.0.0.0", False), ("::1", False), ("fe80::1%eth0", False),
        ("::ffff:169.254.169.254", False), ("::ffff:127.0.0.1", False), ("224.0.0.1", False),
    ],
)  # fmt: skip
def test_a_name_may_not_lead_to_this_machine_or_its_platform(address: str, may: bool) -> None:
    assert may_be_called(address) is may


def test_the_clock_of_the_signature_is_the_moment_of_sending() -> None:
    with line(plain(204)) as server:
        before = time.time()
        sent(destination(WEBHOOK, server.url))
        (request,) = server.received
    stamp = next(one for one in request.split(b"\r\n") if one.lower().startswith(b"webhook-timestamp:"))
    assert timedelta(seconds=int(stamp.split(b":")[1])) >= timedelta(seconds=int(before))
