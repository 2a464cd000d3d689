"""Records become rows and come back equal, and what Azure would refuse is refused before it is sent."""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.codec import (
    LONGEST_TEXT_BYTES,
    Codec,
    DoesNotFit,
    Key,
    check_key,
    check_row,
    instant,
    instant_text,
    json_text,
)  # fmt: skip
from shared.adapters.gateway_codec import GATEWAY
from shared.adapters.operation_codec import OPERATION, operation_key
from shared.adapters.record_codec import ENTRY, LOCK, SIGHT
from shared.adapters.table_drills import SLOT
from shared.adapters.table_notifications import CURSOR, DELIVERY
from shared.adapters.table_preflights import PREFLIGHT
from shared.domain.audit import is_intact, next_entry
from shared.domain.environments import Role
from shared.domain.faults import InvariantViolation
from shared.domain.fencing import LARGEST_TOKEN, FencingToken
from shared.domain.gateways import Gateway, Identity
from shared.domain.health import Gap, Sight
from shared.domain.locks import EnvironmentLock, FailedMark
from shared.domain.operations import (
    STEPS_OF,
    Answer,
    Operation,
    OperationKind,
    OperationRequest,
    OperationStatus,
    StepRecord,
    StepStatus,
)  # fmt: skip
from tests.contract.tables.examples import NOON, drill_slot, ended, gateway, lock, operation, sight
from tests.contract.tables.test_notifications import attempt, cursor
from tests.contract.tables.test_preflights import every_check

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2262, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TOKENS = st.integers(1, LARGEST_TOKEN).map(FencingToken)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=4)
WORDS = st.sampled_from(["", "a", "příliš", "\U0001f511"])  # drawn faster than TEXT, for what only comes along
ANSWERS = st.none() | st.builds(Answer, by=WORDS, at=INSTANTS, reason=WORDS)


@st.composite
def operation_requests(draw: st.DrawFn) -> OperationRequest:
    environment = draw(NAMES)
    at = draw(INSTANTS)
    chance = draw(st.from_regex(r"[0-9a-f]{6}", fullmatch=True))
    return OperationRequest(
        id=f"{environment}-{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}Z-{chance}",
        kind=draw(st.sampled_from(OperationKind)),
        environment=environment,
        requested_by=draw(TEXT),
        requested_at=at,
        reason=draw(TEXT),
        draining=draw(st.booleans()),
        requester_id=draw(WORDS),
        forced=draw(st.booleans()),
        idempotency_key=draw(WORDS),
        request_digest=draw(WORDS),
        needs_approval=draw(st.booleans()),
        approval=draw(ANSWERS),
        cancellation=draw(ANSWERS),
        retry_of=draw(WORDS),
        traceparent=draw(WORDS),
    )


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    request = draw(operation_requests())
    steps = tuple(
        StepRecord(
            step=step,
            status=draw(st.sampled_from(StepStatus)),
            attempts=draw(st.integers(0, 10**6)),
            started_at=draw(st.none() | INSTANTS),
            ended_at=draw(st.none() | INSTANTS),
            detail=draw(TEXT),
        )
        for step in STEPS_OF[request.kind]
    )
    return Operation(
        request=request,
        status=draw(st.sampled_from(OperationStatus)),
        steps=steps,
        updated_at=draw(INSTANTS),
        ended_at=draw(st.none() | INSTANTS),
        outage_started_at=draw(st.none() | INSTANTS),
        failed_at=draw(st.none() | INSTANTS),
        cluster_started_at=draw(st.none() | INSTANTS),
        result=draw(OBJECTS),
        error=draw(OBJECTS),
    )


