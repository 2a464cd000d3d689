"""What the control plane may do by itself in an environment, as people have set it; kept in the environment lock."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

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
class Modes:
    """The modes of one environment; the defaults are the runbook's."""

    auto_failover: AutoFailover = AutoFailover.OFF
    prewarm: Prewarm = Prewarm.OFF
    two_person: bool = False  # mutating operations wait for a second admin
    paused_until: datetime | None = None  # until then: observe, mark nothing, page nobody

    def is_paused(self, now: datetime) -> bool:
        """Whether the environment is paused at `now`; a pause ends by itself."""
        return self.paused_until is not None and now < self.paused_until

    def effective(self, now: datetime) -> "Modes":
        """Return the modes as they count at `now`: a pause that is over is none."""
        return self if self.is_paused(now) else replace(self, paused_until=None)

    def version(self) -> str:
        """Return what tells two settings of the modes apart; equal modes have the same."""
        until = self.paused_until.isoformat() if self.paused_until else ""
        text = f"{self.auto_failover.value} {self.prewarm.value} {self.two_person} {until}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def after_restore(self) -> "Modes":
        """Return the modes for a rebuilt lock: what was lost is not known, so nothing begins by itself."""
        return replace(self, auto_failover=AutoFailover.OFF, prewarm=Prewarm.OFF)


MANUAL: Final = Modes()
"""The runbook's modes: people decide everything."""
