"""What happened in one run, in order: facts that anybody at the stores and at the gateways could have seen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LockWritten:
    """A write of the environment lock landed."""

    at_s: float
    token: int
    holder: str | None
    holder_failed: bool  # whether the holder is marked failed under this token
    draining: bool  # whether the holder gets no new work
    operation: str | None  # the running operation
    kind: str | None  # and what it does
    forced: bool = False  # whether that operation was begun by force
    two_person: bool = False  # whether operations that begin now need a second administrator
    written_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceRaised:
    """PostgreSQL committed another token or holder."""

    at_s: float
    token: int
    holder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseGranted:
    """PostgreSQL committed a lease; both instants are seconds of PostgreSQL's clock."""

    at_s: float
    gateway: str | None
    token: int
    server_now_s: float
    until_s: float
    blind: bool = False  # the transaction could not read the authority


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQueued:
    """A task was committed for the first time."""

    at_s: float
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCommitted:
    """PostgreSQL committed what a gateway did to a task under a token."""

    at_s: float
    what: str  # claim, progress or complete
    task: str
    attempt: int
    token: int
    gateway: str | None
    server_now_s: float = 0.0  # on PostgreSQL's clock
    blind: bool = False  # the transaction could not read the authority


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTakenBack:
    """A running task was taken from its gateway and left as `status`."""

    at_s: float
    task: str
    attempt: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFailedOver:
    """PostgreSQL went on with an older state on a new timeline; what it still knows of tasks."""

    at_s: float
    timeline: str
    tasks: frozenset[str]
    claims: frozenset[tuple[str, int]]
    outcomes: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatSent:
    """A heartbeat left a gateway; `local_s` is on the gateway's own clock."""

    at_s: float
    gateway: str
    boot: int
    sequence: int
    local_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatAnswered:
    """The answer to a heartbeat reached its gateway."""

    at_s: float
    gateway: str
    boot: int
    sequence: int
    active: bool
    token: int | None
    lease_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectStarted:
    """A gateway began to act on the world."""

    at_s: float
    gateway: str
    boot: int
    local_s: float
    token: int
    task: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An operator called; `call` names this one call."""

    at_s: float
    call: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """A write that an operator's call made landed in a store."""

    at_s: float
    call: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The operator's call was answered."""

    at_s: float
    call: str
    outcome: str  # begun, joined, done, refused, cancelled, vacated, harmless, unavailable, …
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Somebody was told that the environment belongs to the holder of `token`, so that everybody before is harmless."""

    at_s: float
    operation: str
    token: int
    firm: bool  # the fence was raised; otherwise only transactions that read the authority are bound by it


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEnded:
    """An operation's record says that it ended."""

    at_s: float
    operation: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCommanded:
    """Azure accepted a start or a stop of the DR cluster."""

    at_s: float
    what: str  # start or stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Anything else that helps a reader of the trace."""

    at_s: float
    who: str
    text: str


Event = (
    LockWritten | FenceRaised | LeaseGranted | TaskQueued | WorkCommitted | TaskTakenBack | DatabaseFailedOver
    | BeatSent | BeatAnswered | EffectStarted | Asked | Wrote | Answered | HandedOver | OperationEnded
    | ClusterCommanded | Note
)  # fmt: skip


@dataclass(slots=True)
class History:
    """The events of one run, the faults injected by kind, and how often something worth reaching was reached."""

    events: list[Event] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)

    def digest(self) -> str:
        """Return a hash of all of it; two runs of a seed have the same."""
        # Sets have no order of their own: written out sorted, or two processes would differ.
        lines = [*map(_exact, self.events), repr(sorted(self.faults.items())), repr(sorted(self.reached.items()))]
        text = "\n".join(lines)
        return hashlib.sha256(text.encode()).hexdigest()


def rendered(events: Iterable[Event]) -> Iterable[str]:
    """Yield one readable line per event."""
    for event in events:
        if isinstance(event, Note):
            yield f"{event.at_s:10.3f}  {event.who:<28} {event.text}"
            continue
        fields = {name: getattr(event, name) for name in event.__slots__ if name != "at_s"}
        shown = " ".join(f"{name}={_short(value)}" for name, value in fields.items())
        yield f"{event.at_s:10.3f}  {type(event).__name__:<28} {shown}"


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(sorted(value)) if isinstance(value, frozenset) else str(value)


def _exact(event: Event) -> str:
    fields = (getattr(event, name) for name in event.__slots__)
    return f"{type(event).__name__} {[sorted(f) if isinstance(f, frozenset) else f for f in fields]}"
