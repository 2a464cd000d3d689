"""Failback: return the environment to its primary, and stop the DR cluster later (runbook section 2)."""

from shared.domain.operations import Step
from shared.flows.commands import Flow, StepOutcome
from shared.flows.procedures import completed, ended_badly, ended_well, moved


def failback() -> Flow[None]:
    """Verify the primary, drain the DR gateway, look again, move the lock, verify, plan the stop."""
    for step in (Step.VERIFY_PRIMARY_RECOVERED, Step.DRAIN_DR_GATEWAY):  # 2.1, 2.2
        prepared = yield from completed(step, {})
        if prepared.outcome is StepOutcome.STOPPED:
            return (yield from ended_badly(prepared))
    reactivated = yield from moved(Step.LOOK_AGAIN_BEFORE_FAILBACK, Step.REACTIVATE_PRIMARY)  # 2.2
    if reactivated.outcome is StepOutcome.STOPPED:
        return (yield from ended_badly(reactivated))
    for step in (Step.VERIFY_PRIMARY_ACTIVE, Step.SCHEDULE_DR_STOP):  # 2.3, 2.4
        confirmed = yield from completed(step, {})
        if confirmed.outcome is StepOutcome.STOPPED:
            return (yield from ended_badly(confirmed))
    return (yield from ended_well(reactivated.data))


def stop_dr_cluster() -> Flow[None]:
    """Stop the DR cluster, unless the environment needs it again (runbook 2.4)."""
    stopped = yield from completed(Step.STOP_DR_CLUSTER, {})
    if stopped.outcome is StepOutcome.STOPPED:
        return (yield from ended_badly(stopped))
    return (yield from ended_well(stopped.data))
