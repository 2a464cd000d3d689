"""Records with every field filled, and ways to make fresh ones."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain.drills import DrillPhase, DrillSlot
from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Canary, CanaryStatus, Gateway, Identity
from shared.domain.health import Gap, Sight, Verdict
from shared.domain.locks import EnvironmentLock, FailedMark
from shared.domain.mass_silence import MassSilence
from shared.domain.modes import AutoFailover, Lifting, Modes, Prewarm
from shared.domain.operations import (
    Answer,
    Operation,
    OperationKind,
    OperationRequest,
    OperationStatus,
    Skip,
    Step,
    StepRecord,
    StepStatus,
    begin,
)  # fmt: skip

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ABOVE_2_53 = FencingToken(2**53 + 1)  # the first whole number a double cannot hold


def fresh_environment() -> str:
    """Return the name of an environment no other test uses."""
    return f"PRO_{uuid.uuid4().hex[:12]}"


def request(environment: str, *, at: datetime = NOON, chance: str = "a1b2c3") -> OperationRequest:
    """Return the request of a failback, draining."""
    return OperationRequest(
        id=f"{environment}-{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}Z-{chance}",
        kind=OperationKind.FAILBACK,
        environment=environment,
        requested_by="on-call",
        requested_at=at,
        reason="Vrátit řízení / hand back",
        draining=True,
        requester_id="object-1",
        forced=True,
        idempotency_key="key-1",
        request_digest="0f",
        needs_approval=True,
        approval=Answer(by="second", at=at + timedelta(seconds=20), reason="seen"),
        retry_of="PRO-before",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        skips=(
            Skip(step=Step.SCHEDULE_DR_STOP, answer=Answer(by="second", at=at + timedelta(minutes=2), reason="warm")),
        ),
        cancellation=Answer(by="second", at=at + timedelta(minutes=1), reason="planý poplach"),
    )


def lock(environment: str, *, write_id: str = "w1", token: FencingToken = ABOVE_2_53) -> EnvironmentLock:
    """Return a lock with every field filled."""
    return EnvironmentLock(
        environment=environment,
        holder="gw-pro-primary",
        token=token,
        granted_by="grant",
        acquired_at=NOON,
        written_by=write_id,
        previous_holder="gw-pro-dr",
        previous_token=FencingToken(token - 1),
        failed=(
            FailedMark(gateway="gw-pro-primary", token=token, at=NOON, last_heartbeat=NOON - timedelta(minutes=6)),
            FailedMark(gateway="gw-pro-dr", token=token, at=NOON, last_heartbeat=None),
        ),
        operation=request(environment),
        last_operation_id="before",
        stop_dr_due_at=NOON + timedelta(hours=4),
        forced_at=NOON - timedelta(days=1),
        modes=Modes(
            auto_failover=AutoFailover.OBSERVE,
            prewarm=Prewarm.ON_SUSPECT,
            two_person=True,
            paused_until=NOON + timedelta(hours=1),
            lifting=Lifting(by="Jana Nováková (object-1)", by_id="object-1", until=NOON + timedelta(minutes=15)),
        ),
    )


def gateway(environment: str, gateway_id: str, *, role: Role = Role.PRIMARY) -> Gateway:
    """Return a gateway with every field filled."""
    return Gateway(
        id=gateway_id,
        environment=environment,
        role=role,
        identity=Identity(tenant_id="tenant", object_id="object"),
        registered_at=NOON,
        region="westeurope",
        version="1.2.3",
        boot_id="boot",
        booted_at=NOON,
        last_heartbeat=NOON + timedelta(microseconds=1),
        streak_started_at=NOON,
        streak_beats=7,
        token_seen=ABOVE_2_53,
        reported_role=role.value,
        reported_environment=environment,
        checks={"key_vault": "ok"},
        canary=Canary(
            drill_id="PRO-drill",
            config={"name": "canary", "nested": {"deep": [1, None]}},
            asked_at=NOON,
            status=CanaryStatus.FAILED,
            result={"detail": "výpadek"},
            reported_at=NOON + timedelta(seconds=3),
        ),
    )


def drill_slot(environment: str, *, write_id: str = "w1") -> DrillSlot:
    """Return a drill slot with every field filled."""
    return DrillSlot(
        environment=environment,
        written_by=write_id,
        operation=request(environment),
        phase=DrillPhase.STOPPING,
        stop_sent_at=NOON,
        abort_reason="dost",
        rehearsal_error={"code": "DrillAborted", "evidence": {"deep": [1, None]}},
        last_operation_id="before",
        last_stopped_at=NOON - timedelta(days=1),
        last_succeeded_at=NOON - timedelta(days=2),
    )


def operation(environment: str, *, at: datetime = NOON, chance: str = "a1b2c3") -> Operation:
    """Return a running failback."""
    return begin(request(environment, at=at, chance=chance))


def ended(environment: str) -> Operation:
    """Return an operation with every field filled, and every field of its first step."""
    step = StepRecord(
        step=Step.VERIFY_PRIMARY_RECOVERED,
        status=StepStatus.FAILED,
        attempts=3,
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=1),
        detail="příliš žluťoučký",
    )
    begun = operation(environment)
    return replace(
        begun,
        status=OperationStatus.FAILED,
        steps=(step, *begun.steps[1:]),
        updated_at=NOON + timedelta(seconds=2),
        ended_at=NOON + timedelta(seconds=2),
        outage_started_at=NOON - timedelta(hours=1),
        failed_at=NOON - timedelta(minutes=54),
        cluster_started_at=NOON - timedelta(minutes=5),
        result={"numbers": [1, 2.5, None, True], "nested": {"deep": "ok"}},
        error={"code": "PrimaryNotRecovered"},
    )


def sight(*, at: datetime = NOON) -> Sight:
    """Return a sight that began an hour before `at`."""
    gap = Gap(start=at - timedelta(minutes=9), end=at - timedelta(minutes=8))
    silence = MassSilence(
        since=at - timedelta(minutes=5), members=frozenset({"gw-pro-primary", "gw-npr-primary"}), ended_at=at
    )
    return Sight(
        last_tick_at=at, watching_since=at - timedelta(hours=1), gaps=(gap,), silence=silence,
        verdicts={"gw-pro-primary": Verdict.UNKNOWN, "gw-pro-dr": Verdict.COLD, "gw-npr-dr": Verdict.COLD},
    )  # fmt: skip
