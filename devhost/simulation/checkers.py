"""What must always hold, over the events of one run. Each checker is pure and knows the events, not the product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from devhost.simulation.history import (
    Answered,
    BeatAnswered,
    BeatSent,
    ClusterCommanded,
    DatabaseFailedOver,
    EffectStarted,
    Event,
    FenceRaised,
    HandedOver,
    LeaseGranted,
    LockWritten,
    OperationEnded,
    WorkCommitted,
    Wrote,
)

Events = Sequence[Event]


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold, and where."""

    invariant: str
    at_s: float
    detail: str


def tokens_strictly_increase(events: Events) -> Iterator[Violation]:
    """Every change of holder carries a token above all tokens before; no write lowers it."""
    last: LockWritten | None = None
    for event in events:
        if isinstance(event, LockWritten):
            if last is not None and event.token < last.token:
                yield Violation("tokens strictly increase", event.at_s, f"{event.token} after {last.token}")
            elif last is not None and event.token == last.token and event.holder != last.holder:
                detail = f"{last.holder} and {event.holder} both got {event.token}"
                yield Violation("tokens strictly increase", event.at_s, detail)
            last = event


def fence_follows_the_lock(events: Events) -> Iterator[Violation]:
    """The fence never carries a grant the lock did not carry, and falls only when PostgreSQL loses data."""
    granted: set[tuple[int, str | None]] = set()
    last = 0
    for event in events:
        if isinstance(event, LockWritten):
            granted.add((event.token, event.holder))
        elif isinstance(event, DatabaseFailedOver):
            last = 0
        elif isinstance(event, FenceRaised):
            if (event.token, event.holder) not in granted:
                yield Violation("the fence follows the lock", event.at_s, f"{event.token} for {event.holder}")
            if event.token < last:
                yield Violation("the fence follows the lock", event.at_s, f"fell from {last} to {event.token}")
            last = event.token


def one_lease_at_a_time(events: Events) -> Iterator[Violation]:
    """On PostgreSQL's clock no gateway is given a lease while another one's lasts, data loss included."""
    until: dict[str | None, float] = {}
    for event in events:
        if isinstance(event, LeaseGranted):
            for other, ends_s in until.items():
                if other != event.gateway and ends_s > event.server_now_s:
                    detail = f"{event.gateway} while {other} has {ends_s - event.server_now_s:.3f} s left"
                    yield Violation("one lease at a time", event.at_s, detail)
            until[event.gateway] = max(event.until_s, until.get(event.gateway, 0.0))


def commits_never_go_back(events: Events) -> Iterator[Violation]:
    """Tokens of committed work and leases never decrease, data loss included."""
    highest = 0
    for event in events:
        if isinstance(event, WorkCommitted | LeaseGranted):
            if event.token < highest:
                yield Violation("commits never go back", event.at_s, f"{event} after token {highest}")
            highest = max(highest, event.token)


def nothing_under_a_superseded_token(events: Events) -> Iterator[Violation]:
    """After a hand-over was acknowledged, nothing commits under an older token.

    While the fence could not be raised this binds the transactions that can read the authority.
    """
    firm, pending = 0, 0
    for event in events:
        if isinstance(event, HandedOver):
            firm = max(firm, event.token if event.firm else 0)
            pending = max(pending, event.token)
        elif isinstance(event, WorkCommitted | LeaseGranted):
            limit = firm if event.blind else pending
            if event.token < limit:
                yield Violation("nothing under a superseded token", event.at_s, f"{event} after {limit} took over")


def nothing_outlives_its_token(events: Events, *, transaction_s: float) -> Iterator[Violation]:
    """A transaction that reads the authority commits nothing under a token the lock left before it began."""
    granted: list[tuple[float, int]] = []
    for event in events:
        if isinstance(event, LockWritten):
            granted.append((event.at_s, event.token))
        elif isinstance(event, WorkCommitted | LeaseGranted) and not event.blind:
            limit = max((token for at_s, token in granted if at_s < event.at_s - transaction_s), default=0)
            if event.token < limit:
                yield Violation("nothing outlives its token", event.at_s, f"{event}, the lock carried {limit} by then")


def the_failed_return_under_a_new_token(events: Events) -> Iterator[Violation]:
    """A holder found failed is not found well again under the token it was judged by."""
    last: LockWritten | None = None
    for event in events:
        if isinstance(event, LockWritten):
            if last is not None and last.token == event.token and last.holder_failed and not event.holder_failed:
                detail = f"{event.holder} is back under {event.token}"
                yield Violation("the failed return under a new token", event.at_s, detail)
            last = event


def work_needs_a_lease(events: Events, *, clock_range_s: float) -> Iterator[Violation]:
    """What a gateway does to a task commits while a lease lasts that it was granted under that token.

    A transaction reads the clock before it commits, so PostgreSQL's clock may have been set in between.
    """
    leases: dict[tuple[str | None, int], float] = {}
    for event in events:
        if isinstance(event, LeaseGranted):
            leases[event.gateway, event.token] = event.until_s
        elif isinstance(event, WorkCommitted):
            until_s = leases.get((event.gateway, event.token))
            if until_s is None or event.server_now_s > until_s + clock_range_s:
                yield Violation("work needs a lease", event.at_s, f"{event}, lease until {until_s}")


