output "registration" {
  description = "The API's registration: client id (audience of tokens), object id of the application, identifier URI."
  value = {
    client_id      = azuread_application.api.client_id
    object_id      = azuread_application.api.object_id
    identifier_uri = azuread_application_identifier_uri.api.identifier_uri
  }
  # Azure checks the webhook's token when the action group is created.
  depends_on = [azuread_app_role_assignment.azure_monitor]
}

output "assigned_roles" {
  description = "The role of everybody who was given one, by the assignment's name."
  value       = { for name, assignment in var.assignments : name => assignment.role }
  depends_on  = [azuread_app_role_assignment.this]
}
