"""What the control plane may do by itself in an environment, as people have set it; kept in the environment lock."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from shared.domain.refusal_codes import RefusalCode

LONGEST_PAUSE: Final = timedelta(hours=24)
"""One maintenance day. What lasts longer is decided anew by whoever is on duty then (ADR 0022)."""


class AutoFailover(Enum):
    """Whether a failover may begin without a person."""

    OFF = "off"  # the runbook's rule: all failover is manual
    OBSERVE = "observe"  # record what would have been done, and why
    ON = "on"  # an Azure Monitor alert and the monitor's own verdict together begin it


class Prewarm(Enum):
    """Whether the DR cluster may be started before anybody decides to fail over."""

    OFF = "off"
    ON_SUSPECT = "on_suspect"  # at the holder's first missed heartbeat; grants nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifting:
    """The wish of one administrator to switch `two_person` off; until its end a second one can make it true."""

    by: str
    by_id: str  # object id, which stays when names change
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The modes of one environment; the defaults are the runbook's."""

    auto_failover: AutoFailover = AutoFailover.OFF
    prewarm: Prewarm = Prewarm.OFF
    two_person: bool = False  # mutating operations wait for a second admin
    paused_until: datetime | None = None  # until then: observe, mark nothing, page nobody
    lifting: Lifting | None = None  # of `two_person`, which holds as long as this is only a wish

    def is_paused(self, now: datetime) -> bool:
        """Whether the environment is paused at `now`; a pause ends by itself."""
        return self.paused_until is not None and now < self.paused_until

    def effective(self, now: datetime) -> "Modes":
        """Return the modes as they count at `now`: a pause that is over is none, nor is a wish nobody joined."""
        wished = self.lifting if self.lifting and now < self.lifting.until else None
        return replace(self, paused_until=self.paused_until if self.is_paused(now) else None, lifting=wished)

    def with_two_person(self, wanted: bool, *, by: str, by_id: str, until: datetime) -> "Modes | RefusalCode":
        """Return the modes after an administrator set `two_person`; switching it off takes two of them (ADR 0022).

        Args:
            until: How long the wish waits for the second one, if this is the first.
        """
        if wanted or not self.two_person:
            return replace(self, two_person=wanted, lifting=None)
        if self.lifting is None:
            return replace(self, lifting=Lifting(by=by, by_id=by_id, until=until))
        if self.lifting.by_id == by_id:
            return RefusalCode.SELF_APPROVAL
        return replace(self, two_person=False, lifting=None)

    def version(self) -> str:
        """Return what tells two settings of the modes apart; equal modes have the same."""
        until = self.paused_until.isoformat() if self.paused_until else ""
        lifting = f"{self.lifting.by_id} {self.lifting.until.isoformat()}" if self.lifting else ""
        text = f"{self.auto_failover.value} {self.prewarm.value} {self.two_person} {until} {lifting}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def after_restore(self) -> "Modes":
        """Return the modes for a rebuilt lock: what was lost is not known, so nothing begins by itself."""
        return replace(self, auto_failover=AutoFailover.OFF, prewarm=Prewarm.OFF, lifting=None)


MANUAL: Final = Modes()
"""The runbook's modes: people decide everything."""
