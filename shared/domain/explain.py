"""Why an environment is as it is: the rules behind each verdict, and what a person may safely do next.

Nothing is decided here: the same functions that decide are asked over one snapshot, and their answers are written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.automatic import AutomaticDecision
from shared.domain.environments import Role
from shared.domain.failover import (
    Allowed,
    AlreadyDone,
    Decision,
    Joined,
    Snapshot,
    decide_activation,
    decide_failback,
    has_regressed,
    health_of,
)
from shared.domain.gateways import Gateway
from shared.domain.health import Sight, Verdict, is_fresh, silence_seen_s
from shared.domain.locks import EnvironmentLock
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue, Refused
from shared.domain.rules import Rule

ADMIN: Final = "/api/v1/admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction:
    """The next safe thing to do; without a method there is nothing to call, only to wait for or to see to."""

    why: str
    method: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One snapshot, and what every decision says about it."""

    snapshot: Snapshot
    verdicts: Mapping[str, tuple[Rule, ...]]  # by gateway id
    activation: Decision
    failback: Decision
    automatic: AutomaticDecision
    next_action: NextAction


def explanation(snapshot: Snapshot, automatic: AutomaticDecision, policy: Policy) -> Explanation:
    """Return why the environment is as it is; `automatic` was decided over the same snapshot."""
    activation, failback = decide_activation(snapshot, policy), decide_failback(snapshot, policy)
    return Explanation(
        snapshot=snapshot,
        verdicts={g.id: verdict_rules(g, snapshot, policy) for g in (snapshot.primary, snapshot.dr) if g},
        activation=activation,
        failback=failback,
        automatic=automatic,
        next_action=next_action(snapshot, activation, failback, policy),
    )


def verdict_rules(gateway: Gateway, snapshot: Snapshot, policy: Policy) -> tuple[Rule, ...]:
    """Return the rules that the gateway's verdict comes from, in the order in which they are asked.

    The formula: missed heartbeats = whole HeartbeatTimeouts of silence that the monitor saw (runbook, overview).
    """
    lock = snapshot.lock.value if snapshot.lock else None
    holds = lock is not None and lock.holder == gateway.id
    return (
        _fresh(gateway, snapshot.now, policy),
        _expected(gateway, holds=holds),
        _monitor_sees(snapshot.sight, snapshot.now, policy),
        _missed_enough(gateway, snapshot.sight, snapshot.now, policy),
        _counts(gateway, snapshot.sight, lock, snapshot.now),
    )


def decision_json(decision: Decision) -> dict[str, JsonValue]:
    """Return a decision for people."""
    match decision:
        case Allowed(to=to):
            return {"allowed": True, "to": to}
        case AlreadyDone(token):
            return {"allowed": False, "already_done": True, "fencing_token": str(token)}
        case Joined(operation_id):
            return {"allowed": False, "running_operation": operation_id}
        case Refused(code=code, detail=detail):
            return {
                "allowed": False, "code": code.code, "message": code.message, "detail": detail,
                "would_have_to_change": code.hint,
            }  # fmt: skip


def next_action(snapshot: Snapshot, activation: Decision, failback: Decision, policy: Policy) -> NextAction:
    """Return what a person may safely do next, the most urgent first."""
    environment = snapshot.environment
    lock = snapshot.lock.value if snapshot.lock else None
    if has_regressed(snapshot):
        path = f"{ADMIN}/environments/{environment}/authority/restore"
        return NextAction(method="POST", path=path, why="the environment lock has lost writes; nobody may act")
    if lock is None:
        return NextAction(why="start the primary gateway once, so that it registers and is given the environment")
    if lock.operation is not None:
        path = f"{ADMIN}/operations/{lock.operation.id}"
        return NextAction(method="GET", path=path, why=f"a {lock.operation.kind.value} is running; follow it")
    if isinstance(activation, Allowed):
        path = f"{ADMIN}/failover/{environment}/activate-dr"
        down = "the primary is failed and silent" if lock.holder else "nobody holds the environment"
        if snapshot.sight and snapshot.sight.silence and snapshot.sight.silence.is_going_on:
            down = f"make sure that it is not our own outage, since most gateways fell silent together; {down}"
        return NextAction(method="POST", path=path, why=f"{down}; the DR gateway may take over")
    if isinstance(failback, Allowed):
        path = f"{ADMIN}/failover/{environment}/failback"
        return NextAction(method="POST", path=path, why="the primary is well again and may take the environment back")
    return _wait(snapshot, lock, activation, failback, policy)


