# Two resources and no for_each: the replica has no high availability and no geo-backup until it is promoted, and after a
# promotion the roles are swapped, which Terraform must leave alone.
resource "azurerm_postgresql_flexible_server" "primary" {
  name                          = var.names.primary
  resource_group_name           = var.resource_groups.primary
  location                      = var.locations.primary
  version                       = var.server.version
  sku_name                      = var.server.sku_name
  storage_mb                    = var.server.storage_mb
  auto_grow_enabled             = true
  backup_retention_days         = var.server.backup_retention_days
  geo_redundant_backup_enabled  = var.server.geo_redundant_backup_enabled
  public_network_access_enabled = !var.private
  tags                          = var.tags

  authentication {
    active_directory_auth_enabled = true
    password_auth_enabled         = false
    tenant_id                     = var.tenant_id
  }

  dynamic "high_availability" {
    for_each = var.server.zone_redundant ? ["ZoneRedundant"] : []

    content {
      mode = high_availability.value
    }
  }

  lifecycle {
    # Azure moves zones on a failover inside the region; a promotion swaps the roles of the servers and drops high
    # availability, and auto-grow raises the size.
    ignore_changes = [zone, high_availability, create_mode, source_server_id, replication_role, storage_mb]
  }
}

resource "azurerm_postgresql_flexible_server" "dr" {
  name                          = var.names.dr
  resource_group_name           = var.resource_groups.dr
  location                      = var.locations.dr
  create_mode                   = "Replica"
  source_server_id              = azurerm_postgresql_flexible_server.primary.id
  version                       = var.server.version
  sku_name                      = var.server.sku_name
  storage_mb                    = var.server.storage_mb
  auto_grow_enabled             = true
  public_network_access_enabled = !var.private
  tags                          = var.tags

  # A promotion does not carry it over from the primary.
  authentication {
    active_directory_auth_enabled = true
    password_auth_enabled         = false
    tenant_id                     = var.tenant_id
  }

  lifecycle {
    ignore_changes = [
      zone, high_availability, create_mode, source_server_id, replication_role, storage_mb, backup_retention_days,
      geo_redundant_backup_enabled,
    ]
  }

  depends_on = [azurerm_postgresql_flexible_server_active_directory_administrator.primary]
}

# A precondition of "promote to primary". Its writer name follows the promotion.
resource "azurerm_postgresql_flexible_server_virtual_endpoint" "this" {
  name              = var.names.virtual_endpoint
  source_server_id  = azurerm_postgresql_flexible_server.primary.id
  replica_server_id = azurerm_postgresql_flexible_server.dr.id
  type              = "ReadWrite"

  lifecycle {
    ignore_changes = [source_server_id, replica_server_id]
  }
}

resource "azurerm_postgresql_flexible_server_database" "this" {
  name      = "gatewaydr"
  server_id = azurerm_postgresql_flexible_server.primary.id
  charset   = "UTF8"
  collation = "en_US.utf8"

  lifecycle {
    ignore_changes = [server_id]
  }
}
