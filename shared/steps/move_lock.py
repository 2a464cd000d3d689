"""Looks again, then moves the environment lock: the point of no return (runbook 1.4, 2.2)."""

from shared.domain.failover import Allowed
from shared.domain.faults import DatabaseUnavailable, OutcomeUnknown
from shared.domain.fencing import FencingToken, mint
from shared.domain.guard import Sync, SyncOutcome
from shared.domain.locks import EnvironmentLock, transferred
from shared.domain.refusals import JsonValue, RefusalCode
from shared.flows.commands import StepOutcome, StepResult
from shared.steps.audit_trail import record_audit_once, shown
from shared.steps.context import StepContext
from shared.steps.observe import authority_reader
from shared.steps.timeline import tell_raised
from shared.steps.verify import decide, unless_allowed
from shared.steps.write_lock import replace_lock
from shared.telemetry import log


def look_again(context: StepContext) -> StepResult:
    """Decide once more and fix what the move will write: version, holder and token.

    The values go into the orchestration's history, so every repetition of the move repeats the same write
    (ADR 0004).
    """
    if context.lock.value.was_moved_by(context.request):
        lock = context.lock.value
        return context.done("the lock has moved already", etag=context.lock.etag, to=lock.holder, token=str(lock.token))
    decision = decide(context)
    if not isinstance(decision, Allowed):
        blocked = unless_allowed(context, decision)
        assert blocked is not None
        return blocked
    mirrored = None
    try:
        mirror = context.ports.work.mirror(context.environment.name)
        mirrored = mirror.token if mirror else None
    except (DatabaseUnavailable, OutcomeUnknown):
        pass  # the clock and the stored token remain, and the mirror can only be behind the stored one
    judged = decision.lock
    token = mint(stored=judged.value.token, mirrored=mirrored, now_unix_ns=context.ports.clock.unix_ns())
    return context.done(f"{decision.to} may hold the lock", etag=judged.etag, to=decision.to, token=str(token))


def move_lock(context: StepContext) -> StepResult:
    """Give the lock to the gateway that was judged, at exactly the version that was judged, then raise the fence.

    Done when the raise has committed: then the former holder is harmless (`data.mirror` is `raised`). While
    PostgreSQL is unreachable nobody works, and the step is done once every transaction under the former token must
    have ended (`pending`); should PostgreSQL come back while Table Storage is away, the former holder works on
    until the fence is raised, and the new one does not.
    """
    to, token = str(context.args["to"]), FencingToken(int(context.args["token"]))
    lock = context.lock.value
    if not lock.was_moved_by(context.request):
        written = _move(context, to=to, token=token, etag=str(context.args["etag"]))
        if written is None:
            return StepResult(outcome=StepOutcome.AGAIN, detail="the lock changed since it was judged")
        lock = written
    _audit_move(context, lock)
    return _raise_fence(context, lock)


def _move(context: StepContext, *, to: str, token: FencingToken, etag: str) -> EnvironmentLock | None:
    if context.lock.etag != etag:
        return None
    before = context.lock.value
    after = transferred(
        before, to=to, token=token, now=context.now, operation_id=context.request.id,
        write_id=f"{context.request.id}/move/{token}",
    )  # fmt: skip
    stored = replace_lock(context.ports, after, etag=etag)
    if stored is None:
        return None
    log(
        "lock.moved", environment=before.environment, operation_id=context.request.id, holder=to,
        previous_holder=before.holder, fencing_token=str(token), previous_token=str(before.token),
    )  # fmt: skip
    return stored.value


def _audit_move(context: StepContext, lock: EnvironmentLock) -> None:
    record_audit_once(
        context.ports, lock.environment, write_id=f"{lock.granted_by}/move/{lock.token}",
        actor=context.request.requested_by, action="lock.moved", reason=context.request.reason,
        before={**shown(lock), "holder": lock.previous_holder, "fencing_token": str(lock.previous_token)},
        after=shown(lock),
    )  # fmt: skip


def _raise_fence(context: StepContext, lock: EnvironmentLock) -> StepResult:
    name = context.environment.name
    body = {"holder": lock.holder, "fencing_token": str(lock.token)}
    try:
        sync = context.ports.work.sync_mirror(name, authority_reader(context.ports, name))
    except (DatabaseUnavailable, OutcomeUnknown) as outage:
        # Waited by timers that began after the lock had moved. Comparing clocks would not do: they may be set, and
        # the lock's own instant is from before the write, which may have been under way for long.
        waited_s = float(context.args.get("waited_s", 0.0))
        pause_s = min(context.ports.policy.guarded_transaction_s - waited_s, 1.0)
        if pause_s > 0:
            detail = f"raising the fence: {outage}"
            return context.waiting(detail, retry_after_s=pause_s, waited_s=waited_s + pause_s)
        return context.done("lock moved; the mirror is raised when PostgreSQL is back", mirror="pending", **body)
    tell_raised(context.ports, sync)
    match sync.outcome:
        case SyncOutcome.RAISED | SyncOutcome.CURRENT if sync.mirror is None or sync.mirror.token < lock.token:
            detail = "Table Storage lost the move before the mirror was raised"
            return context.failed(RefusalCode.AUTHORITY_REGRESSED, detail, **body)
        case SyncOutcome.RAISED | SyncOutcome.CURRENT:
            return context.done(_described(lock, sync), mirror="raised", **body, **_handed_back(sync))
        case SyncOutcome.UNREACHABLE:
            return context.waiting("Table Storage did not answer", retry_after_s=context.ports.policy.retry_s)
        case SyncOutcome.REGRESSED:
            return context.failed(RefusalCode.AUTHORITY_REGRESSED, "the mirror carries another grant", **body)


def _handed_back(sync: Sync) -> dict[str, JsonValue]:
    """Return what became of the former holder's tasks; nothing when somebody else raised the fence, and knows."""
    if sync.outcome is not SyncOutcome.RAISED:
        return {}
    return {"handed_back": {"requeued": sync.requeued, "in_doubt": sync.in_doubt, "failed": sync.failed}}


def _described(lock: EnvironmentLock, sync: Sync) -> str:
    touched = sync.requeued or sync.in_doubt or sync.failed
    handed = f", {sync.requeued} tasks requeued, {sync.in_doubt} in doubt, {sync.failed} failed" if touched else ""
    return f"{lock.holder} holds the lock under token {lock.token}{handed}"
