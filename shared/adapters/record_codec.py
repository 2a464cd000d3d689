"""How each record looks as a table row. Property names are the field names; what nests is kept as JSON text.

Numbers inside JSON that may exceed 2^53 (fencing tokens) are decimal text there, for readers that count in doubles.
"""

from typing import Final

from shared.adapters.codec import (
    Codec,
    DoesNotFit,
    Fields,
    Key,
    Properties,
    Property,
    counted_down,
    in_parts,
    instant_text,
    json_text,
    without_nones,
)  # fmt: skip
from shared.adapters.operation_codec import decode_request, encode_request
from shared.domain.audit import AuditEntry
from shared.domain.faults import InvariantViolation
from shared.domain.fencing import FencingToken
from shared.domain.health import Gap, Sight, Verdict
from shared.domain.locks import EnvironmentLock, FailedMark
from shared.domain.mass_silence import MassSilence
from shared.domain.modes import AutoFailover, Lifting, Modes, Prewarm

LOCK_ROW: Final = "lock"
SIGHT_KEY: Final = Key(partition="monitor", row="sight")


def lock_key(environment: str) -> Key:
    """Return where the lock of an environment is."""
    return Key(partition=environment, row=LOCK_ROW)


def encode_lock(lock: EnvironmentLock) -> Properties:
    """Return the lock as a row."""
    return without_nones(
        {
            "holder": lock.holder,
            "token": lock.token,
            "granted_by": lock.granted_by,
            "acquired_at": instant_text(lock.acquired_at),
            "written_by": lock.written_by,
            "previous_holder": lock.previous_holder,
            "previous_token": lock.previous_token,
            "failed": json_text([_encode_mark(mark) for mark in lock.failed]),
            "operation": json_text(encode_request(lock.operation)) if lock.operation else None,
            "last_operation_id": lock.last_operation_id,
            "stop_dr_due_at": instant_text(lock.stop_dr_due_at) if lock.stop_dr_due_at else None,
            "forced_at": instant_text(lock.forced_at) if lock.forced_at else None,
            **_encode_modes(lock.modes),
        }
    )


def decode_lock(key: Key, properties: Properties) -> EnvironmentLock:
    """Return the lock a row holds."""
    row = Fields(f"lock of {key.partition}", properties)
    previous_token = row.optional_number("previous_token")
    request = row.mapping("operation")
    return EnvironmentLock(
        environment=key.partition,
        holder=row.optional_text("holder"),
        token=FencingToken(row.number("token")),
        granted_by=row.text("granted_by"),
        acquired_at=row.instant("acquired_at"),
        written_by=row.text("written_by"),
        previous_holder=row.optional_text("previous_holder"),
        previous_token=None if previous_token is None else FencingToken(previous_token),
        failed=tuple(_decode_mark(mark) for mark in row.objects("failed")),
        operation=decode_request(Fields(f"{row.what}, operation", request)) if request else None,
        last_operation_id=row.optional_text("last_operation_id"),
        stop_dr_due_at=row.optional_instant("stop_dr_due_at"),
        forced_at=row.optional_instant("forced_at"),
        modes=_decode_modes(row),
    )


def _encode_modes(modes: Modes) -> dict[str, Property | None]:
    return {
        "auto_failover": modes.auto_failover.value,
        "prewarm": modes.prewarm.value,
        "two_person": modes.two_person,
        "paused_until": instant_text(modes.paused_until) if modes.paused_until else None,
        "lifting": _lifting_text(modes.lifting) if modes.lifting else None,
    }


def _lifting_text(lifting: Lifting) -> str:
    return json_text({"by": lifting.by, "by_id": lifting.by_id, "until": instant_text(lifting.until)})


def _decode_lifting(row: Fields) -> Lifting | None:
    values = row.mapping("lifting")
    if not values:
        return None
    lifting = Fields(f"{row.what}, lifting", values)
    return Lifting(by=lifting.text("by"), by_id=lifting.text("by_id"), until=lifting.instant("until"))


def _decode_modes(row: Fields) -> Modes:
    # A lock written before there were modes has none of these.
    has_modes = row.optional_text("auto_failover") is not None
    return Modes(
        auto_failover=row.member("auto_failover", AutoFailover) if has_modes else AutoFailover.OFF,
        prewarm=row.member("prewarm", Prewarm) if has_modes else Prewarm.OFF,
        two_person=row.flag("two_person"),
        paused_until=row.optional_instant("paused_until"),
        lifting=_decode_lifting(row),
    )