MARKS = st.builds(FailedMark, gateway=NAMES, token=TOKENS, at=INSTANTS, last_heartbeat=st.none() | INSTANTS)
LOCKS = st.builds(
    EnvironmentLock,
    environment=NAMES,
    holder=st.none() | TEXT,
    token=TOKENS,
    granted_by=TEXT,
    acquired_at=INSTANTS,
    written_by=TEXT,
    previous_holder=st.none() | TEXT,
    previous_token=st.none() | TOKENS,
    failed=st.lists(MARKS, max_size=3).map(tuple),
    operation=st.none() | operation_requests(),
    last_operation_id=st.none() | TEXT,
    stop_dr_due_at=st.none() | INSTANTS,
)
GATEWAYS = st.builds(
    Gateway,
    id=NAMES,
    environment=NAMES,
    role=st.sampled_from(Role),
    identity=st.builds(Identity, tenant_id=TEXT, object_id=TEXT),
    registered_at=INSTANTS,
    region=TEXT,
    version=TEXT,
    boot_id=TEXT,
    booted_at=st.none() | INSTANTS,
    last_heartbeat=st.none() | INSTANTS,
    streak_started_at=st.none() | INSTANTS,
    streak_beats=st.integers(0, 2**40),
    token_seen=st.none() | TOKENS,
    reported_role=TEXT,
    reported_environment=TEXT,
    checks=st.dictionaries(TEXT, TEXT, max_size=3),
)


def round_trip(codec: Codec[Any], record: object) -> object:
    """Encode the record, check it as the adapter does, send it through JSON as the wire does, and decode it."""
    key, properties = codec.key(record), codec.encode(record)
    check_row(key, properties)
    return codec.decode(key, json.loads(json.dumps(dict(properties))))


@given(LOCKS)
def test_every_lock_comes_back_equal(record: EnvironmentLock) -> None:
    assert round_trip(LOCK, record) == record


@given(GATEWAYS)
def test_every_gateway_comes_back_equal(record: Gateway) -> None:
    assert round_trip(GATEWAY, record) == record


@given(operations())
def test_every_operation_comes_back_equal_and_is_found_by_its_id(record: Operation) -> None:
    assert round_trip(OPERATION, record) == record
    assert operation_key(record.request.id) == OPERATION.key(record)


@given(INSTANTS, INSTANTS, st.lists(st.builds(Gap, start=INSTANTS, end=INSTANTS), max_size=5))
def test_every_sight_comes_back_equal(last_tick_at: datetime, watching_since: datetime, gaps: list[Gap]) -> None:
    record = Sight(last_tick_at=last_tick_at, watching_since=watching_since, gaps=tuple(gaps))
    assert round_trip(SIGHT, record) == record


@given(at=INSTANTS, actor=TEXT, action=TEXT, reason=TEXT, before=OBJECTS, after=OBJECTS)
def test_every_audit_entry_comes_back_equal_and_intact(
    at: datetime, actor: str, action: str, reason: str, before: Any, after: Any
) -> None:
    record = next_entry(
        None, environment="PRO", at=at, actor=actor, action=action, reason=reason, before=before, after=after
    )
    back = ENTRY.decode(ENTRY.key(record), ENTRY.encode(record))
    assert back == record
    assert is_intact(back, None)


@given(st.datetimes(datetime(1970, 1, 3), timezones=OFFSETS), st.datetimes(datetime(1970, 1, 3), timezones=OFFSETS))  # noqa: DTZ001
def test_instants_of_any_zone_come_back_as_the_same_instant_in_utc_and_sort_by_time(
    one: datetime, other: datetime
) -> None:
    assert instant(instant_text(one)) == one
    assert instant(instant_text(one)).utcoffset() == timedelta(0)
    assert (instant_text(one) < instant_text(other)) is (one < other)


@given(st.integers(1, 10**18), st.integers(1, 10**18))
def test_a_later_audit_entry_sorts_before_an_earlier_one(one: int, other: int) -> None:
    first = next_entry(None, environment="PRO", at=NOON, actor="a", action="b", reason="c", before={}, after={})
    one_row, other_row = (ENTRY.key(replace(first, sequence=number)).row for number in (one, other))
    assert (one_row < other_row) is (one > other)