def _wait(
    snapshot: Snapshot, lock: EnvironmentLock, activation: Decision, failback: Decision, policy: Policy
) -> NextAction:
    holder = next((g for g in (snapshot.primary, snapshot.dr) if g and g.id == lock.holder), None)
    health = health_of(holder, snapshot, policy) if holder else None
    if health is not None and health.verdict is Verdict.HEALTHY:
        if holder is not None and holder.role is Role.DR_STANDBY and isinstance(failback, Refused):
            return NextAction(why=f"the DR gateway does the work; failback: {failback.code.hint}")
        return NextAction(why="nothing: the holder is healthy")
    if isinstance(activation, Refused):
        return NextAction(why=f"{health.reason + '; ' if health else ''}{activation.code.hint}")
    return NextAction(why="look at the gateway that holds the environment: it is not healthy, and there is no other")


def _fresh(gateway: Gateway, now: datetime, policy: Policy) -> Rule:
    heard = gateway.last_heartbeat
    return Rule(
        name="was_heard_in_time", holds=is_fresh(gateway, now=now, policy=policy),
        inputs={
            "last_heartbeat": heard.isoformat() if heard else None,
            "heartbeat_age_seconds": round((now - heard).total_seconds(), 3) if heard else None,
            "heartbeat_timeout_seconds": policy.heartbeat_timeout_s,
        },
        wanted="a heartbeat arrives",
    )  # fmt: skip


def _expected(gateway: Gateway, *, holds: bool) -> Rule:
    return Rule(
        name="is_expected_to_beat", holds=gateway.role is Role.PRIMARY or holds,
        inputs={"role": gateway.role.value, "holds_the_lock": holds},
        wanted="it is given the lock; a standby that holds nothing may be stopped",
    )  # fmt: skip


def _monitor_sees(sight: Sight | None, now: datetime, policy: Policy) -> Rule:
    age_s = (now - sight.last_tick_at).total_seconds() if sight else None
    return Rule(
        name="monitor_sees", holds=age_s is not None and age_s <= policy.heartbeat_timeout_s,
        inputs={
            "last_tick_at": sight.last_tick_at.isoformat() if sight else None,
            "watching_since": sight.watching_since.isoformat() if sight else None,
            "gaps": len(sight.gaps) if sight else 0,
        },
        wanted="HealthMonitor ticks, reads its stores and gets an answer from the public endpoint",
    )  # fmt: skip


def _missed_enough(gateway: Gateway, sight: Sight | None, now: datetime, policy: Policy) -> Rule:
    silent_s = max(silence_seen_s(gateway, sight=sight, now=now), 0.0) if sight else 0.0
    needed_s = policy.failure_threshold * policy.heartbeat_timeout_s
    return Rule(
        name="missed_enough_heartbeats", holds=silent_s >= needed_s,
        inputs={
            "silence_seen_seconds": round(silent_s, 3),
            "missed_heartbeats": int(silent_s // policy.heartbeat_timeout_s),
            "failure_threshold": policy.failure_threshold,
            "heartbeat_timeout_seconds": policy.heartbeat_timeout_s,
        },
        wanted=f"{max(needed_s - silent_s, 0):.0f} s more of silence that the monitor sees",
    )  # fmt: skip


def _counts(gateway: Gateway, sight: Sight | None, lock: EnvironmentLock | None, now: datetime) -> Rule:
    silence = sight.silence if sight else None
    member = silence is not None and gateway.id in silence.members
    until = lock.modes.effective(now).paused_until if lock else None
    inputs: Mapping[str, JsonValue] = {
        "paused_until": until.isoformat() if until else None,
        "mass_silence_since": silence.since.isoformat() if silence and member else None,
        "mass_silence_ended_at": silence.ended_at.isoformat() if silence and member and silence.ended_at else None,
    }
    return Rule(
        name="silence_has_consequences",
        holds=until is None and not member,
        inputs=inputs,
        wanted="the pause ends; most gateways are heard again. Until then a person may act, and nothing by itself",
    )