def _encode_mark(mark: FailedMark) -> Properties:
    return without_nones(
        {
            "gateway": mark.gateway,
            "token": str(mark.token),
            "at": instant_text(mark.at),
            "last_heartbeat": instant_text(mark.last_heartbeat) if mark.last_heartbeat else None,
        }
    )


def _decode_mark(mark: Fields) -> FailedMark:
    return FailedMark(
        gateway=mark.text("gateway"),
        token=FencingToken(_whole(mark.text("token"))),
        at=mark.instant("at"),
        last_heartbeat=mark.optional_instant("last_heartbeat"),
    )


def key_of_entry(entry: AuditEntry) -> Key:
    """Return where an audit entry belongs; counted down, so that the newest comes first."""
    return Key(partition=entry.environment, row=counted_down(entry.sequence))


def encode_entry(entry: AuditEntry) -> Properties:
    """Return the entry as a row. Raises DoesNotFit for an instant outside UTC: the hash covers the zone's text."""
    if entry.at.utcoffset() is None or entry.at.utcoffset():
        raise DoesNotFit(f"the instant of an audit entry must be in UTC: {entry.at.isoformat()}")
    return {
        "sequence": entry.sequence,
        "at": instant_text(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "reason": entry.reason,
        "before": json_text(dict(entry.before)),
        "after": json_text(dict(entry.after)),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def decode_entry(key: Key, properties: Properties) -> AuditEntry:
    """Return the entry a row holds."""
    row = Fields(f"audit entry {key.row} of {key.partition}", properties)
    return AuditEntry(
        environment=key.partition,
        sequence=row.number("sequence"),
        at=row.instant("at"),
        actor=row.text("actor"),
        action=row.text("action"),
        reason=row.text("reason"),
        before=row.mapping("before"),
        after=row.mapping("after"),
        previous_hash=row.text("previous_hash"),
        hash=row.text("hash"),
    )


def encode_sight(sight: Sight) -> Properties:
    """Return the sight as a row."""
    gaps = [{"start": instant_text(gap.start), "end": instant_text(gap.end)} for gap in sight.gaps]
    by_verdict = {
        verdict.value: sorted(name for name, found in sight.verdicts.items() if found is verdict) for verdict in Verdict
    }
    silence = sight.silence
    return without_nones(
        {
            "last_tick_at": instant_text(sight.last_tick_at),
            "watching_since": instant_text(sight.watching_since),
            "gaps": json_text(gaps),
            "silent_since": instant_text(silence.since) if silence else None,
            "silence_ended_at": instant_text(silence.ended_at) if silence and silence.ended_at else None,
            # Both name gateways, of which there may be more than one property holds.
            **in_parts("silent", json_text({"members": sorted(silence.members)}) if silence else "{}"),
            **in_parts("verdicts", json_text(by_verdict)),
        }
    )


def decode_sight(_: Key, properties: Properties) -> Sight:
    """Return the sight a row holds."""
    row = Fields("monitor sight", properties)
    return Sight(
        last_tick_at=row.instant("last_tick_at"),
        watching_since=row.instant("watching_since"),
        gaps=tuple(Gap(start=gap.instant("start"), end=gap.instant("end")) for gap in row.objects("gaps")),
        silence=_decode_silence(row),
        verdicts=_decode_verdicts(row),
    )


def _decode_silence(row: Fields) -> MassSilence | None:
    since = row.optional_instant("silent_since")
    if since is None:
        return None
    members = Fields(row.what, row.joined("silent")).texts("members")
    return MassSilence(since=since, members=frozenset(members), ended_at=row.optional_instant("silence_ended_at"))


def _decode_verdicts(row: Fields) -> dict[str, Verdict]:
    by_verdict = Fields(f"{row.what}, verdicts", row.joined("verdicts"))
    # What a later version may add is no reason to be blind: a verdict that is not known is judged anew.
    known = [(verdict, verdict.value) for verdict in Verdict if verdict.value in by_verdict.values]
    return {name: verdict for verdict, value in known for name in by_verdict.texts(value)}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvariantViolation(f"not a whole number: {text!r}") from None


LOCK: Final = Codec(key=lambda lock: lock_key(lock.environment), encode=encode_lock, decode=decode_lock)
ENTRY: Final = Codec(key=key_of_entry, encode=encode_entry, decode=decode_entry)
SIGHT: Final = Codec(key=lambda _: SIGHT_KEY, encode=encode_sight, decode=decode_sight)
