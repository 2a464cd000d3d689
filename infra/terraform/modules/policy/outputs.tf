output "cluster_actions" {
  description = "Actions of the control plane's custom role by site: exactly these, on that site's cluster only."
  value       = local.cluster_actions
}

output "host_storage_roles" {
  description = "Built-in roles of the control plane on the Functions host's storage account."
  value       = local.host_storage_roles
}

output "lock_storage_roles" {
  description = "Built-in roles of the control plane on the storage account with the locks."
  value       = local.lock_storage_roles
}

output "app_roles" {
  description = "Application roles of the API by value, each with its fixed id."
  value       = local.app_roles
}

output "app_settings" {
  description = "All app settings of the function app by name."
  value       = local.app_settings
}

output "alerts" {
  description = "The alert catalogue by kind of rule."
  value = {
    log             = local.log_alerts
    metric          = local.metric_alerts
    availability    = local.availability_alert
    resource_health = local.resource_health_alerts
    service_health  = local.service_health_alerts
    administrative  = local.administrative_alerts
  }
}
