"""What must hold of tasks over the events, and of everything when the run has come to rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from devhost.simulation.checkers import Events, Violation
from devhost.simulation.history import DatabaseFailedOver, LockWritten, TaskQueued, TaskTakenBack, WorkCommitted
from shared.domain.audit import AuditEntry, is_intact


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """What the stores hold at the end of a run."""

    at_s: float
    lock: tuple[int, str | None]  # token and holder of the authority
    fence: tuple[int, str | None] | None  # the same of the mirror
    running: tuple[str, ...]  # operations that the lock or their record says are running
    tasks: Mapping[str, str]  # status by task
    audit: Sequence[AuditEntry]  # oldest first


@dataclass(slots=True)
class _Tasks:
    """What is known of tasks at one point of the events."""

    queued: set[str] = field(default_factory=set)
    claims: set[tuple[str, int]] = field(default_factory=set)
    outcomes: set[tuple[str, int]] = field(default_factory=set)
    present: dict[str, tuple[int, int, str | None]] = field(default_factory=dict)  # attempt, token, gateway

    def forget(self, event: DatabaseFailedOver) -> None:
        self.queued &= event.tasks
        self.claims &= event.claims
        self.outcomes &= event.outcomes
        kept = {claim: claim in self.claims for claim in ((t, p[0]) for t, p in self.present.items())}
        for (task, _), known in kept.items():
            if not known:
                del self.present[task]


def one_outcome_per_attempt(events: Events) -> Iterator[Violation]:
    """Each attempt is claimed once and ends once, by the gateway and token that claimed it, before it is taken back.

    What PostgreSQL lost when it went on with an older state may happen once more.
    """
    known, name = _Tasks(), "one outcome per attempt"
    for event in events:
        if isinstance(event, DatabaseFailedOver):
            known.forget(event)
            # Which of the kept claims had been taken back is not told; only what follows is judged.
            known.present.clear()
        elif isinstance(event, TaskTakenBack):
            known.present[event.task] = (0, 0, None)
        elif isinstance(event, WorkCommitted):
            attempt, claimed = (event.task, event.attempt), (event.attempt, event.token, event.gateway)
            if event.what == "claim":
                if attempt in known.claims:
                    yield Violation(name, event.at_s, f"claimed twice: {event}")
                known.claims.add(attempt)
                known.present[event.task] = claimed
                continue
            if known.present.get(event.task, claimed) != claimed:
                yield Violation(name, event.at_s, f"{event}, but the present claim is {known.present[event.task]}")
            if attempt in known.outcomes:
                yield Violation(name, event.at_s, f"after the end: {event}")
            if event.what == "complete":
                known.outcomes.add(attempt)


def no_task_is_lost(events: Events, rest: AtRest) -> Iterator[Violation]:
    """Every task that was queued, and that PostgreSQL has not lost, has ended or waits for a person."""
    queued: set[str] = set()
    for event in events:
        if isinstance(event, TaskQueued):
            queued.add(event.task)
        elif isinstance(event, DatabaseFailedOver):
            queued &= event.tasks
    for task in sorted(queued):
        status = rest.tasks.get(task, "missing")
        if status not in ("succeeded", "failed", "in_doubt"):
            yield Violation("no task is lost", rest.at_s, f"{task} is {status}")


def accepted_outcomes_stay(events: Events, rest: AtRest) -> Iterator[Violation]:
    """A task whose end was accepted has ended for good, unless PostgreSQL lost it."""
    ended: set[tuple[str, int]] = set()
    for event in events:
        if isinstance(event, WorkCommitted) and event.what == "complete":
            ended.add((event.task, event.attempt))
        elif isinstance(event, DatabaseFailedOver):
            ended &= event.outcomes
    for task, attempt in sorted(ended):
        if rest.tasks.get(task) not in ("succeeded", "failed"):
            yield Violation("accepted outcomes stay", rest.at_s, f"{task}.{attempt} is {rest.tasks.get(task)}")


def operations_end(rest: AtRest) -> Iterator[Violation]:
    """Every operation has ended: no wait is for ever, and what died was resumed."""
    for operation in rest.running:
        yield Violation("operations end", rest.at_s, f"{operation} still runs")


def the_mirror_converges(rest: AtRest) -> Iterator[Violation]:
    """The fence carries what the lock carries."""
    if rest.fence != rest.lock:
        yield Violation("the mirror converges", rest.at_s, f"lock {rest.lock}, fence {rest.fence}")


def every_move_is_audited(events: Events, rest: AtRest) -> Iterator[Violation]:
    """Each move that an operation made of the lock has an entry with its token, whoever died on the way."""
    told = {entry.after.get("fencing_token") for entry in rest.audit if entry.action == "lock.moved"}
    last: LockWritten | None = None
    for event in events:
        if isinstance(event, LockWritten):
            moved = last is not None and event.operation is not None and event.token != last.token
            if moved and str(event.token) not in told:
                yield Violation("every move is audited", rest.at_s, f"to {event.holder} under {event.token}")
            last = event


def the_audit_chain_is_intact(rest: AtRest) -> Iterator[Violation]:
    """Entries are numbered without a gap and each carries the hash of the one before."""
    last: AuditEntry | None = None
    for entry in rest.audit:
        if not is_intact(entry, last):
            yield Violation("the audit chain is intact", rest.at_s, f"entry {entry.sequence} {entry.action}")
        last = entry
