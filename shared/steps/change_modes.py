"""Changes what the control plane may do by itself in an environment: modes, pause, resume.

Each is one conditional write of the lock, so a decision over the former modes cannot be carried out afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.events import EventType
from shared.domain.faults import LockStoreUnavailable, MalformedRequest, PreconditionFailed
from shared.domain.locks import EnvironmentLock, Versioned, with_modes
from shared.domain.modes import LONGEST_PAUSE, MANUAL, AutoFailover, Modes, Prewarm
from shared.domain.refusals import JsonValue, RefusalCode, Refused
from shared.ports import Ports
from shared.steps.audit_trail import record_audit, shown
from shared.steps.observe import environment_of, has_lost_writes
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log

TRIES: Final = 10
"""How often the lock may change under us; each time the wish is judged anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A wish: how to say it happened, who wants it and why."""

    event: EventType
    actor: str
    reason: str


def modes_of(ports: Ports, environment: str) -> Modes:
    """Return the modes as they count now; those of the runbook for an environment without a lock.

    Raises:
        UnknownEnvironment: It is not declared.
    """
    lock = ports.locks.read(environment_of(ports, environment).name)
    return (lock.value.modes if lock else MANUAL).effective(ports.clock.now())


def put_modes(
    ports: Ports,
    environment: str,
    *,
    auto_failover: AutoFailover,
    prewarm: Prewarm,
    two_person: bool,
    matches: Callable[[str], bool],
    actor: str,
    actor_id: str,
    reason: str,
) -> Modes | Refused:
    """Set the modes, provided `matches` accepts the version of those that are set now; a pause stays as it is.

    Switching `two_person` off takes two administrators: the first one's wish changes nothing else, waits for
    `approval_timeout_s`, and is part of the modes that come back.

    Raises:
        UnknownEnvironment: It is not declared.
        PreconditionFailed: The modes were changed since the caller read them.
        Unavailable: Table Storage did not answer; asking again is safe.
    """

    def changed(present: Modes) -> Modes | Refused:
        if not matches(present.version()):
            raise PreconditionFailed(f"the modes of {environment} are at another version")
        until = ports.clock.now() + timedelta(seconds=ports.policy.approval_timeout_s)
        agreed = present.with_two_person(two_person, by=actor, by_id=actor_id, until=until)
        if isinstance(agreed, RefusalCode):
            return Refused(code=agreed, detail="who wants two_person switched off cannot be the second one to want it")
        return agreed if agreed.lifting else replace(agreed, auto_failover=auto_failover, prewarm=prewarm)

    return _change(ports, environment, changed, _Change(event=EventType.MODES_CHANGED, actor=actor, reason=reason))


def pause_environment(ports: Ports, environment: str, *, until: datetime, actor: str, reason: str) -> Modes | Refused:
    """Pause the environment: until then the monitor observes, marks nothing, nothing begins by itself, nobody is paged.

    A second pause replaces the first. Raises as `put_modes`, and MalformedRequest when it would end in the past or
    last longer than LONGEST_PAUSE.
    """
    now = ports.clock.now()
    if not now < until <= now + LONGEST_PAUSE:
        hours = LONGEST_PAUSE.total_seconds() / 3600
        raise MalformedRequest(
            "The pause is not valid", (("/until", f"must be later than now, by at most {hours:g} hours"),)
        )
    wish = _Change(event=EventType.ENVIRONMENT_PAUSED, actor=actor, reason=reason)
    return _change(ports, environment, lambda present: replace(present, paused_until=until), wish)


def resume_environment(ports: Ports, environment: str, *, actor: str, reason: str) -> Modes | Refused:
    """End the pause; an environment that is not paused stays as it is. Raises as `put_modes`."""
    wish = _Change(event=EventType.ENVIRONMENT_RESUMED, actor=actor, reason=reason)
    return _change(ports, environment, lambda present: replace(present, paused_until=None), wish)


def modes_json(modes: Modes) -> dict[str, JsonValue]:
    """Return the modes as audit entries and events keep them."""
    return {
        "auto_failover": modes.auto_failover.value,
        "prewarm": modes.prewarm.value,
        "two_person": modes.two_person,
        "paused_until": modes.paused_until.isoformat() if modes.paused_until else None,
        "lifting_wished_by": modes.lifting.by if modes.lifting else None,
    }


def _change(
    ports: Ports, environment: str, change: Callable[[Modes], Modes | Refused], wish: _Change
) -> Modes | Refused:
    name = environment_of(ports, environment).name
    for _ in range(TRIES):
        found = ports.locks.read(name)
        if found is None:
            return Refused(code=RefusalCode.PRIMARY_NOT_REGISTERED, detail="the environment has no lock yet")
        if has_lost_writes(ports, found.value):
            return Refused(code=RefusalCode.AUTHORITY_REGRESSED, detail="the mirror carries a newer grant")
        present = found.value.modes.effective(ports.clock.now())
        wanted = change(present)
        if isinstance(wanted, Refused):
            return wanted
        if wanted == present:
            return present
        if _written(ports, found, wanted, wish):
            return wanted
    raise LockStoreUnavailable("the environment lock kept changing")


def _written(ports: Ports, found: Versioned[EnvironmentLock], wanted: Modes, wish: _Change) -> bool:
    before, write_id = found.value, f"modes/{ports.ids.unique()}"
    after = with_modes(before, wanted, write_id=write_id)
    if replace_lock(ports, after, etag=found.etag) is None:
        return False
    log(wish.event.value, environment=after.environment, requested_by=wish.actor, **modes_json(wanted))
    record_audit(
        ports, after.environment, actor=wish.actor, action=wish.event.value, reason=wish.reason,
        before={**shown(before), "modes": modes_json(before.modes)},
        after={**shown(after), "modes": modes_json(wanted), "write_id": write_id},
    )  # fmt: skip
    tell(
        ports, after.environment, event_id=write_id, type=wish.event, subject=after.environment,
        data={
            "before": modes_json(before.modes), "after": modes_json(wanted), "requested_by": wish.actor,
            "reason": wish.reason,
        },
    )  # fmt: skip
    return True
