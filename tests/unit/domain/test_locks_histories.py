"""Any sequence of lock writes keeps the lock's promises, and moves every gateway as the transition table says."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.faults import InvariantViolation
from shared.domain.fencing import FencingToken
from shared.domain.gateways import ActivationStatus
from shared.domain.locks import EnvironmentLock, founded, marked_failed, recovered, transferred, vacated
from shared.domain.transitions import TRANSITIONS, Event
from tests.unit.builders import DR, PRIMARY, PROPERTY, SECOND, T0, TOKEN

GATEWAYS = (PRIMARY, DR, "gw-pro-third")
ACTIVE, FAILED = ActivationStatus.ACTIVE, ActivationStatus.FAILED


@dataclass(frozen=True)
class Write:
    """One attempt to change the lock: which change, for whom, and how far its token is above the present one."""

    change: str
    to: str
    rise: int


WRITES = st.builds(
    Write,
    change=st.sampled_from(["transferred", "recovered", "vacated", "marked_failed"]),
    to=st.sampled_from(GATEWAYS),
    rise=st.sampled_from([1, 1, 1, 1000, 0, -1]),
)


def attempted(lock: EnvironmentLock, write: Write, turn: int) -> EnvironmentLock:
    now, token = T0 + turn * SECOND, FencingToken(lock.token + write.rise)
    match write.change:
        case "transferred":
            return transferred(lock, to=write.to, token=token, now=now, operation_id=f"op-{turn}", write_id=f"w{turn}")
        case "recovered":
            return recovered(lock, token=token, now=now, write_id=f"w{turn}")
        case "vacated":
            return vacated(lock, token=token, now=now, write_id=f"w{turn}")
        case _:
            return marked_failed(lock, now=now, last_heartbeat=None, write_id=f"w{turn}")


def events_of(lock: EnvironmentLock, write: Write) -> dict[str, Event]:
    """Return what each gateway lives through when the write is made; the others live through nothing."""
    holder = lock.holder
    if write.change == "transferred":
        lost = {holder: Event.LOST_LOCK} if holder else {}
        return {**lost, write.to: Event.WON_LOCK}
    event = {"recovered": Event.RECOVERED, "vacated": Event.DEACTIVATED, "marked_failed": Event.FOUND_SILENT}
    return {holder: event[write.change]} if holder else {}


def is_legal(lock: EnvironmentLock, write: Write) -> bool:
    if write.change != "transferred" and lock.holder is None:
        return False
    if write.change != "marked_failed" and write.rise <= 0:
        return False
    return all(event in TRANSITIONS[lock.status_of(gateway)] for gateway, event in events_of(lock, write).items())


@PROPERTY
@given(writes=st.lists(WRITES, max_size=40))
def test_every_history_of_writes_keeps_the_promises_of_the_lock(writes: list[Write]) -> None:
    lock = founded(environment="PRO", holder=PRIMARY, token=TOKEN, write_id="found", now=T0)
    for turn, write in enumerate(writes):
        if write.change == "transferred" and write.to == lock.holder:
            continue  # a transfer is to another gateway
        if not is_legal(lock, write):
            with pytest.raises(InvariantViolation):
                attempted(lock, write, turn)
            continue
        events = events_of(lock, write)
        after = attempted(lock, write, turn)

        for gateway in GATEWAYS:
            before_status = lock.status_of(gateway)
            due = TRANSITIONS[before_status][events[gateway]].to if gateway in events else before_status
            assert after.status_of(gateway) is due, (turn, write, gateway)
        active = [gateway for gateway in GATEWAYS if after.status_of(gateway) is ACTIVE]
        assert active in ([], [after.holder])
        assert active or after.holder is None or after.status_of(after.holder) is FAILED
        assert after.token > lock.token or (after.token, after.holder) == (lock.token, lock.holder)
        assert len(after.failed) <= len(GATEWAYS)  # marks that ceased to count do not pile up
        lock = after
