"""Failover: give the environment to its DR gateway (runbook section 1)."""

from shared.domain.operations import Step
from shared.flows.commands import Flow, StepOutcome
from shared.flows.procedures import completed, ended_badly, ended_well, moved


def activate_dr() -> Flow[None]:
    """Start the DR cluster, wait for its gateway, look again, move the lock, verify.

    Power comes before fencing: a cluster that does not start must leave the present holder untouched. The lock
    moves only after a second look, because minutes have passed and the primary may be back. After the lock has
    moved nothing is undone automatically.
    """
    verified = yield from completed(Step.VERIFY_PRIMARY_DOWN, {})  # 1.1
    if verified.outcome is StepOutcome.STOPPED:
        return (yield from ended_badly(verified))
    started = yield from completed(Step.START_DR_CLUSTER, {})  # 1.2
    if started.outcome is StepOutcome.STOPPED:
        return (yield from ended_badly(started))
    ready = yield from completed(Step.VERIFY_DR_GATEWAY, {"start": started.data.get("start")})  # 1.3
    if ready.outcome is StepOutcome.STOPPED:
        return (yield from ended_badly(ready))
    activated = yield from moved(Step.LOOK_AGAIN, Step.ACTIVATE_DR)  # 1.4
    if activated.outcome is StepOutcome.STOPPED:
        return (yield from ended_badly(activated))
    for step in (Step.VERIFY_DR_ACTIVE, Step.VERIFY_OPERATIONS):  # 1.5, 1.6
        confirmed = yield from completed(step, {})
        if confirmed.outcome is StepOutcome.STOPPED:
            return (yield from ended_badly(confirmed))
    return (yield from ended_well(activated.data))
