"""The modes of an environment, as callers send and get them."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field

from shared.domain.faults import MalformedRequest
from shared.domain.modes import LONGEST_PAUSE, AutoFailover, Modes, Prewarm
from shared.web.requests import Body, Reason
from shared.web.responses import Document, timestamp


class ModesBody(Body):
    """modes: all of them at once, so that nothing is set that the caller has not seen."""

    auto_failover: AutoFailover
    prewarm: Prewarm
    two_person: bool
    reason: Reason = ""


class PauseBody(Body):
    """pause: until when, or for how many minutes, and why."""

    until: AwareDatetime | None = None
    minutes: Annotated[int, Field(ge=1, le=LONGEST_PAUSE // timedelta(minutes=1))] | None = None
    reason: Annotated[Reason, Field(min_length=1)]


class ResumeBody(Body):
    """resume: why, for the audit."""

    reason: Reason = ""


def end_of_pause(body: PauseBody, now: datetime) -> datetime:
    """Return when the pause ends. Raises MalformedRequest unless exactly one way to say it was used."""
    if body.until is not None and body.minutes is None:
        return body.until
    if body.minutes is not None and body.until is None:
        return now + timedelta(minutes=body.minutes)
    raise MalformedRequest("Request is not valid", (("/until", "Give either until or minutes"),))


def modes_document(environment: str, modes: Modes) -> Document:
    """Return the modes of an environment as they count now; `paused_until` is null when it is not paused.

    `two_person_lifting` is the wish to switch `two_person` off that waits for a second administrator, or null.
    """
    lifting = modes.lifting
    return {
        "environment": environment,
        "auto_failover": modes.auto_failover.value,
        "prewarm": modes.prewarm.value,
        "two_person": modes.two_person,
        "paused_until": timestamp(modes.paused_until),
        "two_person_lifting": {"wished_by": lifting.by, "until": timestamp(lifting.until)} if lifting else None,
    }
