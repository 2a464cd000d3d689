"""Bodies and queries are taken strictly, and every fault of a body is told at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.environments import Role
from shared.domain.faults import MalformedRequest
from shared.domain.tasks import OnLostOwner, TaskStatus
from shared.web.requests import (
    Body,
    ClaimBody,
    CompleteBody,
    ConfigBody,
    DeactivateBody,
    ExecuteBody,
    FailoverBody,
    HeartbeatBody,
    ProgressBody,
    RegisterBody,
    parse_body,
    parse_id,
    parse_idempotency_key,
    parse_limit,
    parse_task_status,
    parse_wait,
)

TOKEN = "1795381862417305100"
REGISTER = {"environment": "NPR", "role": "dr-standby", "boot_id": "b-1", "region": "westeurope", "version": "4.8.2"}
BEAT = {"environment": "NPR", "role": "primary", "boot_id": "b-1", "sequence": 7, "fencing_token": TOKEN,
        "version": "4.8.2", "checks": {"key_vault": "ok"}}  # fmt: skip
CLAIM = {"environment": "NPR", "fencing_token": TOKEN, "limit": 3}
PROGRESS = {"environment": "NPR", "fencing_token": TOKEN, "attempt": 1, "detail": {"percent": 40}}
COMPLETE = {"environment": "NPR", "fencing_token": TOKEN, "attempt": 1, "status": "succeeded", "result": {"a": [1]}}
CONFIG = {"environment": "NPR", "name": "demo", "on_lost_owner": "hold", "max_attempts": 5, "payload": {"x": None}}


def parsed(model: type[Body], body: Any, *, content_type: str | None = "application/json") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_body(model, raw, content_type=content_type)


def refused(model: type[Body], body: Any, *, content_type: str | None = "application/json") -> MalformedRequest:
    with pytest.raises(MalformedRequest) as fault:
        parsed(model, body, content_type=content_type)
    return fault.value


@pytest.mark.parametrize("raw", [b"", b"  \r\n"])
@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded"])
def test_no_body_means_all_defaults(raw: bytes, content_type: str | None) -> None:
    assert parsed(FailoverBody, raw, content_type=content_type) == FailoverBody(reason="", ticket="")
    assert parsed(DeactivateBody, raw, content_type=content_type) == DeactivateBody(force=False, reason="")
    assert parsed(ExecuteBody, raw, content_type=content_type) == ExecuteBody(reason="")


def test_bodies_of_operators_are_taken() -> None:
    body = parsed(FailoverBody, {"reason": "westeurope outage – ověřeno", "ticket": "INC-4711"})
    assert (body.reason, body.ticket) == ("westeurope outage – ověřeno", "INC-4711")
    assert parsed(DeactivateBody, {"force": True, "reason": "split brain"}).force is True
    config = parsed(ConfigBody, CONFIG)
    assert (config.on_lost_owner, config.max_attempts, config.payload) == (OnLostOwner.HOLD, 5, {"x": None})
    defaults = parsed(ConfigBody, {"environment": "NPR", "name": "demo"})
    assert (defaults.on_lost_owner, defaults.max_attempts, defaults.payload) == (OnLostOwner.REQUEUE, 3, {})


def test_bodies_of_gateways_are_taken() -> None:
    assert parsed(RegisterBody, REGISTER).role is Role.DR_STANDBY
    beat = parsed(HeartbeatBody, BEAT)
    assert (beat.fencing_token, beat.sequence, beat.checks) == (int(TOKEN), 7, {"key_vault": "ok"})
    assert parsed(HeartbeatBody, {**BEAT, "fencing_token": None}).fencing_token is None
    assert parsed(HeartbeatBody, {**BEAT, "role": "primray"}).role == "primray"
    assert parsed(ClaimBody, CLAIM).limit == 3
    assert parsed(ProgressBody, PROGRESS).detail == {"percent": 40}
    complete = parsed(CompleteBody, COMPLETE)
    assert (complete.status, complete.fencing_token) == (TaskStatus.SUCCEEDED, int(TOKEN))
    assert parsed(ClaimBody, {**CLAIM, "fencing_token": str(2**63 - 1)}).fencing_token == 2**63 - 1


def test_a_charset_of_utf_8_is_json_as_well() -> None:
    assert parsed(FailoverBody, {"reason": "r"}, content_type="Application/JSON; charset=UTF-8").reason == "r"


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
     "application/jsonp", "multipart/form-data"],
)  # fmt: skip
def test_a_body_that_is_not_declared_as_json_is_refused_with_what_to_do(content_type: str | None) -> None:
    fault = refused(FailoverBody, {"reason": "r"}, content_type=content_type)
    assert "-H 'Content-Type: application/json'" in str(fault)


def test_every_fault_of_a_body_is_told_at_once_by_its_pointer() -> None:
    body = {"environment": "NPR\n", "role": "primary", "boot_id": "", "sequence": "1", "fencing_token": 17,
            "checks": {"a": 1, "b/c~": "x"}, "forse": True}  # fmt: skip
    pointers = [pointer for pointer, _ in refused(HeartbeatBody, body).problems]
    assert pointers == [
        "/environment", "/boot_id", "/sequence", "/fencing_token", "/checks/a", "/checks/b~1c~0", "/forse",
    ]  # fmt: skip


def test_the_list_of_faults_ends_somewhere() -> None:
    fault = refused(FailoverBody, {f"m{number}": 1 for number in range(2000)})
    assert len(fault.problems) == 51
    assert fault.problems[-1] == ("", "and 1950 more")


def test_a_fault_never_repeats_what_was_sent() -> None:
    fault = refused(ClaimBody, {**CLAIM, "fencing_token": "s3cret", "limit": "s3cret"})
    assert "s3cret" not in str(fault) + str(fault.problems)


BAD_TOKENS: list[object] = [
    17, 17.0, True, [], "", "0", "-1", "+1", " 1", "1 ", "01", "1.0", "1e3", "0x1", "1_0", "\u0661", "x",
    str(2**63), "9" * 22, "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("token", BAD_TOKENS)
@pytest.mark.parametrize(("model", "body"), [(ClaimBody, CLAIM), (HeartbeatBody, BEAT), (CompleteBody, COMPLETE)])
def test_a_token_is_a_decimal_text_of_64_bits(model: type[Body], body: dict[str, object], token: object) -> None:
    fault = refused(model, {**body, "fencing_token": token})
    assert fault.problems == (("/fencing_token", "Must be a decimal text from 1 to 9223372036854775807"),)


@pytest.mark.parametrize(
    ("model", "body", "pointer"),
    [
        (DeactivateBody, {"force": "yes"}, "/force"),
        (DeactivateBody, {"force": 1}, "/force"),
        (DeactivateBody, {"force": None}, "/force"),
        (FailoverBody, {"reason": "r" * 501}, "/reason"),
        (FailoverBody, {"reason": "two\nlines"}, "/reason"),
        (FailoverBody, {"ticket": 4711}, "/ticket"),
        (FailoverBody, {"Reason": "r"}, "/Reason"),
        (ExecuteBody, {"force": True}, "/force"),
        (RegisterBody, {**REGISTER, "role": "Primary"}, "/role"),
        (RegisterBody, {**REGISTER, "environment": "N" * 33}, "/environment"),
        (RegisterBody, {**REGISTER, "boot_id": "../x"}, "/boot_id"),
        (RegisterBody, {**REGISTER, "region": "w" * 129}, "/region"),
        (HeartbeatBody, {**BEAT, "sequence": -1}, "/sequence"),
        (HeartbeatBody, {**BEAT, "sequence": True}, "/sequence"),
        (HeartbeatBody, {**BEAT, "sequence": 2**63}, "/sequence"),
        (HeartbeatBody, {**BEAT, "checks": {f"c{number}": "ok" for number in range(33)}}, "/checks"),
        (HeartbeatBody, {**BEAT, "checks": ["ok"]}, "/checks"),
        (ClaimBody, {**CLAIM, "limit": 0}, "/limit"),
        (ClaimBody, {**CLAIM, "limit": 101}, "/limit"),
        (ClaimBody, {**CLAIM, "limit": 1.0}, "/limit"),
        (ProgressBody, {**PROGRESS, "attempt": 0}, "/attempt"),
        (ProgressBody, {**PROGRESS, "detail": []}, "/detail"),
        (CompleteBody, {**COMPLETE, "status": "running"}, "/status"),
        (CompleteBody, {**COMPLETE, "status": "done"}, "/status"),
        (CompleteBody, {**COMPLETE, "result": None}, "/result"),
        (ConfigBody, {**CONFIG, "on_lost_owner": "retry"}, "/on_lost_owner"),
        (ConfigBody, {**CONFIG, "max_attempts": 0}, "/max_attempts"),
        (ConfigBody, {**CONFIG, "name": ""}, "/name"),
        (ConfigBody, {"name": "demo"}, "/environment"),
        (RegisterBody, [], ""),
        (RegisterBody, None, ""),
        (RegisterBody, "text", ""),
    ],
)
def test_loose_and_unknown_values_are_refused(model: type[Body], body: object, pointer: str) -> None:
    assert [place for place, _ in refused(model, body).problems] == [pointer]


NOT_STRICT: list[tuple[str, bytes]] = [
    ("a member twice", b'{"force": false, "force": true}'),
    ("a member twice, deep inside", b'{"payload": {"a": [{"b": 1, "b": 2}]}}'),
    ("a member twice, spelt with an escape", b'{"force": false, "f\\u006frce": true}'),
    ("NaN", b'{"payload": {"a": NaN}}'),
    ("Infinity", b'{"payload": {"a": Infinity}}'),
    ("1e999", b'{"payload": {"a": 1e999}}'),
    ("NUL in a text", b'{"reason": "a\\u0000b"}'),
    ("NUL in a name", b'{"payload": {"a\\u0000": 1}}'),
    ("half a surrogate pair", b'{"reason": "\\ud800"}'),
    ("33 levels", b'{"a":' * 33 + b"1" + b"}" * 33),
    ("30000 levels", b"[" * 30_000),
    ("5000 digits", b'{"payload": {"a": ' + b"9" * 5000 + b"}}"),
    ("byte order mark", b"\xef\xbb\xbf{}"),
    ("UTF-16", '{"reason": "r"}'.encode("utf-16")),
    ("Latin-1", b'{"reason": "\xe9"}'),
    ("cut off", b'{"reason": "r"'),
    ("two documents", b"{}{}"),
    ("a comma at the end", b'{"reason": "r",}'),
    ("single quotes", b"{'reason': 'r'}"),
    ("a form", b"reason=r"),
]


@pytest.mark.parametrize("raw", [case[1] for case in NOT_STRICT], ids=[case[0] for case in NOT_STRICT])
@pytest.mark.parametrize("model", [ConfigBody, DeactivateBody])
def test_doubtful_json_is_refused(model: type[Body], raw: bytes) -> None:
    assert str(refused(model, raw)).startswith("The body is not acceptable JSON: ")


def test_a_payload_may_be_as_deep_as_allowed() -> None:
    deep: Any = 1
    for _ in range(29):
        deep = [deep]
    assert parsed(ConfigBody, {**CONFIG, "payload": {"a": deep}}).payload["a"] == deep


def test_a_body_of_64_kib_is_the_largest() -> None:
    filling = " " * (64 * 1024 - 2)
    assert parsed(FailoverBody, f"{{{filling}}}".encode()) == FailoverBody()
    assert "larger than 65536 bytes" in str(refused(FailoverBody, f"{{{filling} }}".encode()))


def test_a_parsed_body_does_not_change() -> None:
    body = parsed(DeactivateBody, {"force": False})
    with pytest.raises(ValueError, match="frozen"):
        body.force = True


@pytest.mark.parametrize(("text", "wait_s"), [("", 25), ("0", 0), ("100", 100), ("0.5", 0.5), ("007", 7)])
def test_how_long_a_caller_waits(text: str, wait_s: float) -> None:
    assert parse_wait({"wait": text} if text else {}) == wait_s


@pytest.mark.parametrize(
    "text", ["100.1", "101", "-1", "+1", "1e1", "nan", "inf", ".5", "5.", "1,5", "\u0665", " 5", "9" * 9]
)
def test_a_doubtful_wait_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest) as fault:
        parse_wait({"wait": text})
    assert fault.value.problems[0][0] == "?wait"


def test_how_many_entries_a_caller_wants() -> None:
    assert [parse_limit(query) for query in ({}, {"limit": "1"}, {"limit": "500"})] == [100, 1, 500]


@pytest.mark.parametrize("text", ["0", "501", "-1", "1.0", "all", "\u0661", "00001"])
def test_a_doubtful_limit_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_limit({"limit": text})


def test_tasks_may_be_filtered_by_status() -> None:
    assert parse_task_status({}) is None
    assert [parse_task_status({"status": status.value}) for status in TaskStatus] == list(TaskStatus)


@pytest.mark.parametrize("text", ["Pending", "done", "pending,running", " pending"])
def test_an_unknown_status_is_refused_and_the_known_ones_are_named(text: str) -> None:
    with pytest.raises(MalformedRequest) as fault:
        parse_task_status({"status": text})
    assert "in_doubt" in fault.value.problems[0][1]


def test_ids_of_the_path_are_plain() -> None:
    for text in ("gw-pro-dr", "PRO-20261123T201500123Z-a1b2c3", "cfg_1.x"):
        assert parse_id("id", text) == text
    for text in ("", ".", "../x", "a/b", "a\0b", "a b", "a'b", "\u0430", "a" * 129, "a\n"):
        with pytest.raises(MalformedRequest):
            parse_id("id", text)


def test_an_idempotency_key_may_be_quoted() -> None:
    assert [parse_idempotency_key(header) for header in (None, "abc", '"abc"')] == ["", "abc", "abc"]
    for header in ("", '"', '"abc', "a b", "a" * 129, "a\n", "\u0430", '""'):
        with pytest.raises(MalformedRequest):
            parse_idempotency_key(header)
