"""Modes and pauses as callers send them, and the conditions of their requests (RFC 9110, section 13)."""

from datetime import timedelta

import pytest

from shared.domain.faults import MalformedRequest, PreconditionMissing
from shared.domain.modes import AutoFailover, Modes, Prewarm
from shared.web.conditions import entity_tag, has_version, parse_if_match
from shared.web.modes import ModesBody, PauseBody, end_of_pause, modes_document
from shared.web.requests import parse_body
from tests.unit.web.tokens import NOW

JSON = "application/json"


def test_a_change_without_a_version_is_refused() -> None:
    for header in (None, "", "  "):
        with pytest.raises(PreconditionMissing):
            parse_if_match(header)


@pytest.mark.parametrize(
    ("header", "accepted", "refused"),
    [
        ('"abc"', ["abc"], ["abd", ""]),
        ('"abc", "def"', ["abc", "def"], ["ab"]),
        ("*", ["abc", "anything"], []),
        ('W/"abc"', [], ["abc"]),  # a weak tag never proves that nothing has changed
    ],
)
def test_if_match_accepts_the_versions_it_names(header: str, accepted: list[str], refused: list[str]) -> None:
    matches = parse_if_match(header)
    assert [version for version in accepted if not matches(version)] == []
    assert [version for version in refused if matches(version)] == []


@pytest.mark.parametrize("header", ["abc", '"abc', '"a"b"', '"a",', '"a\x7f"', ", ".join(['"a"'] * 17)])
def test_if_match_that_is_no_list_of_tags_is_refused(header: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_if_match(header)


def test_who_has_the_version_already_is_told_so_even_by_a_weak_tag() -> None:
    assert has_version(entity_tag("abc"), "abc")
    assert has_version('W/"abc", "other"', "abc")
    assert has_version("*", "abc")
    assert not has_version(None, "abc")
    assert not has_version('"abd"', "abc")
    assert not has_version("abc", "abc")


def test_modes_are_set_all_at_once() -> None:
    body = parse_body(
        ModesBody, b'{"auto_failover": "observe", "prewarm": "on_suspect", "two_person": true}', content_type=JSON
    )
    assert (body.auto_failover, body.prewarm, body.two_person) == (AutoFailover.OBSERVE, Prewarm.ON_SUSPECT, True)
    for missing in (b'{"auto_failover": "on"}', b"{}", b'{"auto_failover":"on","prewarm":"off","two_person":"no"}'):
        with pytest.raises(MalformedRequest):
            parse_body(ModesBody, missing, content_type=JSON)


def test_a_pause_is_given_by_its_end_or_by_its_length() -> None:
    until = parse_body(PauseBody, b'{"until": "2026-11-23T21:00:00+00:00", "reason": "x"}', content_type=JSON)
    minutes = parse_body(PauseBody, b'{"minutes": 45, "reason": "x"}', content_type=JSON)
    assert end_of_pause(until, NOW) == end_of_pause(minutes, NOW) == NOW + timedelta(minutes=45)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"minutes": 45}',
        b'{"minutes": 45, "reason": ""}',
        b'{"minutes": 0, "reason": "x"}',
        b'{"minutes": 1441, "reason": "x"}',
        b'{"until": "2026-11-23T21:00:00", "reason": "x"}',
        b'{"reason": "x"}',
        b'{"minutes": 5, "until": "2026-11-23T21:00:00Z", "reason": "x"}',
    ],
)
def test_a_pause_without_a_reason_or_a_clear_end_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        end_of_pause(parse_body(PauseBody, raw, content_type=JSON), NOW)


def test_equal_modes_have_one_version_and_other_modes_another() -> None:
    every = [
        Modes(auto_failover=auto, prewarm=prewarm, two_person=two, paused_until=until)
        for auto in AutoFailover
        for prewarm in Prewarm
        for two in (False, True)
        for until in (None, NOW)
    ]
    assert len({modes.version() for modes in every}) == len(every)
    assert Modes().version() == Modes().version()


def test_a_pause_that_is_over_is_not_shown() -> None:
    modes = Modes(paused_until=NOW)
    assert modes_document("PRO", modes.effective(NOW))["paused_until"] is None
    assert modes_document("PRO", modes.effective(NOW - timedelta(seconds=1)))["paused_until"] == (
        "2026-11-23T20:15:00.000Z"
    )
