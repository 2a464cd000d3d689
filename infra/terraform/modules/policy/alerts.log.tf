# Log search rules. `intent` says what the control plane makes of an alert, `audience` who is told: "control_plane" means
# the secure webhook and people, "people" means people only. An alert that stems from the monitor's own verdict goes to
# people only: an automatic failover needs evidence that the monitor did not produce itself.
locals {
  # The Functions host writes one request row per execution of any function, whatever the function itself logs.
  ticks = <<-KQL
    AppRequests
    | where OperationName == "health_monitor" and Success == true
  KQL

  # Counts only while the monitor ticks: with the whole control plane silent, silence of a gateway is no evidence.
  primary_silence = <<-KQL
    AppRequests
    | where OperationName in ("health_monitor", "heartbeat")
    | summarize
        ticks = countif(OperationName == "health_monitor"),
        beats = countif(OperationName == "heartbeat"
          and Url has "/api/v1/gateways/${var.primary_gateway_id}/heartbeat"
          and toint(ResultCode) between (200 .. 299))
    | where ticks > 0 and beats == 0
  KQL

  foreign_writes = <<-KQL
    StorageTableLogs
    | where AccountName == "${var.lock_storage_name}" and StatusText == "Success"
    | where Category in ("StorageWrite", "StorageDelete")
    | where RequesterObjectId != "${var.control_plane_principal_id}"
  KQL

  ingestion_stopped = <<-KQL
    _LogOperation
    | where Category =~ "Ingestion" and Detail has "OverQuota"
  KQL

  # One JSON object per log line; `has` narrows by the index before anything is parsed.
  events = {
    for event in [
      "authority.regressed", "gateway.failed", "mirror.pending", "monitor.blind", "notification_channels.unresolved",
      "request.failed",
    ] : event => <<-KQL
      AppTraces
      | where Message has "${event}"
      | where tostring(parse_json(Message).event) == "${event}"
    KQL
  }

  log_alerts = {
    # The dead-man's switch: Azure Monitor looks, so a Functions timer that died silently is found, and so is a workspace
    # that stopped taking data in (ADR 0017).
    monitor_silent = {
      description = "The health monitor has not run for five minutes: nothing detects a dead gateway."
      intent      = "signal", audience = "people", severity = 0
      query       = local.ticks, operator = "LessThan", threshold = 1, frequency = "PT1M", window = "PT5M"
    }
    primary_silent = {
      description = "The control plane works and has received no heartbeat of the primary gateway for five minutes."
      intent      = "primary-failed", audience = "control_plane", severity = 0
      query       = local.primary_silence, operator = "GreaterThan", threshold = 0, frequency = "PT1M", window = "PT5M"
    }
    gateway_failed = {
      description = "The health monitor has marked the holder failed: decide on a failover (runbook 1.1)."
      intent      = "signal", audience = "people", severity = 1
      query       = local.events["gateway.failed"], operator = "GreaterThan", threshold = 0, frequency = "PT1M", window = "PT5M"
    }
    authority_regressed = {
      description = "The lock is older than the mirror; nothing acts until the authority is restored."
      intent      = "signal", audience = "people", severity = 0
      query       = local.events["authority.regressed"], operator = "GreaterThan", threshold = 0, frequency = "PT5M", window = "PT5M"
    }
    monitor_blind = {
      description = "The health monitor runs and cannot see: no verdict is written."
      intent      = "signal", audience = "people", severity = 1
      query       = local.events["monitor.blind"], operator = "GreaterThan", threshold = 8, frequency = "PT5M", window = "PT5M"
    }
    mirror_pending = {
      description = "PostgreSQL has not taken the fence for fifteen minutes; the new holder gets no work."
      intent      = "signal", audience = "people", severity = 1
      query       = local.events["mirror.pending"], operator = "GreaterThan", threshold = 10, frequency = "PT5M", window = "PT15M"
    }
    requests_fail = {
      description = "Requests end in faults of the control plane itself."
      intent      = "signal", audience = "people", severity = 2
      query       = local.events["request.failed"], operator = "GreaterThan", threshold = 10, frequency = "PT5M", window = "PT15M"
    }
    nobody_is_notified = {
      description = "The secret with the notification channels was not resolved: the control plane works on and tells nobody."
      intent      = "signal", audience = "people", severity = 1
      query       = local.events["notification_channels.unresolved"], operator = "GreaterThan", threshold = 0, frequency = "PT5M", window = "PT15M"
    }
    lock_written_by_another = {
      description = "Somebody other than the control plane wrote to the tables with the locks."
      intent      = "signal", audience = "people", severity = 0
      query       = local.foreign_writes, operator = "GreaterThan", threshold = 0, frequency = "PT5M", window = "PT15M"
    }
    workspace_over_quota = {
      description = "The workspace takes no more data in today: the other log alerts are blind or fire for nothing."
      intent      = "signal", audience = "people", severity = 1
      query       = local.ingestion_stopped, operator = "GreaterThan", threshold = 0, frequency = "PT15M", window = "PT15M"
    }
  }
}
