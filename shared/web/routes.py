"""Every HTTP route, once: path, methods, and the roles that may call each.

The function blueprints are registered from this table and the authorisation check reads it; a path that is not
here does not exist. One function serves all methods of its path, so that a wrong method gets an answer that
names the right ones; the platform itself would answer 404.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

READ: Final = "gateway:read"
OPERATE: Final = "gateway:operate"
ADMIN: Final = "gateway:admin"
AGENT: Final = "gateway:agent"

INGEST: Final = "alert:ingest"
EVERY_ROLE: Final = frozenset({READ, OPERATE, ADMIN, AGENT, INGEST})

READERS: Final = frozenset({READ, OPERATE, ADMIN})
OPERATORS: Final = frozenset({OPERATE, ADMIN})
ADMINS: Final = frozenset({ADMIN})
AGENTS: Final = frozenset({AGENT})
ALERT_SENDERS: Final = frozenset({INGEST})
ANYONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path: the name of its function, and per method the roles of which a caller needs one (none: open)."""

    name: str
    path: str  # below /api
    methods: Mapping[str, frozenset[str]]
    summary: str


GATEWAY_HEALTH: Final = Route(
    name="gateway_health",
    path="v1/admin/gateway-health",
    methods={"GET": READERS},
    summary="Verdicts, heartbeats and activation status of every gateway (runbook 1.1, 1.5, 2.3)",
)
GATEWAYS: Final = Route(
    name="gateways",
    path="v1/admin/gateways",
    methods={"GET": READERS},
    summary="Every gateway, as a bare array (runbook 1.6)",
)
GATEWAY_TASKS: Final = Route(
    name="gateway_tasks",
    path="v1/admin/gateways/{gateway_id}/tasks",
    methods={"GET": READERS},
    summary="Tasks of a gateway, newest first, as a bare array (runbook 1.6, section 3)",
)
TASKS: Final = Route(
    name="tasks",
    path="v1/admin/tasks",
    methods={"GET": READERS},
    summary="Tasks of an environment or of all, newest first, by pages: `environment`, `status`, `limit`, `after`",
)
RESOLVE_TASK: Final = Route(
    name="resolve_task",
    path="v1/admin/tasks/{task_id}/resolve",
    methods={"POST": OPERATORS},
    summary="Decide what becomes of a task in doubt: done, retry or give_up",
)
RESTORE_AUTHORITY: Final = Route(
    name="restore_authority",
    path="v1/admin/environments/{environment}/authority/restore",
    methods={"POST": ADMINS},
    summary="Rebuild an environment lock that lost writes, above every token seen",
)
MODES: Final = Route(
    name="modes",
    path="v1/admin/environments/{environment}/modes",
    methods={"GET": READERS, "PUT": ADMINS},
    summary="What may begin without a person: auto_failover, prewarm, two_person; GET answers ETag, PUT needs If-Match",
)
EXPLAIN: Final = Route(
    name="explain",
    path="v1/admin/environments/{environment}/explain",
    methods={"GET": READERS},
    summary="Why the environment is as it is: verdicts, every rule with its inputs, and the next safe action",
)
PAUSE: Final = Route(
    name="pause_environment",
    path="v1/admin/environments/{environment}/pause",
    methods={"POST": OPERATORS},
    summary="Pause an environment: observe, mark nothing, begin nothing, page nobody; ends by itself",
)
RESUME: Final = Route(
    name="resume_environment",
    path="v1/admin/environments/{environment}/resume",
    methods={"POST": OPERATORS},
    summary="End the pause of an environment",
)
DEACTIVATE: Final = Route(
    name="deactivate_gateway",
    path="v1/admin/gateways/{gateway_id}/deactivate",
    methods={"POST": ADMINS},
    summary="Take a gateway out (runbook section 3, Split-Brain Suspected)",
)
ACTIVATE_DR: Final = Route(
    name="activate_dr",
    path="v1/admin/failover/{environment}/activate-dr",
    methods={"POST": ADMINS},
    summary="Fail over to the DR gateway (runbook 1.4)",
)
FAILBACK: Final = Route(
    name="failback",
    path="v1/admin/failover/{environment}/failback",
    methods={"POST": ADMINS},
    summary="Return to the primary (runbook 2.2)",
)
BEGIN: Final = Route(
    name="begin_operation",
    path="v1/admin/environments/{environment}/operations",
    methods={"POST": ADMINS},
    summary="Begin a failover or a failback and follow it; with `?dry_run=true` only its plan",
)
OPERATION: Final = Route(
    name="operation",
    path="v1/admin/operations/{operation_id}",
    methods={"GET": READERS},
    summary="One operation with its steps",
)
RETRY: Final = Route(
    name="retry_operation",
    path="v1/admin/operations/{operation_id}/retry",
    methods={"POST": ADMINS},
    summary="Begin a new operation that takes up a failed one's work, decided anew",
)
SKIP: Final = Route(
    name="skip_step",
    path="v1/admin/operations/{operation_id}/skip",
    methods={"POST": ADMINS},
    summary="Leave out a step after the move that only looks or plans",
)
CANCEL: Final = Route(
    name="cancel_operation",
    path="v1/admin/operations/{operation_id}/cancel",
    methods={"POST": ADMINS},
    summary="Cancel an operation before its point of no return: nothing moves after the answer",
)
APPROVE: Final = Route(
    name="approve_operation",
    path="v1/admin/operations/{operation_id}/approve",
    methods={"POST": ADMINS},
    summary="Approve an operation that another administrator asked for",
)
OPERATIONS: Final = Route(
    name="operations",
    path="v1/admin/operations",
    methods={"GET": READERS},
    summary="The newest operations of every environment, or of one",
)
REPORT: Final = Route(
    name="operation_report",
    path="v1/admin/operations/{operation_id}/report",
    methods={"GET": READERS},
    summary="What an operation did, how long each phase took, what it changed; JSON, or Markdown for people",
)
HISTORY: Final = Route(
    name="operation_history",
    path="v1/admin/environments/{environment}/history",
    methods={"GET": READERS},
    summary="Ended operations with their recovery times and the trend: `kind`, `limit`",
)
EVENTS: Final = Route(
    name="events",
    path="v1/admin/environments/{environment}/events",
    methods={"GET": READERS},
    summary="The timeline as CloudEvents, oldest first: `after`, `limit`, `wait`",
)
AUDIT: Final = Route(
    name="audit",
    path="v1/admin/environments/{environment}/audit",
    methods={"GET": ADMINS},
    summary="Audit entries, newest first, by pages: `limit`, `before`",
)
VERIFY_AUDIT: Final = Route(
    name="verify_audit",
    path="v1/admin/environments/{environment}/audit/verify",
    methods={"GET": ADMINS},
    summary="Whether the chain of audit entries holds, or its first entry that does not: `after`, `anchor`",
)
METRICS: Final = Route(
    name="metrics",
    path="v1/metrics",
    methods={"GET": READERS},
    summary="Metrics in the Prometheus text format, computed from the stores",
)
CONFIG: Final = Route(
    name="rotation_config",
    path="v1/rotation/configs/{config_id}",
    methods={"GET": READERS, "PUT": ADMINS},
    summary="A rotation config",
)
EXECUTE: Final = Route(
    name="execute_rotation",
    path="v1/rotation/configs/{config_id}/execute",
    methods={"POST": OPERATORS},
    summary="Queue one rotation on the active gateway (runbook 1.6)",
)
REGISTER: Final = Route(
    name="register_gateway",
    path="v1/gateways/{gateway_id}/register",
    methods={"POST": AGENTS},
    summary="A gateway registers, bound to its identity",
)
HEARTBEAT: Final = Route(
    name="heartbeat",
    path="v1/gateways/{gateway_id}/heartbeat",
    methods={"POST": AGENTS},
    summary="A gateway beats; the holder's lease is extended",
)
CLAIM: Final = Route(
    name="claim_tasks",
    path="v1/gateways/{gateway_id}/tasks/claim",
    methods={"POST": AGENTS},
    summary="The holder claims tasks under its token",
)
PROGRESS: Final = Route(
    name="task_progress",
    path="v1/gateways/{gateway_id}/tasks/{task_id}/progress",
    methods={"POST": AGENTS},
    summary="The holder reports progress of a task it claimed",
)
COMPLETE: Final = Route(
    name="complete_task",
    path="v1/gateways/{gateway_id}/tasks/{task_id}/complete",
    methods={"POST": AGENTS},
    summary="The holder ends a task it claimed",
)
DRILLS: Final = Route(
    name="drills",
    path="v1/admin/environments/{environment}/drills",
    methods={"GET": READERS, "POST": OPERATORS},
    summary="How the drills of an environment stand; begin one (runbook 1.2, 1.3, 1.6 rehearsed)",
)
ABORT_DRILL: Final = Route(
    name="abort_drill",
    path="v1/admin/environments/{environment}/drills/{operation_id}/abort",
    methods={"POST": OPERATORS},
    summary="End a drill early; it still stops the cluster",
)
CANARY: Final = Route(
    name="canary",
    path="v1/gateways/{gateway_id}/canaries/{drill_id}",
    methods={"POST": AGENTS},
    summary="A standby gateway reports how a drill's canary rotation ended",
)
PREFLIGHT: Final = Route(
    name="preflight",
    path="v1/admin/environments/{environment}/preflight",
    methods={"GET": READERS, "POST": OPERATORS},
    summary="Would a failover work now: the newest checks, or (POST) new ones",
)
ALERTS: Final = Route(
    name="azure_monitor_alerts",
    path="v1/alerts/azure-monitor",
    methods={"POST": ALERT_SENDERS},
    summary="An action group of Azure Monitor brings an alert in the common schema, as evidence",
)
NOTIFICATIONS: Final = Route(
    name="notifications_overview",
    path="v1/admin/notifications",
    methods={"GET": READERS},
    summary="The channels to people, how far each is in every timeline, and the newest attempts to reach them",
)
TEST_CHANNEL: Final = Route(
    name="test_notification",
    path="v1/admin/notifications/{channel}/test",
    methods={"POST": OPERATORS},
    summary="Send a marked test through a channel now, and answer what its receiver said",
)
LIVE: Final = Route(
    name="health_live",
    path="health/live",
    methods={"GET": ANYONE, "HEAD": ANYONE},
    summary="Whether the process answers; no data, no token",
)
READY: Final = Route(
    name="health_ready",
    path="health/ready",
    methods={"GET": READERS | AGENTS, "HEAD": READERS | AGENTS},
    summary="Whether both stores answer and the monitor sees",
)

ROUTES: Final = (
    GATEWAY_HEALTH, GATEWAYS, GATEWAY_TASKS, TASKS, RESOLVE_TASK, RESTORE_AUTHORITY, DEACTIVATE, ACTIVATE_DR, FAILBACK,
    EXPLAIN, MODES, PAUSE, RESUME, BEGIN, APPROVE, RETRY, SKIP, CANCEL, OPERATION, OPERATIONS, CONFIG, EXECUTE,
    REGISTER, HEARTBEAT, CLAIM, PROGRESS, COMPLETE, DRILLS, ABORT_DRILL, CANARY, PREFLIGHT, EVENTS, AUDIT, VERIFY_AUDIT,
    REPORT, HISTORY, METRICS, ALERTS, NOTIFICATIONS, TEST_CHANNEL, LIVE, READY,
)  # fmt: skip
