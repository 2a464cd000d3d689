"""Who may act: tokens, leases, operations and effects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devhost.chaos.events import Acknowledged, Effect, History, Said
from devhost.chaos.findings import Violation

NS = 1e9
UNREACHABLE_S = 3.0
"""How long after a store is back its silence may still be taken for an outage, in which the holder works on."""


def one_gateway_per_token(history: History) -> Iterator[Violation]:
    """A token gives rights to one gateway, ever."""
    owners: dict[tuple[str, int], str] = {}
    for said in history.said:
        owner = owners.setdefault((said.environment, said.token), said.gateway)
        if owner != said.gateway:
            text = f"{said.gateway} was told yes ({said.kind}) under {said.token}, the token of {owner}"
            yield _violation("one gateway per token", said, text)


def tokens_never_go_back(history: History) -> Iterator[Violation]:
    """Nothing is accepted under a token that is lower than one accepted before."""
    for environment, said in _by_environment(history.said):
        for one, before in _with_highest_before(said):
            if before is not None and one.token < before.token:
                text = (
                    f"{one.kind} of {one.gateway} in {environment} accepted under {one.token} "
                    f"after {before.kind} of {before.gateway} under {before.token}"
                )
                yield _violation("tokens never go back", one, text)


def nothing_under_a_superseded_token(history: History) -> Iterator[Violation]:
    """Once an operator was told that an operation is done, nothing sent after that is accepted under an older token."""
    for environment, said in _by_environment(history.said):
        acks = sorted(
            (ack for ack in history.acknowledged if ack.environment == environment and ack.token is not None),
            key=lambda ack: ack.at_ns,
        )
        newest: Acknowledged | None = None
        index = 0
        for one in sorted(said, key=lambda one: one.sent_ns):
            while index < len(acks) and acks[index].at_ns < one.sent_ns:
                ack = acks[index]
                newest = ack if newest is None or (ack.token or 0) > (newest.token or 0) else newest
                index += 1
            if newest is not None and newest.token is not None and one.token < newest.token:
                text = (
                    f"{one.kind} of {one.gateway} accepted under {one.token} "
                    f"although {newest.what} under {newest.token} was acknowledged before it was sent"
                )
                yield _violation("nothing under a superseded token", one, text)


def acknowledged_tokens_rise(history: History) -> Iterator[Violation]:
    """An operation that was asked for after another was acknowledged does not have a lower token."""
    for environment in {ack.environment for ack in history.acknowledged}:
        acks = [ack for ack in history.acknowledged if ack.environment == environment and ack.token is not None]
        for ack in acks:
            before = [other for other in acks if other.at_ns < ack.sent_ns and (other.token or 0) > (ack.token or 0)]
            if before:
                text = f"{ack.what} acknowledged under {ack.token} after {before[0].what} under {before[0].token}"
                yield Violation(rule="acknowledged tokens rise", at_ns=ack.at_ns, text=text, about=(str(ack.token),))


def operations_share_no_token(history: History) -> Iterator[Violation]:
    """A failover, a failback and a removal never end under one token: each change of holder has its own."""
    kinds: dict[tuple[str, int], str] = {}
    for ack in history.acknowledged:
        if ack.what == "restore" or ack.token is None:
            continue  # what a restore has given to a gateway, a repeated request for it only confirms
        first = kinds.setdefault((ack.environment, ack.token), ack.what)
        if first != ack.what:
            text = f"{first} and {ack.what} of {ack.environment} were both acknowledged under {ack.token}"
            yield Violation(rule="operations share no token", at_ns=ack.at_ns, text=text, about=(str(ack.token),))


def nobody_acts_after_a_newer_holder(history: History) -> Iterator[Violation]:
    """Nobody who asks whether it may act hears yes after somebody else has heard it under a newer token.

    This is what leases promise, whatever is stopped in between: the older one's yes lies before the end of its lease,
    the newer one's after that end and a margin.
    """
    for environment in {effect.environment for effect in history.effects}:
        own = [effect for effect in history.effects if effect.environment == environment]
        newest: Effect | None = None
        begun = iter(sorted(own, key=lambda effect: effect.began_ns))
        coming = next(begun, None)
        for effect in sorted(own, key=lambda effect: effect.asked_ns):
            while coming is not None and coming.began_ns < effect.asked_ns:
                newest = coming if newest is None or coming.token > newest.token else newest
                coming = next(begun, None)
            if newest is not None and effect.token < newest.token:
                text = (
                    f"{effect.gateway} was allowed to act under {effect.token} "
                    f"after {newest.gateway} had been under {newest.token}"
                )
                yield _of_effect("nobody acts after a newer holder", effect, text)


def overlaps(history: History) -> Iterator[tuple[Effect, Effect, bool]]:
    """Yield every effect that met one of another gateway under a newer token, and whether it is excused."""
    for environment in {effect.environment for effect in history.effects}:
        own = sorted(
            (effect for effect in history.effects if effect.environment == environment),
            key=lambda effect: effect.began_ns,
        )
        open_ones: list[Effect] = []
        for effect in own:
            open_ones = [one for one in open_ones if one.ended_ns is not None and one.ended_ns > effect.began_ns]
            for older in open_ones:
                if older.gateway != effect.gateway and older.ended_ns is not None:
                    took_s = (older.ended_ns - older.asked_ns) / NS
                    yield older, effect, took_s > history.margins_s
            open_ones.append(effect)


def effects_overlap_within_the_margins(history: History) -> Iterator[Violation]:
    """No two gateways act at once, unless one of them was stopped, or starved, for longer than the margins last."""
    for older, newer, excused in overlaps(history):
        if not excused:
            text = f"{older.gateway} under {older.token} and {newer.gateway} under {newer.token} acted at once"
            yield _of_effect("effects overlap within the margins", newer, text)


def nothing_works_on_a_regressed_authority(history: History) -> Iterator[Violation]:
    """Once an older copy of the authority is back, nothing is accepted until somebody asks for its restoration.

    Only where the copy is certainly older: two hand-overs one after the other, both asked for after it was taken.
    """
    for loss in (loss for loss in history.losses if loss.store == "tables"):
        for environment in {ack.environment for ack in history.acknowledged}:
            if not _has_moved(history, environment, loss.since_ns, loss.until_ns):
                continue
            restored = [at for name, at in history.restores_sent if name == environment and at > loss.until_ns]
            ends_ns = min(restored, default=2**63)
            known_ns = loss.until_ns + int(UNREACHABLE_S * NS)
            for one in history.said:
                if one.environment == environment and loss.until_ns < one.sent_ns and known_ns < one.at_ns < ends_ns:
                    text = f"{one.kind} of {one.gateway} under {one.token} accepted on a regressed authority"
                    yield _violation("nothing works on a regressed authority", one, text)
            for ack in history.acknowledged:
                if ack.environment == environment and loss.until_ns < ack.sent_ns and ack.at_ns < ends_ns:
                    text = f"{ack.what} acknowledged on a regressed authority"
                    yield Violation(rule="nothing works on a regressed authority", at_ns=ack.at_ns, text=text)


def refusals_leave_nothing(history: History) -> Iterator[Violation]:
    """An operation that was refused is not among those that exist."""
    for call, code in history.refused.items():
        if call in history.operations:
            text = f"{call} was refused ({code}) and is there all the same: {history.operations[call]}"
            yield Violation(rule="refusals leave nothing", at_ns=0, text=text, about=(call,))


def _has_moved(history: History, environment: str, since_ns: int, until_ns: int) -> bool:
    own = [
        ack
        for ack in history.acknowledged
        if ack.environment == environment and ack.sent_ns > since_ns and ack.at_ns < until_ns and ack.token is not None
    ]
    return any(later.sent_ns > earlier.at_ns and later.token != earlier.token for earlier in own for later in own)


def _with_highest_before(said: Sequence[Said]) -> Iterator[tuple[Said, Said | None]]:
    """Yield every call with the one of the highest token that had been answered before it was sent."""
    answered = iter(sorted(said, key=lambda one: one.at_ns))
    coming, highest = next(answered, None), None
    for one in sorted(said, key=lambda one: one.sent_ns):
        while coming is not None and coming.at_ns < one.sent_ns:
            highest = coming if highest is None or coming.token > highest.token else highest
            coming = next(answered, None)
        yield one, highest


def _by_environment(said: Sequence[Said]) -> Iterator[tuple[str, list[Said]]]:
    for environment in sorted({one.environment for one in said}):
        yield environment, [one for one in said if one.environment == environment]


def _violation(rule: str, said: Said, text: str) -> Violation:
    about = tuple(word for word in (said.task, str(said.token)) if word)
    return Violation(rule=rule, at_ns=said.at_ns, text=text, about=about)


def _of_effect(rule: str, effect: Effect, text: str) -> Violation:
    return Violation(rule=rule, at_ns=effect.began_ns, text=text, about=(effect.task, str(effect.token)))