@given(operation_requests(), operation_requests())
def test_a_later_operation_sorts_before_an_earlier_one(one: OperationRequest, other: OperationRequest) -> None:
    keys = [operation_key(request.id) for request in (one, other)]
    times = [request.id.rsplit("-", 2)[1] for request in (one, other)]
    assert keys[0] is not None
    assert keys[1] is not None
    assert times[0] == times[1] or (keys[0].row < keys[1].row) is (times[0] > times[1])


EXAMPLES: list[tuple[Codec[Any], object]] = [
    (LOCK, lock("PRO")),
    (GATEWAY, gateway("PRO", "gw")),
    (OPERATION, ended("PRO")),
    (SIGHT, sight()),
    (SLOT, drill_slot("PRO")),
    (PREFLIGHT, every_check("PRO")),
    (CURSOR, cursor("PRO")),
    (DELIVERY, attempt("on-call")),
]


@pytest.mark.parametrize(("codec", "record"), EXAMPLES)
def test_every_field_a_record_has_comes_back(codec: Codec[Any], record: object) -> None:
    """A field added to a record must be added to its example, and then to its codec."""
    for part in parts_of(record):
        for field in fields(part):
            default = field.default_factory() if field.default_factory is not MISSING else field.default
            assert getattr(part, field.name) != default, f"the example leaves {field.name} at its default"
    assert round_trip(codec, record) == record


def parts_of(record: Any) -> list[Any]:
    """Return the record and one of each kind of record inside it that is filled."""
    inner = [getattr(record, field.name) for field in fields(record)]
    firsts = [value[0] if isinstance(value, tuple) and value else value for value in inner]
    return [record, *(value for value in firsts if is_dataclass(value))]


@pytest.mark.parametrize(("codec", "record"), EXAMPLES)
def test_properties_of_a_newer_version_are_ignored(codec: Codec[Any], record: object) -> None:
    newer = {**codec.encode(record), "of_a_newer_version": "2030-01-01", "modes_of_a_newer_version": 7}
    assert codec.decode(codec.key(record), newer) == record


def test_members_of_a_newer_version_inside_json_are_ignored() -> None:
    record = lock("PRO")
    properties = dict(LOCK.encode(record))
    marks = json.loads(str(properties["failed"]))
    request = json.loads(str(properties["operation"]))
    properties["failed"] = json.dumps([{**mark, "by": "monitor"} for mark in marks])
    properties["operation"] = json.dumps({**request, "drill": True})
    assert LOCK.decode(LOCK.key(record), properties) == record


SINCE: Mapping[str, Any] = {
    "requester_id": "", "forced": False, "idempotency_key": "", "request_digest": "", "needs_approval": False,
    "approval": None,
    "cancellation": None, "retry_of": "", "skips": (),
}  # fmt: skip
"""What a request of the release before lacks, and what it means that it does."""


def test_a_request_of_the_release_before_is_read_as_one_that_nobody_has_answered() -> None:
    before = dict(LOCK.encode(lock("PRO")))
    request = json.loads(str(before["operation"]))
    before["operation"] = json.dumps({name: value for name, value in request.items() if name not in SINCE})
    held = lock("PRO")
    assert held.operation is not None
    assert LOCK.decode(LOCK.key(held), before) == replace(held, operation=replace(held.operation, **SINCE))


def test_a_record_of_the_release_before_is_read_as_one_that_nobody_has_answered() -> None:
    record = ended("PRO")
    gone = {*SINCE, "cluster_started_at"}
    before = {name: value for name, value in OPERATION.encode(record).items() if name not in gone}
    expected = replace(record, request=replace(record.request, **SINCE), cluster_started_at=None)
    assert OPERATION.decode(OPERATION.key(record), before) == expected


