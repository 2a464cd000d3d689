"""Runs the preflight: asks everything a failover will need, changes nothing, keeps the newest result."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final, TypeVar

from shared.domain.events import EventType
from shared.domain.faults import Conflict, Unavailable
from shared.domain.operations import OperationKind, Step, StepStatus
from shared.domain.preflight import NEEDED_ACTIONS, CheckStatus, Findings, NotAsked, Preflight, failing
from shared.domain.readiness import judge_readiness
from shared.domain.refusals import JsonValue
from shared.ports import Ports
from shared.steps.observe import environment_of, observe
from shared.steps.timeline import tell
from shared.telemetry import log, warn

LOOKED_BACK: Final = 100
"""Operations among which the newest start of the DR cluster is looked for."""

T = TypeVar("T")


def run_preflight(ports: Ports, name: str) -> Preflight:
    """Return every check of an environment as it stands now, and keep it; a changed result is told.

    Raises:
        UnknownEnvironment: It is not declared.
        LockStoreUnavailable: Table Storage does not answer: nothing can be judged, and no failover would work.
    """
    environment = environment_of(ports, name)
    snapshot = observe(ports, name)
    slot = ports.drills.read(name)
    findings = Findings(
        snapshot=snapshot,
        cluster=_asked(lambda: ports.clusters.state(environment.dr_cluster)),
        allowed=_asked(lambda: ports.clusters.allowed(environment.dr_cluster, NEEDED_ACTIONS)),
        database=_asked(ports.work.ping),
        replication=_asked(ports.work.replication),
        slot=slot.value if slot else None,
        last_start_at=_last_start(ports, name),
    )
    preflight = judge_readiness(findings, ports.policy)
    _keep(ports, preflight)
    return preflight


def run_all_preflights(ports: Ports) -> None:
    """Run the preflight of every environment; one that cannot be run does not keep the others from theirs."""
    for name in sorted(ports.environments):
        try:
            run_preflight(ports, name)
        except Unavailable as outage:
            warn("preflight.not_run", environment=name, detail=str(outage))


def newest_preflight(ports: Ports, name: str) -> Preflight:
    """Return the preflight that was kept, or a new one when there is none. Raises as `run_preflight`."""
    kept = ports.preflights.read(environment_of(ports, name).name)
    return kept.value if kept else run_preflight(ports, name)


def _asked(ask: Callable[[], T]) -> T | NotAsked:
    try:
        return ask()
    except Unavailable as outage:
        return NotAsked(str(outage))


def _last_start(ports: Ports, name: str) -> datetime | None:
    """Return when an operation last brought the DR cluster up."""
    kinds = (OperationKind.FAILOVER, OperationKind.DRILL)
    ended = (
        record.ended_at
        for operation in ports.operations.list(name, limit=LOOKED_BACK)
        if operation.request.kind in kinds
        for record in operation.steps
        if record.step is Step.START_DR_CLUSTER and record.status is StepStatus.SUCCEEDED
    )
    return max((at for at in ended if at is not None), default=None)


def _keep(ports: Ports, preflight: Preflight) -> None:
    former = ports.preflights.read(preflight.environment)
    with suppress(Conflict):  # another instance has just kept its own: as good as ours
        ports.preflights.write(preflight, etag=former.etag if former else None)
    before, after = _statuses(former.value if former else None), _statuses(preflight)
    if before == after:
        return
    left = {check.name.id: f"{check.status.value}: {check.summary}" for check in failing(preflight)}
    say = log if preflight.status is CheckStatus.PASS else warn
    say("preflight.changed", environment=preflight.environment, status=preflight.status.value, failing={**left})
    changed: list[JsonValue] = [name for name, status in after.items() if before.get(name) != status]
    tell(
        ports, preflight.environment, event_id=f"preflight/{preflight.checked_at.isoformat()}",
        type=EventType.PREFLIGHT_CHANGED, subject=preflight.environment,
        data={"status": preflight.status.value, "changed": changed, "failing": {**left}},
    )  # fmt: skip


def _statuses(preflight: Preflight | None) -> Mapping[str, str]:
    return {check.name.id: check.status.value for check in preflight.checks} if preflight else {}