def nothing_new_while_draining(events: Events, *, transaction_s: float) -> Iterator[Violation]:
    """A draining holder is given no new task, but for transactions that had begun before."""
    since_s: float | None = None
    for event in events:
        if isinstance(event, LockWritten):
            since_s = (since_s if since_s is not None else event.at_s) if event.draining else None
        elif isinstance(event, WorkCommitted) and event.what == "claim" and not event.blind:
            drained_s = event.at_s - since_s if since_s is not None else 0.0
            if drained_s > transaction_s:
                yield Violation("nothing new while draining", event.at_s, f"{event}, draining for {drained_s:.3f} s")


def effects_stay_inside_the_lease(events: Events, *, margin_s: float) -> Iterator[Violation]:
    """A gateway starts an effect only before a lease ends that it was granted under that token, on its own clock."""
    sent: dict[tuple[str, int, int], float] = {}
    ends: dict[tuple[str, int], tuple[int, int | None, float]] = {}  # newest sequence heard, token, end
    for event in events:
        if isinstance(event, BeatSent):
            sent[event.gateway, event.boot, event.sequence] = event.local_s
        elif isinstance(event, BeatAnswered):
            boot = event.gateway, event.boot
            newest, token, end_s = ends.get(boot, (0, None, 0.0))
            if event.sequence >= newest and event.lease_s is not None:
                end_s = sent[event.gateway, event.boot, event.sequence] + event.lease_s - margin_s
                ends[boot] = event.sequence, event.token, end_s if event.active else 0.0
        elif isinstance(event, EffectStarted):
            _, token, end_s = ends.get((event.gateway, event.boot), (0, None, 0.0))
            if token != event.token or event.local_s >= end_s:
                yield Violation("effects stay inside the lease", event.at_s, f"{event}, lease {token} until {end_s}")


def effects_never_overlap(events: Events) -> Iterator[Violation]:
    """In true time, no gateway starts an effect after another one began to act under a newer token."""
    highest, by = 0, ""
    for event in events:
        if isinstance(event, EffectStarted):
            if event.token < highest:
                yield Violation("effects never overlap", event.at_s, f"{event} after {by} acted under {highest}")
            else:
                highest, by = event.token, event.gateway


def refusals_change_nothing(events: Events) -> Iterator[Violation]:
    """A call that was refused has written nothing."""
    written: dict[str, str] = {}
    for event in events:
        if isinstance(event, Wrote):
            written[event.call] = event.where
        elif isinstance(event, Answered) and event.outcome == "refused" and event.call in written:
            detail = f"{event.call} ({event.detail}) wrote to {written[event.call]}"
            yield Violation("refusals change nothing", event.at_s, detail)


def only_the_failed_are_displaced(events: Events) -> Iterator[Violation]:
    """A failover takes the environment only from nobody, or from a holder found failed under its present token.

    Unless it was begun by force.
    """
    last: LockWritten | None = None
    for event in events:
        if isinstance(event, LockWritten):
            moved = last is not None and last.holder is not None and event.holder not in (None, last.holder)
            if moved and event.kind == "failover" and not event.forced and last is not None and not last.holder_failed:
                detail = f"{last.holder} was not failed under {last.token}"
                yield Violation("only the failed are displaced", event.at_s, detail)
            last = event


def moves_belong_to_operations(events: Events) -> Iterator[Violation]:
    """The lock goes from one gateway to another only inside the operation that the lock names, before and after."""
    last: LockWritten | None = None
    for event in events:
        if isinstance(event, LockWritten):
            if last is not None and event.holder not in (None, last.holder):
                before = last.operation
                if event.operation is None or event.operation != before:
                    detail = f"to {event.holder}, operation {before} before and {event.operation} after"
                    yield Violation("moves belong to operations", event.at_s, detail)
            last = event


def the_holders_cluster_runs(events: Events, *, dr_gateway: str) -> Iterator[Violation]:
    """The DR cluster is never told to stop while its gateway holds the lock."""
    holder = None
    for event in events:
        if isinstance(event, LockWritten):
            holder = event.holder
        elif isinstance(event, ClusterCommanded) and event.what == "stop" and holder == dr_gateway:
            yield Violation("the holder's cluster runs", event.at_s, f"stopped while {holder} holds the lock")


def operations_end_once(events: Events) -> Iterator[Violation]:
    """What an operation's record says at its end, it says for ever."""
    ended: dict[str, str] = {}
    for event in events:
        if isinstance(event, OperationEnded):
            first = ended.setdefault(event.operation, event.status)
            if first != event.status:
                yield Violation("operations end once", event.at_s, f"{event.operation} {first}, then {event.status}")


def what_has_ended_moves_nothing(events: Events) -> Iterator[Violation]:
    """The lock does not move for an operation whose record says that it has ended."""
    ended: set[str] = set()
    last: LockWritten | None = None
    for event in events:
        if isinstance(event, OperationEnded):
            ended.add(event.operation)
        elif isinstance(event, LockWritten):
            moved = last is not None and event.holder not in (None, last.holder)
            if moved and event.operation in ended:
                detail = f"to {event.holder} by {event.operation}, which had ended"
                yield Violation("what has ended moves nothing", event.at_s, detail)
            last = event


SAFETY: Final[tuple[Callable[[Events], Iterator[Violation]], ...]] = (
    tokens_strictly_increase,
    fence_follows_the_lock,
    one_lease_at_a_time,
    commits_never_go_back,
    nothing_under_a_superseded_token,
    the_failed_return_under_a_new_token,
    effects_never_overlap,
    refusals_change_nothing,
    only_the_failed_are_displaced,
    moves_belong_to_operations,
    operations_end_once,
    what_has_ended_moves_nothing,
)
"""The checkers that need the events alone."""
