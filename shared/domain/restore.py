"""Rebuilding an environment lock that has lost writes: when, for whom, and above which token (ADR 0013).

Table Storage restored to an older copy has a lock that is missing or behind PostgreSQL's mirror. Everything is refused
then, since nobody can tell from the stores alone what else was lost. A person decides who holds the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.failover import Snapshot, evidence, has_regressed
from shared.domain.fencing import FencingToken, mint
from shared.domain.locks import EnvironmentLock, restored
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue, RefusalCode, Refused

FURTHEST_AHEAD_NS: Final = 86_400 * 10**9
"""How far beyond our own clock and stores a gateway's word for a token is believed: one day.

A clock that was wrong when it minted may have been ahead; but one false word must not burn all numbers there are.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """The lock to write: inserted if absent (`etag` None), else replaced at exactly the version that was judged."""

    lock: EnvironmentLock
    etag: str | None
    evidence: Mapping[str, JsonValue]


def decide_restore(
    snapshot: Snapshot, policy: Policy, *, holder: str | None, now_unix_ns: int, write_id: str
) -> Restoration | Refused:
    """Return the rebuilt lock, or the refusal when nothing has been lost.

    Args:
        snapshot: With the mirror: without PostgreSQL nobody knows what was lost.
        holder: Who is to hold the environment; None for whoever held it last as far as the mirror knows.
    """
    stale = snapshot.lock.value if snapshot.lock else None
    reported = believed_tokens(snapshot, now_unix_ns=now_unix_ns)
    shown = evidence(snapshot, policy)
    shown["reported_tokens"] = {name: str(token) for name, token in reported.items()}
    behind_a_gateway = stale is not None and any(token > stale.token for token in reported.values())
    if not has_regressed(snapshot) and not behind_a_gateway:
        return Refused(code=RefusalCode.AUTHORITY_INTACT, detail=_intact(stale), evidence=shown)
    mirrored = snapshot.mirror.token if snapshot.mirror else None
    former = snapshot.mirror.holder if snapshot.mirror else stale.holder if stale else None
    seen = FencingToken(max([*reported.values(), mirrored or 0, stale.token if stale else 0]))
    lock = restored(
        stale,
        environment=snapshot.environment,
        holder=holder if holder is not None else former,
        former_holder=former,
        seen=seen,
        token=mint(stored=seen, mirrored=mirrored, now_unix_ns=now_unix_ns),
        now=snapshot.now,
        write_id=write_id,
    )
    return Restoration(lock=lock, etag=snapshot.lock.etag if snapshot.lock else None, evidence=shown)


def believed_tokens(snapshot: Snapshot, *, now_unix_ns: int) -> Mapping[str, FencingToken]:
    """Return the tokens that the gateways say they work under, by gateway; what cannot be true is left out."""
    ours = max(snapshot.mirror.token if snapshot.mirror else 0, snapshot.lock.value.token if snapshot.lock else 0)
    limit = max(ours, now_unix_ns) + FURTHEST_AHEAD_NS
    return {
        gateway.id: gateway.token_seen
        for gateway in (snapshot.primary, snapshot.dr)
        if gateway is not None and gateway.token_seen is not None and gateway.token_seen <= limit
    }


def _intact(lock: EnvironmentLock | None) -> str:
    if lock is None:
        return "the environment has no lock yet, and nobody has seen a token of it"
    return f"{lock.holder or 'nobody'} holds the lock under token {lock.token}, and nothing newer was seen"
