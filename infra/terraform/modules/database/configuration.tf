# The same on both servers: a promoted replica must behave like the server it replaces.
locals {
  configuration = {
    "log_checkpoints"          = "on"
    "log_connections"          = "on"
    "log_disconnections"       = "on"
    "require_secure_transport" = "on"
  }
  configured = {
    for pair in setproduct(["primary", "dr"], keys(local.configuration)) :
    "${pair[0]}-${pair[1]}" => { site = pair[0], name = pair[1], value = local.configuration[pair[1]] }
  }
}

resource "azurerm_postgresql_flexible_server_configuration" "this" {
  for_each = local.configured

  name      = each.value.name
  server_id = local.servers[each.value.site].id
  value     = each.value.value
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  for_each = toset(["primary", "dr"])

  name                       = "to-workspace"
  target_resource_id         = local.servers[each.key].id
  log_analytics_workspace_id = var.workspace_id

  enabled_log {
    category = "PostgreSQLLogs"
  }
}
