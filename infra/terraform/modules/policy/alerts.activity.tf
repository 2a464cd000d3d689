# Activity log rules. They are stateless: an outage that ends is another alert, never a "resolved" one.
locals {
  # Reasons of Resource Health without "UserInitiated": our own drills stop clusters.
  not_us = ["PlatformInitiated", "Unknown"]

  resource_health_alerts = {
    primary_unavailable = {
      description = "Azure reports the primary cluster unavailable."
      intent      = "primary-failed", audience = "control_plane", target = "primary_cluster"
      current     = ["Unavailable"], previous = ["Available", "Degraded", "Unknown"], reason = local.not_us
    }
    primary_degraded = {
      description = "Azure reports the primary cluster degraded."
      intent      = "signal", audience = "control_plane", target = "primary_cluster"
      current     = ["Degraded"], previous = ["Available"], reason = local.not_us
    }
    primary_available_again = {
      description = "Azure reports the primary cluster available again. Nothing fails back by itself."
      intent      = "primary-recovered", audience = "control_plane", target = "primary_cluster"
      current     = ["Available"], previous = ["Unavailable", "Degraded"], reason = local.not_us
    }
    database_unavailable = {
      description = "Azure reports the primary PostgreSQL server unavailable or degraded."
      intent      = "signal", audience = "people", target = "database_primary"
      current     = ["Unavailable", "Degraded"], previous = ["Available"], reason = local.not_us
    }
  }

  service_health_alerts = {
    region_incident = {
      description = "Azure reports an incident in one of the three regions."
      intent      = "signal", audience = "control_plane", events = ["Incident"]
    }
    region_maintenance = {
      description = "Azure plans maintenance in one of the three regions."
      intent      = "signal", audience = "people", events = ["Maintenance"]
    }
  }

  administrative_alerts = {
    delete_lock_removed = {
      description = "A delete lock of the control plane's resource group was removed."
      intent      = "signal", audience = "people", target = "witness_group"
      operation   = "Microsoft.Authorization/locks/delete"
    }
  }
}
