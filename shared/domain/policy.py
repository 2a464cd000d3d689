"""Every duration and threshold of the protocol, with the relations that make it safe."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers decisions are made with; all durations in seconds.

    Sources: HeartbeatTimeout, FailureThreshold and the task time-out are the runbook's (overview, section 3);
    `hold_s` follows Azure's advice of 15 to 30 minutes between a stop and a start of an AKS cluster; the
    lease figures are argued in ADR 0003. The three about automatic failover are argued in ADR 0021.
    """

    heartbeat_interval_s: float = 15.0
    request_timeout_s: float = 5.0
    lease_s: float = 60.0
    gateway_margin_s: float = 5.0  # the gateway stops this long before its lease ends
    server_margin_s: float = 10.0  # the next holder waits this long after the lease ends
    heartbeat_timeout_s: float = 120.0  # one missed heartbeat (runbook, overview)
    failure_threshold: int = 3  # missed heartbeats until `failed` (runbook, overview)
    recovery_heartbeats: int = 3  # heartbeats on time before a failed holder is trusted again
    stability_window_s: float = 60.0  # how long the primary must have beaten on time before failback
    task_timeout_s: float = 30.0  # a running task without progress (runbook section 3)
    guarded_transaction_s: float = 5.0  # longest life of a fenced transaction, enforced by PostgreSQL
    cluster_start_timeout_s: float = 900.0  # runbook 1.2 expects 3 to 5 minutes
    cluster_poll_s: float = 15.0
    gateway_boot_timeout_s: float = 600.0
    gateway_poll_s: float = 5.0
    confirm_timeout_s: float = 120.0  # for the new holder to beat under its token
    first_claim_timeout_s: float = 120.0  # lease wait included, so above lease + margin
    drain_timeout_s: float = 60.0
    canary_timeout_s: float = 120.0  # for a drill's canary, from its order to its report
    drill_max_age_s: float = 92 * 86400.0  # a quarter: an older successful drill is overdue
    hold_s: float = 1800.0  # between a failback and the stop of the DR cluster
    approval_timeout_s: float = 900.0  # for a second administrator; ADR 0023
    force_interval_s: float = 600.0  # between two forced failovers of one environment
    retry_s: float = 2.0  # between attempts while a store does not answer
    outage_limit_s: float = 86400.0  # after which an operation stops waiting for a store
    rto_target_s: float = 1800.0  # from the last heartbeat to the end of the failover; decides nothing (ADR 0025)
    alert_age_limit_s: float = 900.0  # an older alert is recorded and not acted on
    auto_cool_down_s: float = 3600.0  # between two automatic failovers of one environment
    auto_failovers_at_once: int = 2  # automatic failovers that may run at one time
    notification_reminder_s: float = 900.0  # between two messages about an incident on which nobody acts

    @property
    def on_time_s(self) -> float:
        """The longest gap between two heartbeats that still counts as on time."""
        return self.heartbeat_interval_s + 2 * self.request_timeout_s

    def faults(self) -> tuple[str, ...]:
        """Every relation between the numbers that does not hold, as sentences; empty when all hold."""
        relations = (
            (self.failure_threshold >= 1, "failure_threshold must be at least 1"),
            (self.recovery_heartbeats >= 1, "recovery_heartbeats must be at least 1"),
            (self.on_time_s <= self.lease_s, "heartbeat_interval_s + 2 * request_timeout_s must not exceed lease_s"),
            (
                self.lease_s + self.server_margin_s <= self.heartbeat_timeout_s,
                "lease_s + server_margin_s must not exceed heartbeat_timeout_s: "
                "a gateway found failed must have lost its lease",
            ),
            (self.gateway_margin_s < self.lease_s, "gateway_margin_s must be below lease_s"),
            (self.task_timeout_s < self.heartbeat_timeout_s, "task_timeout_s must be below heartbeat_timeout_s"),
            (
                self.first_claim_timeout_s > self.lease_s + self.server_margin_s,
                "first_claim_timeout_s must exceed lease_s + server_margin_s: the new holder waits that long",
            ),
            (
                self.alert_age_limit_s > self.failure_threshold * self.heartbeat_timeout_s,
                "alert_age_limit_s must exceed failure_threshold * heartbeat_timeout_s: "
                "an alert must still count when the monitor has found the gateway failed",
            ),
            (self.auto_failovers_at_once >= 1, "auto_failovers_at_once must be at least 1"),
        )
        negative = tuple(f"{name} must be above 0" for name in self.__slots__ if not _above_zero(getattr(self, name)))
        return negative + tuple(sentence for holds, sentence in relations if not holds)


def _above_zero(value: float) -> bool:
    return value > 0
