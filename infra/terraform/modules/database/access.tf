locals {
  servers = {
    primary = azurerm_postgresql_flexible_server.primary
    dr      = azurerm_postgresql_flexible_server.dr
  }
  doors = var.private ? {} : {
    for pair in setproduct(["primary", "dr"], keys(var.admitted_addresses)) :
    "${pair[0]}-${pair[1]}" => { site = pair[0], address = var.admitted_addresses[pair[1]] }
  }
}

resource "azurerm_postgresql_flexible_server_active_directory_administrator" "primary" {
  server_name         = azurerm_postgresql_flexible_server.primary.name
  resource_group_name = var.resource_groups.primary
  tenant_id           = var.tenant_id
  object_id           = var.admin_group.object_id
  principal_name      = var.admin_group.name
  principal_type      = "Group"
}

resource "azurerm_postgresql_flexible_server_firewall_rule" "this" {
  for_each = local.doors

  name             = each.key
  server_id        = local.servers[each.value.site].id
  start_ip_address = each.value.address
  end_ip_address   = each.value.address
}

resource "azurerm_management_lock" "this" {
  for_each = var.delete_lock ? toset(["primary", "dr"]) : []

  name       = "do-not-delete"
  scope      = local.servers[each.key].id
  lock_level = "CanNotDelete"
  notes      = "Leases, tasks and the mirror of the fencing tokens."
}
