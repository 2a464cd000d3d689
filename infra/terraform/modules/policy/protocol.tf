# Names of the protocol's numbers (docs/reference/settings.md). A misspelt one would silently leave the default.
locals {
  protocol_names = [
    "heartbeat_interval_s",
    "request_timeout_s",
    "lease_s",
    "gateway_margin_s",
    "server_margin_s",
    "heartbeat_timeout_s",
    "failure_threshold",
    "recovery_heartbeats",
    "stability_window_s",
    "task_timeout_s",
    "guarded_transaction_s",
    "cluster_start_timeout_s",
    "cluster_poll_s",
    "gateway_boot_timeout_s",
    "gateway_poll_s",
    "confirm_timeout_s",
    "first_claim_timeout_s",
    "drain_timeout_s",
    "canary_timeout_s",
    "drill_max_age_s",
    "hold_s",
    "retry_s",
    "outage_limit_s",
    "rto_target_s",
  ]
}
