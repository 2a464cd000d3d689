module "observability" {
  source = "./modules/observability"

  workspace_name          = module.naming.control_plane.workspace
  insights_name           = module.naming.control_plane.insights
  resource_group_name     = azurerm_resource_group.this["witness"].name
  location                = var.regions.witness
  tags                    = local.tags
  retention_days          = var.logs.retention_days
  daily_quota_gb          = var.logs.daily_quota_gb
  publisher_principal_ids = { control_plane = module.control_plane.identity.principal_id }
}

module "network" {
  source = "./modules/network"

  name                = module.naming.control_plane.network
  resource_group_name = azurerm_resource_group.this["witness"].name
  location            = var.regions.witness
  tags                = local.tags
  address_space       = var.address_space
  private_endpoints   = var.private_endpoints
  targets = {
    host-blob  = { resource_id = module.control_plane.host_storage.id, subresource = "blob", zone = "privatelink.blob.core.windows.net" }
    host-queue = { resource_id = module.control_plane.host_storage.id, subresource = "queue", zone = "privatelink.queue.core.windows.net" }
    host-table = { resource_id = module.control_plane.host_storage.id, subresource = "table", zone = "privatelink.table.core.windows.net" }
    lock-table = { resource_id = module.control_plane.lock_storage.id, subresource = "table", zone = "privatelink.table.core.windows.net" }
    db-primary = { resource_id = module.database.server_ids["primary"], subresource = "postgresqlServer", zone = "privatelink.postgres.database.azure.com" }
    db-dr      = { resource_id = module.database.server_ids["dr"], subresource = "postgresqlServer", zone = "privatelink.postgres.database.azure.com" }
  }
}

module "control_plane" {
  source = "./modules/control_plane"

  names              = module.naming.control_plane
  resource_group     = { name = azurerm_resource_group.this["witness"].name, id = azurerm_resource_group.this["witness"].id }
  location           = var.regions.witness
  tags               = local.tags
  app_settings       = module.policy.app_settings
  host_storage_roles = module.policy.host_storage_roles
  lock_storage_roles = module.policy.lock_storage_roles
  tables             = local.tables
  function           = var.function
  private            = var.private_endpoints
  subnet_id          = module.network.functions_subnet_id
  egress_addresses   = module.network.egress_addresses
  start_after = concat(
    module.network.path_ids,
    [for site in module.gateway_site : site.role_assignment_id],
    values(module.observability.publisher_assignment_ids),
    [for right in azurerm_role_assignment.notification_channels : right.id],
  )
  durable_backend = var.durable_backend
  task_hub        = local.task_hub
  deployer        = var.deployer
  workspace_id    = module.observability.workspace_id
  delete_lock     = var.delete_locks
}

# The one secret and no other: what the gateways rotate is none of the control plane's business.
resource "azurerm_role_assignment" "notification_channels" {
  for_each = var.notification_channels == null ? {} : { channels = var.notification_channels }

  scope                            = "${each.value.vault_id}/secrets/${each.value.secret_name}"
  role_definition_name             = "Key Vault Secrets User"
  principal_id                     = module.control_plane.identity.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

module "database" {
  source = "./modules/database"

  names = {
    primary          = module.naming.sites["primary"].database
    dr               = module.naming.sites["dr"].database
    virtual_endpoint = module.naming.virtual_endpoint
  }
  resource_groups    = { for site in ["primary", "dr"] : site => azurerm_resource_group.this[site].name }
  locations          = { primary = var.regions.primary, dr = var.regions.dr }
  tags               = local.tags
  tenant_id          = var.tenant_id
  admin_group        = var.database_admin_group
  server             = var.database
  private            = var.private_endpoints
  admitted_addresses = var.private_endpoints ? {} : { control-plane = one(module.network.egress_addresses) }
  workspace_id       = module.observability.workspace_id
  delete_lock        = var.delete_locks
}
