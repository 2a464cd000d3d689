"""The issuer's keys over real HTTP on loopback: kept through outages, asked for rarely, and only the right ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.adapters.signing_keys import NotAKeySet, SigningKeys, usable_keys
from shared.domain.faults import SigningKeysUnavailable
from tests.http_server import QuietHandler, serving
from tests.unit.web.tokens import EC_KEY, OTHER_RSA_KEY, RSA_KEY, jwk_of

T0 = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ONE, TWO = jwk_of(RSA_KEY, "one"), jwk_of(OTHER_RSA_KEY, "two")


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


class Issuer:
    """Answers with `status` and `body`, and counts the requests."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, key_set(ONE), dict[str, str]()
        self.requests = 0
        self.entered, self.go = threading.Event(), threading.Event()
        self.go.set()
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests += 1
        self.entered.set()
        self.go.wait(5)
        request.send_response(self.status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(self.body)))
        request.end_headers()
        request.wfile.write(self.body)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()

    class Requests(QuietHandler):
        def do_GET(self) -> None:
            made.answer(self)

    with serving(Requests) as port:
        made.url = f"http://127.0.0.1:{port}/keys"
        yield made


@pytest.fixture
def keys(issuer: Issuer) -> SigningKeys:
    return SigningKeys(issuer.url)


def break_by_status(issuer: Issuer) -> None:
    issuer.status = 503


def break_by_html(issuer: Issuer) -> None:
    issuer.body = b"<html>maintenance</html>"


def break_by_empty_set(issuer: Issuer) -> None:
    issuer.body = key_set()


def break_by_empty_object(issuer: Issuer) -> None:
    issuer.body = b"{}"


def break_by_size(issuer: Issuer) -> None:
    issuer.body = key_set(ONE, TWO) + b" " * 300_000


def break_by_count(issuer: Issuer) -> None:
    issuer.body = key_set(*[{"kid": str(number)} for number in range(101)], ONE)


def break_by_depth(issuer: Issuer) -> None:
    issuer.body = b"[" * 100_000


def break_by_redirect(issuer: Issuer) -> None:
    issuer.status, issuer.headers = 302, {"Location": issuer.url + "?again"}


BREAKS = [
    break_by_status, break_by_html, break_by_empty_set, break_by_empty_object, break_by_size, break_by_count,
    break_by_depth, break_by_redirect,
]  # fmt: skip


def test_a_key_is_fetched_once_and_then_known(issuer: Issuer, keys: SigningKeys) -> None:
    assert issuer.requests == 0
    for seconds in range(0, 299, 20):
        key = keys.find("one", now=T0 + seconds * SECOND)
        assert key is not None
        assert key.algorithm_name == "RS256"
    assert issuer.requests == 1


@pytest.mark.parametrize("break_it", BREAKS)
def test_without_any_key_set_no_token_can_be_judged(
    issuer: Issuer, keys: SigningKeys, break_it: Callable[[Issuer], None]
) -> None:
    break_it(issuer)
    with pytest.raises(SigningKeysUnavailable):
        keys.find("one", now=T0)
    assert issuer.requests == 1


@pytest.mark.parametrize("break_it", BREAKS)
def test_the_last_good_set_outlives_a_broken_issuer_for_a_day(
    issuer: Issuer, keys: SigningKeys, break_it: Callable[[Issuer], None]
) -> None:
    keys.find("one", now=T0)
    break_it(issuer)
    for after in (timedelta(minutes=6), timedelta(hours=12), timedelta(hours=24) - SECOND):
        assert keys.find("one", now=T0 + after) is not None
    assert issuer.requests == 4
    with pytest.raises(SigningKeysUnavailable):
        keys.find("one", now=T0 + timedelta(hours=24))


def test_a_dead_issuer_at_the_start_is_asked_at_most_once_a_second(issuer: Issuer, keys: SigningKeys) -> None:
    issuer.status = 500
    for tenth in range(20):
        with pytest.raises(SigningKeysUnavailable):
            keys.find("one", now=T0 + tenth * SECOND / 10)
    assert issuer.requests == 2
    issuer.status = 200
    assert keys.find("one", now=T0 + 5 * SECOND) is not None


def test_unknown_key_ids_do_not_flood_the_issuer(issuer: Issuer, keys: SigningKeys) -> None:
    keys.find("one", now=T0)
    for number in range(100):
        assert keys.find(f"made-up-{number}", now=T0 + number * SECOND / 2) is None
    assert issuer.requests == 2  # the first, and one more after 30 s


def test_a_dead_issuer_is_not_asked_for_every_token_once_the_set_is_stale(issuer: Issuer, keys: SigningKeys) -> None:
    keys.find("one", now=T0)
    issuer.status = 500
    for number in range(100):
        assert keys.find("one", now=T0 + timedelta(minutes=6) + number * SECOND / 4) is not None
    assert issuer.requests == 2