@pytest.mark.parametrize("name", ["token", "granted_by", "acquired_at", "written_by"])
@pytest.mark.parametrize("wrong", [None, True, 1.5, []])
def test_a_lock_that_lacks_what_decisions_need_is_not_read_at_all(name: str, wrong: Any) -> None:
    properties: dict[str, Any] = {**LOCK.encode(lock("PRO")), name: wrong}
    with pytest.raises(InvariantViolation, match=f"lock of PRO has no usable {name}"):
        LOCK.decode(Key(partition="PRO", row="lock"), properties)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("failed", "{}"), ("failed", "[1]"), ("failed", "["), ("operation", "[]"), ("acquired_at", "noon"),
     ("acquired_at", "2026-11-23T12:00:00"), ("failed", '[{"gateway":"g","token":"x","at":"2026-11-23T12:00:00Z"}]')],
)  # fmt: skip
def test_a_lock_with_a_property_of_another_shape_is_not_read_at_all(name: str, wrong: str) -> None:
    properties = {**LOCK.encode(lock("PRO")), name: wrong}
    with pytest.raises(InvariantViolation):
        LOCK.decode(Key(partition="PRO", row="lock"), properties)


def test_an_operation_with_a_step_or_status_nobody_knows_is_not_read_at_all() -> None:
    record = operation("PRO")
    properties = OPERATION.encode(record)
    for wrong in ({"status": "paused"}, {"steps": '[{"step":"dance","status":"pending","attempts":0}]'}):
        with pytest.raises(InvariantViolation):
            OPERATION.decode(OPERATION.key(record), {**properties, **wrong})


KEY = Key(partition="p", row="r")
BAD_RECORDS: list[Callable[[], object]] = [
    lambda: instant_text(NOON.replace(tzinfo=None)),
    lambda: json_text({"ratio": float("nan")}),
    lambda: json_text({"when": NOON}),
    lambda: check_key(Key(partition="a/b", row="r")),
    lambda: check_key(Key(partition="p", row="a#b")),
    lambda: check_key(Key(partition="p", row="a\\b")),
    lambda: check_key(Key(partition="p", row="a?b")),
    lambda: check_key(Key(partition="p", row="a\x00b")),
    lambda: check_key(Key(partition="p", row="a\x9fb")),
    lambda: check_key(Key(partition="p", row="x" * 513)),
    lambda: check_key(Key(partition="p", row="\ud800")),
    lambda: check_row(KEY, {"detail": "\udc00"}),
    lambda: check_row(KEY, {"detail": "x" * (LONGEST_TEXT_BYTES // 2 + 1)}),
    lambda: check_row(KEY, {"detail": "😀" * (LONGEST_TEXT_BYTES // 4) + "x"}),
    lambda: check_row(KEY, {"token": 2**63}),
    lambda: check_row(KEY, {f"p{number}": 1 for number in range(253)}),
    lambda: check_row(KEY, {f"p{number}": "x" * (LONGEST_TEXT_BYTES // 2) for number in range(16)}),
    lambda: OPERATION.key(replace(operation("PRO"), request=replace(operation("PRO").request, environment="NPR"))),
    lambda: OPERATION.key(replace(operation("PRO"), request=replace(operation("PRO").request, id="PRO"))),
    lambda: ENTRY.encode(
        next_entry(None, environment="PRO", at=NOON.astimezone(timezone(timedelta(hours=1))), actor="", action="",
                   reason="", before={}, after={})
    ),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_RECORDS)
def test_what_azure_would_refuse_or_could_not_come_back_does_not_fit(bad: Callable[[], object]) -> None:
    with pytest.raises(DoesNotFit):
        bad()


def test_the_largest_allowed_row_fits() -> None:
    check_key(Key(partition="x" * 512, row="y" * 512))
    check_row(KEY, {"detail": "😀" * (LONGEST_TEXT_BYTES // 4), "token": 2**63 - 1, "low": -(2**63)})
    check_row(KEY, {f"p{number}": 1 for number in range(252)})
