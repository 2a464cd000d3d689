"""Automatic failover: may one begin without a person, over one snapshot, and if not, which rules say no.

Two witnesses are needed, Azure Monitor and our own health monitor, and every rule below. All are judged every time, so
that whoever asks sees everything that would have to change and not only the first thing (ADR 0021).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from shared.domain.alerts import Alert, accusation
from shared.domain.failover import Allowed, AlreadyDone, Decision, Joined, Snapshot, decide_activation, health_of
from shared.domain.health import Verdict
from shared.domain.locks import EnvironmentLock
from shared.domain.modes import AutoFailover
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue, Refused
from shared.domain.rules import Rule

AUTOMATIC: Final = "auto-failover"
"""`requested_by` of an operation that no person asked for."""


class Outcome(Enum):
    """What came of the rules."""

    START = "start"
    WOULD_START = "would_start"  # every rule but the mode, which is `observe`
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticRun:
    """An automatic failover that has a place. It was begun, if at all, by a write of the lock at `lock_etag`."""

    environment: str
    operation_id: str
    lock_etag: str
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticRuns:
    """The automatic failovers that are running, and when the last one of each environment began."""

    running: tuple[AutomaticRun, ...] = ()
    last_began: Mapping[str, datetime] = field(default_factory=dict)

    def with_run(self, run: AutomaticRun) -> "AutomaticRuns":
        """Return the runs with one more; one with the same operation id is replaced."""
        others = tuple(one for one in self.running if one.operation_id != run.operation_id)
        return AutomaticRuns(running=(*others, run), last_began={**self.last_began, run.environment: run.began_at})

    def ended(self, run: AutomaticRun) -> "AutomaticRuns":
        """Return the runs without one that has ended; its cool-down goes on."""
        return replace(self, running=tuple(one for one in self.running if one != run))

    def never_began(self, run: AutomaticRun) -> "AutomaticRuns":
        """Return the runs without one that never was; it leaves no cool-down behind."""
        kept = {name: at for name, at in self.last_began.items() if (name, at) != (run.environment, run.began_at)}
        return replace(self.ended(run), last_began=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticDecision:
    """The outcome and every rule; `allowed` carries the lock to write on, and is there when the outcome is START."""

    outcome: Outcome
    rules: tuple[Rule, ...]
    allowed: Allowed | None = None

    @property
    def broken(self) -> tuple[Rule, ...]:
        """The rules that do not hold."""
        return tuple(rule for rule in self.rules if not rule.holds)


MODE_RULE: Final = "auto_failover_is_on"


def decide_automatic(
    snapshot: Snapshot, alerts: Sequence[Alert], runs: AutomaticRuns, policy: Policy
) -> AutomaticDecision:
    """Return whether a failover of the environment begins by itself.

    Args:
        alerts: Those about its primary.
        runs: Without those that have ended.
    """
    decision = decide_activation(snapshot, policy)
    lock = snapshot.lock.value if snapshot.lock else None
    rules = (
        _mode(lock),
        _not_paused(lock, snapshot.now),
        _needs_no_second_person(lock),
        _marked_failed(snapshot, lock, policy),
        _accused(snapshot, lock, alerts, policy),
        _no_mass_silence(snapshot),
        _nothing_runs(lock),
        _cooled_down(snapshot, runs, policy),
        _below_the_cap(snapshot, runs, policy),
        _activation_is_allowed(decision),
    )
    broken = [rule.name for rule in rules if not rule.holds]
    observed = lock is not None and lock.modes.auto_failover is AutoFailover.OBSERVE
    if not broken and isinstance(decision, Allowed):
        return AutomaticDecision(outcome=Outcome.START, rules=rules, allowed=decision)
    if broken == [MODE_RULE] and observed:
        return AutomaticDecision(outcome=Outcome.WOULD_START, rules=rules)
    return AutomaticDecision(outcome=Outcome.NO, rules=rules)


def _mode(lock: EnvironmentLock | None) -> Rule:
    mode = lock.modes.auto_failover if lock else AutoFailover.OFF
    return Rule(
        name=MODE_RULE, holds=mode is AutoFailover.ON, inputs={"auto_failover": mode.value},
        wanted="an administrator sets auto_failover to on",
    )  # fmt: skip


def _not_paused(lock: EnvironmentLock | None, now: datetime) -> Rule:
    until = lock.modes.effective(now).paused_until if lock else None
    return Rule(
        name="is_not_paused", holds=until is None, inputs={"paused_until": until.isoformat() if until else None},
        wanted="the pause ends, or an operator ends it",
    )  # fmt: skip


def _needs_no_second_person(lock: EnvironmentLock | None) -> Rule:
    # Where two people have to agree, one alert and one timer are not enough.
    two_person = lock is not None and lock.modes.two_person
    return Rule(
        name="needs_no_second_person", holds=not two_person, inputs={"two_person": two_person},
        wanted="an administrator sets two_person to false",
    )  # fmt: skip


def _marked_failed(snapshot: Snapshot, lock: EnvironmentLock | None, policy: Policy) -> Rule:
    primary = snapshot.primary
    mark = lock.mark_of(primary.id) if lock and primary and lock.holder == primary.id else None
    health = health_of(primary, snapshot, policy) if primary else None
    return Rule(
        name="primary_is_marked_failed",
        holds=mark is not None and health is not None and health.verdict is Verdict.FAILED,
        inputs={
            "primary": primary.id if primary else None,
            "holds_the_lock": lock is not None and primary is not None and lock.holder == primary.id,
            "marked_at": mark.at.isoformat() if mark else None,
            "verdict": health.verdict.value if health else None,
            "reason": health.reason if health else None,
        },
        wanted="the primary holds the lock and HealthMonitor finds it failed under its present token",
    )


def _accused(snapshot: Snapshot, lock: EnvironmentLock | None, alerts: Sequence[Alert], policy: Policy) -> Rule:
    began_at = lock.acquired_at if lock else snapshot.now
    found = accusation(alerts, reign_began_at=began_at, now=snapshot.now, age_limit_s=policy.alert_age_limit_s)
    return Rule(
        name="azure_monitor_says_so", holds=found.alert is not None,
        inputs={
            "alert": found.alert.id if found.alert else None,
            "rule": found.alert.rule if found.alert else None,
            "why": found.why,
            "age_limit_seconds": policy.alert_age_limit_s,
        },
        wanted="an Azure Monitor alert with intent primary-failed fires for this environment",
    )  # fmt: skip


def _no_mass_silence(snapshot: Snapshot) -> Rule:
    silence = snapshot.sight.silence if snapshot.sight else None
    going_on = silence is not None and silence.is_going_on
    return Rule(
        name="no_mass_silence", holds=not going_on,
        inputs={"silent_since": silence.since.isoformat() if silence and going_on else None},
        wanted="most gateways are heard again; until then a failover is for people to begin",
    )  # fmt: skip


def _nothing_runs(lock: EnvironmentLock | None) -> Rule:
    running = lock.operation if lock else None
    return Rule(
        name="nothing_else_runs", holds=running is None, inputs={"operation": running.id if running else None},
        wanted="the running operation ends",
    )  # fmt: skip


def _cooled_down(snapshot: Snapshot, runs: AutomaticRuns, policy: Policy) -> Rule:
    began_at = runs.last_began.get(snapshot.environment)
    over_at = began_at + timedelta(seconds=policy.auto_cool_down_s) if began_at else None
    return Rule(
        name="cool_down_is_over", holds=over_at is None or over_at <= snapshot.now,
        inputs={
            "last_began_at": began_at.isoformat() if began_at else None,
            "over_at": over_at.isoformat() if over_at else None,
            "cool_down_seconds": policy.auto_cool_down_s,
        },
        wanted="the cool-down since the last automatic failover ends; a person need not wait for it",
    )  # fmt: skip


def _below_the_cap(snapshot: Snapshot, runs: AutomaticRuns, policy: Policy) -> Rule:
    others = sorted(run.environment for run in runs.running if run.environment != snapshot.environment)
    return Rule(
        name="below_the_cap", holds=len(runs.running) < policy.auto_failovers_at_once,
        inputs={"running": [*others], "at_once": policy.auto_failovers_at_once},
        wanted="an automatic failover of another environment ends",
    )  # fmt: skip


def _activation_is_allowed(decision: Decision) -> Rule:
    match decision:
        case Allowed(to=to):
            inputs: dict[str, JsonValue] = {"decision": "allowed", "to": to}
        case Refused(code=code, detail=detail):
            inputs = {"decision": code.code, "message": code.message, "detail": detail}
        case Joined(operation_id):
            inputs = {"decision": "joined", "operation": operation_id}
        case AlreadyDone():
            inputs = {"decision": "already_done"}
    return Rule(
        name="activation_is_allowed", holds=isinstance(decision, Allowed), inputs=inputs,
        wanted="activate-dr would not be refused",
    )  # fmt: skip