def test_a_new_key_is_found_after_the_pause(issuer: Issuer, keys: SigningKeys) -> None:
    keys.find("one", now=T0)
    issuer.body = key_set(ONE, TWO)
    assert keys.find("two", now=T0 + 29 * SECOND) is None
    assert keys.find("two", now=T0 + 30 * SECOND) is not None


def test_a_key_that_was_taken_back_stops_counting(issuer: Issuer, keys: SigningKeys) -> None:
    keys.find("one", now=T0)
    issuer.body = key_set(TWO)
    assert keys.find("one", now=T0 + timedelta(minutes=5)) is None


def test_a_clock_that_steps_back_does_not_stop_the_fetching(issuer: Issuer, keys: SigningKeys) -> None:
    keys.find("one", now=T0)
    issuer.body = key_set(ONE, TWO)
    assert keys.find("two", now=T0 - timedelta(hours=1)) is not None


def test_a_hundred_callers_with_a_new_key_share_one_fetch(issuer: Issuer, keys: SigningKeys) -> None:
    keys.find("one", now=T0)
    issuer.body = key_set(ONE, TWO)
    issuer.entered.clear()
    issuer.go.clear()
    found: list[object] = []
    callers = [
        threading.Thread(target=lambda: found.append(keys.find("two", now=T0 + 31 * SECOND))) for _ in range(100)
    ]
    for caller in callers:
        caller.start()
    assert issuer.entered.wait(5)
    issuer.go.set()
    for caller in callers:
        caller.join(5)
    assert len(found) == 100
    assert None not in found
    assert issuer.requests == 2


def test_whoever_has_a_key_does_not_wait_for_a_slow_issuer(issuer: Issuer, keys: SigningKeys) -> None:
    keys.find("one", now=T0)
    issuer.entered.clear()
    issuer.go.clear()
    later = T0 + timedelta(minutes=6)
    slow = threading.Thread(target=lambda: keys.find("one", now=later))
    slow.start()
    assert issuer.entered.wait(5)
    assert keys.find("one", now=later) is not None  # answered while the fetch hangs
    assert slow.is_alive()
    issuer.go.set()
    slow.join(5)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/keys",
        "data:,{}",
        "http://login.example.net/keys",
        "/keys",
        "https://",
        "",
    ],
)
def test_keys_come_over_https_or_from_loopback_only(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        SigningKeys(url)


def test_both_kinds_of_key_are_usable() -> None:
    keys = usable_keys(key_set(ONE, jwk_of(EC_KEY, "ec"), jwk_of(OTHER_RSA_KEY, "plain", use="sig", alg="RS256")))
    assert {kid: key.algorithm_name for kid, key in keys.items()} == {"one": "RS256", "ec": "ES256", "plain": "RS256"}


def weak_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


PRIVATE = {**ONE, "kid": "bad", "d": "AQAB"}
UNUSABLE: list[tuple[str, Any]] = [
    ("for encryption", jwk_of(RSA_KEY, "bad", use="enc")),
    ("use null", jwk_of(RSA_KEY, "bad", use=None)),
    ("operations without verify", jwk_of(RSA_KEY, "bad", key_ops=["encrypt"])),
    ("operations no list", jwk_of(RSA_KEY, "bad", key_ops=7)),
    ("symmetric", {"kty": "oct", "k": "c2VjcmV0", "kid": "bad", "use": "sig"}),
    ("Ed25519", {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "bad"}),
    ("RSA of 1024 bits", jwk_of(weak_rsa(), "bad")),
    ("exponent 3", jwk_of(rsa.generate_private_key(public_exponent=3, key_size=2048), "bad")),
    ("P-384", jwk_of(ec.generate_private_key(ec.SECP384R1()), "bad")),
    ("for RS512", jwk_of(RSA_KEY, "bad", alg="RS512")),
    ("for HS256", jwk_of(RSA_KEY, "bad", alg="HS256")),
    ("with its private half", PRIVATE),
    ("no id", {name: value for name, value in ONE.items() if name != "kid"}),
    ("id a path", {**ONE, "kid": "../one"}),
    ("id a number", {**ONE, "kid": 1}),
    ("kty a list", {**ONE, "kid": "bad", "kty": ["RSA"]}),
    ("no modulus", {"kty": "RSA", "kid": "bad", "e": "AQAB"}),
    ("modulus a number", {**ONE, "kid": "bad", "n": 5}),
    ("text", "bad"),
    ("null", None),
]


@pytest.mark.parametrize("entry", [case[1] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE])
def test_a_key_that_may_not_sign_tokens_is_left_out(entry: Any) -> None:
    assert list(usable_keys(key_set(entry, TWO))) == ["two"]
    with pytest.raises(NotAKeySet):
        usable_keys(key_set(entry))


def test_two_keys_under_one_id_are_both_left_out() -> None:
    assert list(usable_keys(key_set(ONE, {**TWO, "kid": "one"}, jwk_of(EC_KEY, "ec")))) == ["ec"]
