resource "azurerm_monitor_diagnostic_setting" "function_app" {
  name                       = "to-workspace"
  target_resource_id         = azapi_resource.function_app.id
  log_analytics_workspace_id = var.workspace_id

  enabled_log {
    category = "FunctionAppLogs"
  }
}

# Who wrote to the locks, from outside the product: the alert on foreign writes reads it.
resource "azurerm_monitor_diagnostic_setting" "lock_tables" {
  name                       = "to-workspace"
  target_resource_id         = "${azurerm_storage_account.lock.id}/tableServices/default"
  log_analytics_workspace_id = var.workspace_id

  enabled_log {
    category = "StorageWrite"
  }
  enabled_log {
    category = "StorageDelete"
  }
}

resource "azurerm_monitor_diagnostic_setting" "packages" {
  name                       = "to-workspace"
  target_resource_id         = "${azurerm_storage_account.host.id}/blobServices/default"
  log_analytics_workspace_id = var.workspace_id

  enabled_log {
    category = "StorageDelete"
  }
}
