"""What becomes of tasks: none is lost, none is done twice, and what was said of one stays true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from devhost.chaos.events import History, Said
from devhost.chaos.findings import Violation

ENDED = ("succeeded", "failed")


def an_attempt_is_given_once(history: History) -> Iterator[Violation]:
    """No attempt of a task is given to anybody a second time."""
    given: dict[tuple[str, int], Said] = {}
    for claim in history.of("claim"):
        before = given.get((claim.task, claim.attempt))
        given[claim.task, claim.attempt] = claim
        if before is not None and not history.forgotten(before):
            text = f"attempt {claim.attempt} was given to {before.gateway} and to {claim.gateway}"
            yield _of(claim, "an attempt is given once", text)


def attempts_rise(history: History) -> Iterator[Violation]:
    """A later claim of a task is a higher attempt."""
    for claims in _by_task(history.of("claim")).values():
        for claim in claims:
            for before in claims:
                later = before.at_ns < claim.sent_ns and before.attempt > claim.attempt
                if later and not history.forgotten(before):
                    text = f"attempt {claim.attempt} was given after attempt {before.attempt}"
                    yield _of(claim, "attempts rise", text)


def one_outcome_per_task(history: History) -> Iterator[Violation]:
    """A task ends once: one completion is accepted, or a person has declared it done."""
    for task, ends in _by_task(history.of("complete")).items():
        kept = next((end for end in ends if not history.forgotten(end)), None)
        if kept is None:
            continue
        for end in ends[ends.index(kept) + 1 :]:
            text = f"completed by {kept.gateway} (attempt {kept.attempt}) and by {end.gateway} (attempt {end.attempt})"
            yield _of(end, "one outcome per task", text)
        words = [word for word in history.resolved.get(task, []) if word.decision == "done" and word.certain]
        if any(not history.forgotten(word) for word in words):
            yield _of(kept, "one outcome per task", "completed by a gateway and declared done by a person")


def completions_belong_to_claims(history: History) -> Iterator[Violation]:
    """Nobody completes what it was not given, under that token and attempt."""
    claims = {(one.task, one.attempt, one.gateway, one.token) for one in history.of("claim")}
    for end in history.of("complete"):
        if (end.task, end.attempt, end.gateway, end.token) not in claims:
            text = f"{end.gateway} completed attempt {end.attempt} under {end.token} without having claimed it so"
            yield _of(end, "completions belong to claims", text)


def superseded_attempts_complete_nothing(history: History) -> Iterator[Violation]:
    """Once an attempt was given out, no completion of an earlier one that is sent after that is accepted."""
    claims = _by_task(history.of("claim"))
    for end in history.of("complete"):
        for claim in claims.get(end.task, []):
            newer = claim.attempt > end.attempt and claim.at_ns < end.sent_ns
            if newer and not history.forgotten(claim):
                text = f"attempt {end.attempt} completed although attempt {claim.attempt} had been given out"
                yield _of(end, "superseded attempts complete nothing", text)


def effects_belong_to_claims(history: History) -> Iterator[Violation]:
    """Nobody acts on what it was not given."""
    claims = {(one.task, one.attempt, one.gateway, one.token) for one in history.of("claim")}
    for effect in history.effects:
        if (effect.task, effect.attempt, effect.gateway, effect.token) not in claims:
            text = f"{effect.gateway} acted on attempt {effect.attempt} of {effect.task} without having claimed it"
            yield Violation(rule="effects belong to claims", at_ns=effect.began_ns, text=text, about=(effect.task,))


def no_task_is_lost(history: History) -> Iterator[Violation]:
    """Whatever was queued is there in the end; what a store has forgotten was queued again under its key."""
    kept = {queued.key for queued in history.queued if queued.task in history.listed}
    for queued in history.queued:
        if queued.task in history.listed or (history.forgotten(queued) and queued.key in kept):
            continue
        text = f"{queued.task} (key {queued.key}) was queued and is gone"
        yield Violation(rule="no task is lost", at_ns=queued.at_ns, text=text, about=(queued.task, queued.key))


def one_task_per_key(history: History) -> Iterator[Violation]:
    """One key queues one task, however often it is sent."""
    tasks: dict[str, set[str]] = defaultdict(set)
    for queued in history.queued:
        if not history.forgotten(queued):
            tasks[queued.key].add(queued.task)
        if len(tasks[queued.key]) > 1:
            text = f"key {queued.key} queued {' and '.join(sorted(tasks[queued.key]))}"
            yield Violation(rule="one task per key", at_ns=queued.at_ns, text=text, about=(queued.key,))


def every_task_ends(history: History) -> Iterator[Violation]:
    """In the end no task waits, runs or is in doubt."""
    if not history.is_complete:
        yield Violation(rule="every task ends", at_ns=0, text="the tasks could not be listed at the end")
    for listed in history.listed.values():
        if listed.status not in ENDED:
            text = f"{listed.task} is {listed.status} at the end"
            yield Violation(rule="every task ends", at_ns=0, text=text, about=(listed.task,))


def outcomes_are_kept(history: History) -> Iterator[Violation]:
    """What was accepted is what is listed: status, attempt and gateway."""
    for end in history.of("complete"):
        listed = history.listed.get(end.task)
        if listed is None or history.forgotten(end):
            continue
        if (listed.status, listed.attempt, listed.gateway) != (end.status, end.attempt, end.gateway):
            text = (
                f"{end.status} of attempt {end.attempt} by {end.gateway} was accepted, "
                f"listed is {listed.status} of attempt {listed.attempt} by {listed.gateway or 'nobody'}"
            )
            yield _of(end, "outcomes are kept", text)


def outcomes_have_an_author(history: History) -> Iterator[Violation]:
    """A task that is listed as ended was ended by somebody: a completion that was sent, or a person."""
    accepted = {(end.task, end.attempt, end.status) for end in history.of("complete")}
    for listed in history.listed.values():
        key = (listed.task, listed.attempt, listed.status)
        if listed.status not in ENDED or key in accepted or history.uncertain[key] > 0:
            continue
        if listed.status == "succeeded" and any(
            one.decision == "done" for one in history.resolved.get(listed.task, [])
        ):
            continue
        text = f"{listed.task} is {listed.status} in attempt {listed.attempt}, which nobody has said"
        yield Violation(rule="outcomes have an author", at_ns=0, text=text, about=(listed.task,))


def _by_task(said: list[Said]) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        found[one.task].append(one)
    return found


def _of(said: Said, rule: str, text: str) -> Violation:
    return Violation(rule=rule, at_ns=said.at_ns, text=f"{said.task}: {text}", about=(said.task,))
