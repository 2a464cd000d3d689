"""Drains the DR gateway before a failback, and plans the stop of its cluster after one (runbook 2.2, 2.4)."""

from dataclasses import replace
from datetime import timedelta

from shared.domain.locks import draining
from shared.flows.commands import StepResult
from shared.steps.context import StepContext
from shared.steps.write_lock import replace_lock


def drain_dr_gateway(context: StepContext) -> StepResult:
    """Stop new claims and wait until running tasks have ended, or `drain_timeout_s` has passed.

    Tasks that still run then are handed back when the fence is raised: requeued or held in doubt.
    """
    policy, lock = context.ports.policy, context.lock
    if not lock.value.draining:
        written = replace_lock(
            context.ports, draining(lock.value, write_id=f"{context.request.id}/drain"), etag=lock.etag
        )
        if written is None:
            return context.waiting("the lock changed; draining again", retry_after_s=0.0)
    running = context.ports.work.running_tasks(context.environment.name)
    if not running:
        return context.done("no task is running")
    if context.waited_s > policy.drain_timeout_s:
        return context.done(f"{running} tasks still run; the fence hands them back")
    return context.waiting(f"{running} tasks are running", retry_after_s=min(1.0, policy.gateway_poll_s))


def schedule_dr_stop(context: StepContext) -> StepResult:
    """Plan the stop of the DR cluster after the hold time: Azure wants 15 to 30 minutes between stop and start."""
    lock, hold_s = context.lock, context.ports.policy.hold_s
    if lock.value.stop_dr_due_at is not None:
        return context.done(f"DR cluster is to be stopped at {lock.value.stop_dr_due_at.isoformat()}")
    due_at = context.now + timedelta(seconds=hold_s)
    planned = replace(lock.value, stop_dr_due_at=due_at, written_by=f"{context.request.id}/schedule-stop")
    if replace_lock(context.ports, planned, etag=lock.etag) is None:
        return context.waiting("the lock changed; planning again", retry_after_s=0.0)
    return context.done(f"DR cluster is to be stopped at {due_at.isoformat()}")
