# Metric rules; `target` names a scope that the caller resolves. Thresholds without a comment are those of the Azure
# Monitor Baseline Alerts.
locals {
  metric_alerts = {
    primary_without_nodes = {
      description = "The primary cluster has no ready node."
      intent      = "primary-failed", audience = "control_plane", severity = 0
      target      = "primary_cluster", namespace = "Microsoft.ContainerService/managedClusters"
      metric      = "kube_node_status_condition", aggregation = "Average", operator = "LessThan", threshold = 1
      dimensions  = { status2 = "Ready" }
    }
    database_down = {
      description = "The primary PostgreSQL server does not live: no leases, no claims."
      intent      = "signal", audience = "people", severity = 0
      target      = "database_primary", namespace = "Microsoft.DBforPostgreSQL/flexibleServers"
      metric      = "is_db_alive", aggregation = "Maximum", operator = "LessThan", threshold = 1
      dimensions  = {}
    }
    database_replica_down = {
      description = "The replica does not live: the database could not be promoted in the other region."
      intent      = "signal", audience = "people", severity = 1
      target      = "database_dr", namespace = "Microsoft.DBforPostgreSQL/flexibleServers"
      metric      = "is_db_alive", aggregation = "Maximum", operator = "LessThan", threshold = 1
      dimensions  = {}
    }
    database_disk_fills = {
      # At 95 % the server turns read-only; an idle replication slot alone gets it there.
      description = "The primary PostgreSQL server's disk is four fifths full."
      intent      = "signal", audience = "people", severity = 1
      target      = "database_primary", namespace = "Microsoft.DBforPostgreSQL/flexibleServers"
      metric      = "storage_percent", aggregation = "Average", operator = "GreaterThan", threshold = 80
      dimensions  = {}
    }
    database_replica_lags = {
      # Bytes at the primary: the replica's lag in seconds also rises while nothing is written. 256 MiB is some hours of
      # this product's writes.
      description = "The replica is far behind: a forced promotion would lose work."
      intent      = "signal", audience = "people", severity = 1
      target      = "database_primary", namespace = "Microsoft.DBforPostgreSQL/flexibleServers"
      metric      = "physical_replication_delay_in_bytes", aggregation = "Maximum", operator = "GreaterThan", threshold = 268435456
      dimensions  = {}
    }
    lock_storage_unavailable = {
      description = "The storage account with the locks fails requests: no verdicts, no change of holder."
      intent      = "signal", audience = "people", severity = 0
      target      = "lock_storage", namespace = "Microsoft.Storage/storageAccounts"
      metric      = "Availability", aggregation = "Average", operator = "LessThan", threshold = 100
      dimensions  = {}
    }
    host_storage_unavailable = {
      description = "The storage account of the Functions host fails requests: timers and operations may stop."
      intent      = "signal", audience = "people", severity = 1
      target      = "host_storage", namespace = "Microsoft.Storage/storageAccounts"
      metric      = "Availability", aggregation = "Average", operator = "LessThan", threshold = 100
      dimensions  = {}
    }
  }

  # The availability test has a criterion of its own kind.
  availability_alert = {
    description = "The control plane does not answer from the outside."
    intent      = "signal", audience = "people", severity = 0
  }
}
