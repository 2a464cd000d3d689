"""Every expected "no" in one list: in which words it is said, and what to do next.

Messages the runbook quotes are exact.
"""

from enum import Enum


class RefusalCode(Enum):
    """Code of a refusal with its message, its hint, and the runbook section it belongs to."""

    def __init__(self, code: str, message: str, hint: str, runbook: str) -> None:
        self.code = code
        self.message = message
        self.hint = hint
        self.runbook = runbook

    PRIMARY_NOT_FAILED = (
        "PrimaryNotFailed",
        "Primary is not in failed state",
        "The primary still sends heartbeats, or has not been silent long enough. If this is a network partition, "
        "wait for HealthMonitor to mark it failed (3 missed heartbeats, about 6 minutes).",
        "3",
    )
    MONITOR_BLIND = (
        "MonitorBlind",
        "HealthMonitor could not see the gateways, so their silence proves nothing",
        "Check that the health monitor runs and reaches its stores, then wait one HeartbeatTimeout.",
        "1.1",
    )
    DR_GATEWAY_NOT_REGISTERED = (
        "DrGatewayNotRegistered",
        "No dr-standby gateway is registered for this environment",
        "Start the DR cluster once so that its gateway registers.",
        "1.3",
    )
    PRIMARY_NOT_REGISTERED = (
        "PrimaryNotRegistered",
        "No primary gateway is registered for this environment",
        "Start the primary gateway once so that it registers.",
        "2.1",
    )
    OPERATION_IN_PROGRESS = (
        "OperationInProgress",
        "Another operation is running for this environment",
        "Follow the running operation; one runs per environment at a time.",
        "1.4",
    )
    PRIMARY_NOT_RECOVERED = (
        "PrimaryNotRecovered",
        "Primary is not sending heartbeats on time",
        "Work through the checklist of runbook 2.1; failback needs a primary that has beaten on time for a while.",
        "2.1",
    )
    PRIMARY_CLUSTER_NOT_RUNNING = (
        "PrimaryClusterNotRunning",
        "Primary AKS cluster is not running",
        "Start the primary cluster and wait until it reports Running and Succeeded.",
        "2.1",
    )
    DATABASE_NOT_REACHABLE = (
        "DatabaseNotReachable",
        "PostgreSQL is not reachable, so the primary could not work",
        "Restore PostgreSQL first; the present holder stays in charge meanwhile.",
        "2.1",
    )
    KEY_VAULT_NOT_REACHABLE = (
        "KeyVaultNotReachable",
        "The primary gateway reports that it cannot use its Key Vault",
        "Restore Key Vault access of the primary region first.",
        "2.1",
    )
    NOT_FAILED_OVER = (
        "NotFailedOver",
        "This environment is not running on its DR gateway",
        "There is nothing to fail back.",
        "2.2",
    )
    DR_ALREADY_ACTIVE = (
        "DrAlreadyActive",
        "The DR gateway holds this environment already",
        "There is nothing to fail over.",
        "1.4",
    )
    LOCK_HOLDER_DEACTIVATION = (
        "LockHolderDeactivation",
        "This gateway holds the environment lock",
        "Fail over or back instead. With force and a reason the environment is left without an active gateway.",
        "3",
    )
    NOT_RUNNING_OPERATION = (
        "NotRunningOperation",
        "The step belongs to an operation that is no longer the running one",
        "Nothing to do: a newer operation took over.",
        "1.4",
    )
    SUPERSEDED = (
        "Superseded",
        "The environment changed while the operation ran",
        "Read the environment again and decide anew.",
        "1.4",
    )
    OPERATION_CANCELLED = (
        "OperationCancelled",
        "The operation was cancelled",
        "Nothing has moved. Begin another operation when it is wanted after all.",
        "1.4",
    )
    APPROVAL_NEEDED = (
        "ApprovalNeeded",
        "The operation has not been approved",
        "Another administrator approves it: POST …/operations/{id}/approve.",
        "1.4",
    )
    APPROVAL_NOT_NEEDED = (
        "ApprovalNotNeeded",
        "The operation needs no approval",
        "Follow the operation; it waits for nobody.",
        "1.4",
    )
    APPROVAL_EXPIRED = (
        "ApprovalExpired",
        "Nobody approved the operation in time",
        "Nothing has been started. Begin it again when a second administrator is at hand.",
        "1.4",
    )
    ALREADY_APPROVED = (
        "AlreadyApproved",
        "The operation has been approved already",
        "The evidence says by whom; one approval is enough.",
        "1.4",
    )
    SELF_APPROVAL = (
        "SelfApproval",
        "Who asks for an operation cannot approve it",
        "Ask another administrator; the identity counts, not the name.",
        "1.4",
    )
    SECOND_PERSON_NEEDED = (
        "SecondPersonNeeded",
        "This environment needs two administrators for that",
        "Begin a failover or a failback instead: it waits for a second administrator.",
        "3",
    )
    FORCED_TOO_SOON = (
        "ForcedTooSoon",
        "A failover of this environment was forced a short while ago",
        "Look at what that one did first; the evidence says since when force is possible again.",
        "1.4",
    )
    ABORT_INSTEAD = (
        "AbortInstead",
        "A drill is aborted, not answered",
        "POST …/environments/{environment}/drills/{id}/abort ends a drill and stops what it started.",
        "1.4",
    )
    OPERATION_NOT_FAILED = (
        "OperationNotFailed",
        "The operation has not failed",
        "Only a failed failover or failback is retried; begin another operation instead.",
        "1.4",
    )
    STEP_NOT_SKIPPABLE = (
        "StepNotSkippable",
        "This step cannot be skipped",
        "Only what looks or plans after the move can be left out: nothing that decides, fences or moves.",
        "1.5",
    )
    OPERATION_ENDED = (
        "OperationEnded",
        "The operation has ended already",
        "Its record says how; begin another one if it is needed.",
        "1.4",
    )
    PAST_POINT_OF_NO_RETURN = (
        "PastPointOfNoReturn",
        "The operation has passed its point of no return",
        "It can no longer be cancelled. Let it end; to return to the primary use failback.",
        "2.2",
    )
    STEP_TIMEOUT = (
        "StepTimeout",
        "The step did not finish before its deadline",
        "See the detail of the step; nothing was undone.",
        "1.2",
    )
    CLUSTER_START_FAILED = (
        "ClusterStartFailed",
        "The DR cluster could not be started",
        "See the Azure error in the evidence. A capacity error may pass in another hour; authority has not moved.",
        "1.2",
    )
    CLUSTER_STOP_FAILED = (
        "ClusterStopFailed",
        "The DR cluster could not be stopped",
        "See the Azure error in the evidence; a running DR cluster costs money and does no harm.",
        "2.4",
    )
    CLUSTER_IN_USE = (
        "ClusterInUse",
        "The environment needs its DR cluster",
        "The cluster is stopped only while the primary holds the lock and nothing else is planned.",
        "2.4",
    )
    GATEWAY_ROLE_MISMATCH = (
        "GatewayRoleMismatch",
        "The gateway reports another role or environment than it registered with",
        "Check MAZEVAULT_GATEWAY_ROLE and MAZEVAULT_GATEWAY_ENVIRONMENT of the pod and its state file.",
        "1.3",
    )
    ROLE_TAKEN = (
        "RoleTaken",
        "Another gateway is registered for this role in the environment",
        "An environment has one primary and one dr-standby; reuse the registered gateway id.",
        "1.3",
    )
    IDENTITY_MISMATCH = (
        "IdentityMismatch",
        "The gateway is registered with another identity",
        "A gateway is bound to the managed identity it registered with; check AZURE_MANAGED_IDENTITY_CLIENT_ID.",
        "4",
    )
    NO_ACTIVE_GATEWAY = (
        "NoActiveGateway",
        "No active gateway for this environment",
        "Rotations run on the active gateway; fail over or reactivate one first.",
        "1.6",
    )
    TASKS_NOT_CLAIMED = (
        "TasksNotClaimed",
        "The new holder claims no tasks",
        "See runbook section 3, DR Gateway Not Claiming Tasks. The lock has moved and nothing was undone.",
        "1.6",
    )
    HOLDER_NOT_CONFIRMED = (
        "HolderNotConfirmed",
        "The new holder has not beaten under its token",
        "The lock has moved and nothing was undone; look at the gateway's log.",
        "1.5",
    )
    AUTHORITY_REGRESSED = (
        "AuthorityRegressed",
        "The environment lock is missing or older than the mirror",
        "Table Storage lost writes. Nobody may act until POST …/environments/{environment}/authority/restore.",
        "3",
    )
    AUTHORITY_INTACT = (
        "AuthorityIntact",
        "The environment lock is not behind anything that was seen",
        "There is nothing to restore. To change the holder use failover, failback or deactivate.",
        "3",
    )
    TASK_NOT_IN_DOUBT = (
        "TaskNotInDoubt",
        "The task is not in doubt",
        "Only a task in doubt needs a person; the evidence has its status.",
        "3",
    )
    TASK_ALREADY_RESOLVED = (
        "TaskAlreadyResolved",
        "The task was resolved with another decision",
        "The first decision stands; the evidence has it.",
        "3",
    )
    DRILL_NOT_NOW = (
        "DrillNotNow",
        "The environment is not at rest, so no drill may begin",
        "Drill while the healthy primary holds the lock, nothing runs, and the DR cluster is stopped and has rested.",
        "1.2",
    )
    DRILL_YIELDED = (
        "DrillYielded",
        "The drill gave way, because the environment may need its DR cluster",
        "Nothing to do: the drill left the cluster to whoever needs it. Drill again when the environment is at rest.",
        "1.2",
    )
    DRILL_ABORTED = (
        "DrillAborted",
        "The drill was aborted",
        "The cluster is stopped again as after every drill.",
        "1.2",
    )
    CANARY_FAILED = (
        "CanaryFailed",
        "The DR gateway could not carry out the canary rotation",
        "See the result in the evidence; check the DR gateway's Key Vault access (runbook section 3).",
        "1.6",
    )
    CANARY_NOT_WANTED = (
        "CanaryNotWanted",
        "No canary of this drill is asked of this gateway, or it was reported otherwise",
        "Drop the canary; the drill has ended or moved on.",
        "1.6",
    )
    STEP_FAULT = (
        "StepFault",
        "The step ended with an unexpected fault",
        "Quote the operation id; the step's detail names the fault.",
        "3",
    )
