"""Events are CloudEvents, audit entries come by pages, and a verification says how far it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.audit_chain import START, Anchor, Broken, ChainStatus, Flaw, Verification
from shared.domain.events import Event, EventType
from shared.domain.faults import MalformedRequest
from shared.domain.operations import OperationKind
from shared.web.evidence import audit_document, cloud_event, events_document, verification_document
from shared.web.evidence_queries import (
    parse_after_event,
    parse_anchor,
    parse_before_entry,
    parse_kind,
    parse_since,
    wants_markdown,
)
from shared.web.requests import parse_wait
from tests.unit.builders import PRIMARY, T0
from tests.unit.domain.test_audit import chain

HASH = "0123456789abcdef" * 4


def shown(document: Any) -> Any:
    """Return what a client reads: the document after a trip through JSON."""
    return json.loads(json.dumps(document, allow_nan=False))


def event(sequence: int) -> Event:
    return Event(
        environment="PRO", sequence=sequence, id=f"mark/{sequence}", type=EventType.GATEWAY_FAILED, at=T0,
        subject=PRIMARY, data={"consecutive_failures": 3},
    )  # fmt: skip


def test_an_event_is_a_cloud_event() -> None:
    assert shown(cloud_event(event(42))) == {
        "specversion": "1.0",
        "id": "mark/42",
        "source": "/environments/PRO",
        "type": "com.mazevault.dr.gateway.failed",
        "subject": PRIMARY,
        "time": "2026-03-01T12:00:00.000Z",
        "datacontenttype": "application/json",
        "sequence": "0000000000000000042",
        "data": {"consecutive_failures": 3},
    }


def test_the_attributes_of_a_cloud_event_have_legal_names_and_sort_by_their_sequence() -> None:
    """Source: CloudEvents 1.0.2, naming conventions (lower-case letters and digits) and the sequence extension."""
    for name in cloud_event(event(1)):
        assert name.isalnum()
        assert name == name.lower()
    texts = [str(cloud_event(event(number))["sequence"]) for number in (9, 10, 2**53, 2**62)]
    assert texts == sorted(texts)


def test_every_type_of_event_has_a_name_of_its_own() -> None:
    assert len({kind.value for kind in EventType}) == len(EventType)


def test_a_page_of_events_tells_where_the_next_one_begins_even_when_it_is_empty() -> None:
    page = shown(events_document([event(4), event(5)], after=3))
    assert ([one["id"] for one in page["value"]], page["next_after"]) == (["mark/4", "mark/5"], 5)
    assert shown(events_document([], after=3)) == {"value": [], "next_after": 3}


def test_a_page_of_audit_entries_leads_to_the_next_one_until_the_first_entry() -> None:
    newest_first = chain(5)[::-1]
    page = shown(audit_document(newest_first[:2], limit=2))
    assert ([one["sequence"] for one in page["value"]], page["next_before"]) == ([5, 4], 4)
    assert shown(audit_document(newest_first[3:], limit=2))["next_before"] is None
    assert shown(audit_document(newest_first, limit=10))["next_before"] is None
    assert shown(audit_document([], limit=10)) == {"value": [], "next_before": None}
    first = shown(audit_document(newest_first[4:], limit=10))["value"][0]
    assert first == {
        "sequence": 1,
        "at": "2026-03-01T12:00:00.000Z",
        "actor": "operator",
        "action": "failover.begun",
        "reason": "primary is down",
        "before": {"holder": "gw-pro-primary"},
        "after": {"holder": "gw-pro-dr"},
        "previous_hash": "0" * 64,
        "hash": newest_first[4].hash,
    }


def checked(**changes: Any) -> Verification:
    said: dict[str, Any] = {
        "environment": "PRO",
        "status": ChainStatus.INTACT,
        "since": START,
        "checked": Anchor(sequence=9, hash=HASH),
        "newest": Anchor(sequence=9, hash=HASH),
        "anchor": None,
        "broken": None,
    }
    return Verification(**{**said, **changes})


def test_an_intact_chain_gives_an_anchor_to_keep() -> None:
    assert shown(verification_document(checked())) == {
        "environment": "PRO",
        "status": "intact",
        "checked_from": 1,
        "checked_to": 9,
        "newest": f"9:{HASH}",
        "anchor": None,
        "broken": None,
        "next_after": None,
    }


def test_a_partial_answer_says_so_and_where_to_go_on() -> None:
    document = shown(
        verification_document(checked(status=ChainStatus.INCOMPLETE, checked=Anchor(sequence=4, hash=HASH)))
    )
    assert (document["status"], document["checked_to"], document["next_after"]) == ("incomplete", 4, f"4:{HASH}")


def test_a_broken_chain_names_the_entry_and_the_flaw() -> None:
    broken = Broken(sequence=5, flaw=Flaw.EDITED, detail="its contents do not have its hash")
    document = shown(
        verification_document(checked(status=ChainStatus.BROKEN, checked=Anchor(sequence=4, hash=HASH), broken=broken))
    )
    assert document["broken"] == {"sequence": 5, "flaw": "edited", "detail": "its contents do not have its hash"}
    assert (document["status"], document["next_after"]) == ("broken", None)


def test_a_chain_without_entries_has_nothing_to_show() -> None:
    document = shown(verification_document(checked(checked=START, newest=START)))
    assert (document["checked_from"], document["checked_to"], document["newest"]) == (None, None, None)


def test_events_are_wanted_after_a_number_or_from_now_on() -> None:
    assert [parse_after_event(query) for query in ({}, {"after": "0"}, {"after": "17"})] == [0, 0, 17]
    assert parse_after_event({"after": "latest"}) is None


@pytest.mark.parametrize("text", ["-1", "1.0", " 1", "01", "1e3", "LATEST", "\u0661", "9" * 19, "evt_1"])
def test_a_bad_cursor_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_after_event({"after": text})


def test_audit_pages_begin_below_a_number() -> None:
    assert [parse_before_entry(query) for query in ({}, {"before": "4"})] == [None, 4]
    for text in ("0", "-1", "x", "1.5"):
        with pytest.raises(MalformedRequest):
            parse_before_entry({"before": text})


def test_an_anchor_is_a_number_a_colon_and_a_hash() -> None:
    kept = Anchor(sequence=12, hash=HASH)
    assert (parse_anchor({}), parse_since({})) == (None, START)
    assert parse_anchor({"anchor": kept.text}) == parse_since({"after": kept.text}) == kept
    for text in ("12", f"0:{HASH}", f"12:{HASH[:-1]}", f"12:{HASH.upper()}", f"12:{HASH}x", f"-1:{HASH}"):
        with pytest.raises(MalformedRequest):
            parse_anchor({"anchor": text})


def test_a_kind_of_operation_is_one_of_the_known_ones() -> None:
    assert parse_kind({}) is None
    assert [parse_kind({"kind": kind.value}) for kind in OperationKind] == list(OperationKind)
    with pytest.raises(MalformedRequest) as fault:
        parse_kind({"kind": "Failover"})
    assert "failback" in fault.value.problems[0][1]


@pytest.mark.parametrize(
    ("query", "accept", "markdown"),
    [
        ({}, None, False),
        ({}, "*/*", False),
        ({}, "application/json", False),
        ({}, "text/markdown", True),
        ({}, "text/markdown; charset=utf-8, */*;q=0.1", True),
        ({}, "application/json, text/markdown", False),
        ({"format": "markdown"}, "application/json", True),
        ({"format": "json"}, "text/markdown", False),
    ],
)
def test_markdown_is_for_who_asks_for_it(query: dict[str, str], accept: str | None, markdown: bool) -> None:
    assert wants_markdown(query, accept) is markdown


def test_another_format_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        wants_markdown({"format": "pdf"}, None)


def test_who_does_not_say_how_long_to_wait_waits_as_the_route_has_it() -> None:
    assert (parse_wait({}), parse_wait({}, otherwise_s=0.0), parse_wait({"wait": "2"}, otherwise_s=0.0)) == (25, 0, 2)
