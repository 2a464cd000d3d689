output "action_group_ids" {
  description = "Resource ids of the action groups: the control plane's webhook, and people."
  value = {
    control_plane = azurerm_monitor_action_group.control_plane.id
    people        = azurerm_monitor_action_group.people.id
  }
}

output "rule_properties" {
  description = "What every rule tells its receiver, by rule."
  value       = local.properties
}

output "watched_regions" {
  description = "Names of the regions whose incidents are alerts."
  value       = tolist(flatten([for rule in azurerm_monitor_activity_log_alert.service_health : [for criteria in rule.criteria : [for health in criteria.service_health : health.locations]]]))
}
