resource "azuread_service_principal" "azure_monitor" {
  client_id    = local.azure_monitor_client_id
  use_existing = true
}

# By the role's id. The documented script takes the first role of the list, whichever that is: an alert would become an
# administrator.
resource "azuread_app_role_assignment" "azure_monitor" {
  app_role_id         = var.app_roles["alert:ingest"].id
  principal_object_id = azuread_service_principal.azure_monitor.object_id
  resource_object_id  = azuread_service_principal.api.object_id
}
