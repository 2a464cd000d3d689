"""Starts the DR cluster of an environment whose primary is suspect, when its modes want that."""

from collections.abc import Sequence

from shared.domain.events import EventType
from shared.domain.faults import Unavailable
from shared.domain.prewarm import Warming, decide_prewarm
from shared.ports import Ports
from shared.steps.audit_trail import record_audit, shown
from shared.steps.drill_slot import drill_stops_cluster
from shared.steps.observe import environment_of, observe
from shared.steps.timeline import tell
from shared.steps.write_lock import replace_lock
from shared.telemetry import log, warn

ACTOR = "health-monitor"


def prewarm(ports: Ports, environments: Sequence[str]) -> None:
    """Start what is wanted in these environments; what cannot be asked now is asked at the next tick."""
    for name in environments:
        try:
            prewarm_environment(ports, name)
        except Unavailable as outage:
            warn("cluster.not_prewarmed", environment=name, detail=str(outage))


def prewarm_environment(ports: Ports, name: str) -> bool:
    """Start the DR cluster if it is wanted and down, and return whether Azure was asked to.

    Raises:
        UnknownEnvironment: It is not declared.
        Unavailable: A store or Azure did not answer; a cluster that is started by then is planned to be stopped.
    """
    environment = environment_of(ports, name)
    wanted = decide_prewarm(observe(ports, name), ports.policy, write_id=f"prewarm/{ports.ids.unique()}")
    if wanted is None or drill_stops_cluster(ports, name):
        return False
    if not ports.clusters.state(environment.dr_cluster).stopped:
        # Somebody else started it, and whoever did decides when it stops; a plan of ours is only kept ahead.
        if wanted.judged.value.stop_dr_due_at is not None:
            _plan(ports, wanted)
        return False
    if not _plan(ports, wanted):
        return False
    answer = ports.clusters.begin_start(environment.dr_cluster)
    if not answer.accepted:
        warn("cluster.not_prewarmed", environment=name, code=answer.error_code, detail=answer.message)
        return False
    _tell_started(ports, name, wanted)
    return True


def _plan(ports: Ports, wanted: Warming) -> bool:
    return wanted.plan is None or replace_lock(ports, wanted.plan, etag=wanted.judged.etag) is not None


def _tell_started(ports: Ports, name: str, wanted: Warming) -> None:
    lock = wanted.judged.value
    after = wanted.plan or lock
    log("cluster.prewarmed", environment=name, reason=wanted.reason, stop_due_at=str(after.stop_dr_due_at))
    record_audit(
        ports, name, actor=ACTOR, action="cluster.prewarmed", reason=wanted.reason, before=shown(lock),
        after=shown(after),
    )  # fmt: skip
    tell(
        ports, name, event_id=f"{after.written_by}/prewarmed", type=EventType.CLUSTER_PREWARMED, subject=name,
        data={
            "reason": wanted.reason,
            "stop_due_at": after.stop_dr_due_at.isoformat() if after.stop_dr_due_at else None,
        },
    )  # fmt: skip
