output "workspace_id" {
  description = "Resource id of the workspace."
  value       = azurerm_log_analytics_workspace.this.id
}

output "insights_id" {
  description = "Resource id of Application Insights."
  value       = azurerm_application_insights.this.id
}

output "insights_connection_string" {
  description = "Connection string of Application Insights. With local authentication off it opens nothing."
  # Marked sensitive, it would hide every app setting in the plan.
  value = nonsensitive(azurerm_application_insights.this.connection_string)
}

output "publisher_assignment_ids" {
  description = "Ids of the rights to send telemetry, by the name of the sender; the function app waits for them."
  value       = { for name, assignment in azurerm_role_assignment.publisher : name => assignment.id }
}
