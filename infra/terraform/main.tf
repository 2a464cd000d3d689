module "naming" {
  source = "./modules/naming"

  workload    = var.workload
  environment = var.environment
  unique      = var.unique
}

resource "azurerm_resource_group" "this" {
  for_each = var.regions

  name     = module.naming.resource_groups[each.key]
  location = each.value
  tags     = local.tags
}

module "policy" {
  source = "./modules/policy"

  environment                = var.environment
  primary_gateway_id         = local.gateway_ids.primary
  control_plane_principal_id = module.control_plane.identity.principal_id
  lock_storage_name          = module.naming.control_plane.lock_storage
  host_storage_name          = module.naming.control_plane.host_storage
  identity_client_id         = module.control_plane.identity.client_id
  insights_connection_string = module.observability.insights_connection_string
  environments = {
    (var.environment) = {
      dr_cluster      = module.gateway_site["dr"].cluster_id
      primary_cluster = module.gateway_site["primary"].cluster_id
    }
  }
  database_url       = local.database_url
  database_pool_size = var.database.pool_size
  tables_endpoint    = module.control_plane.lock_storage.tables_endpoint
  tenant_id          = var.tenant_id
  api_client_id      = local.registration.client_id
  public_url         = local.public_url
  traces             = var.traces
  notification_channels = var.notification_channels == null ? null : {
    vault_name  = element(split("/", var.notification_channels.vault_id), 8)
    secret_name = var.notification_channels.secret_name
  }
  schedules            = var.schedules
  protocol             = var.protocol
  durable_backend      = var.durable_backend
  scheduler_connection = local.scheduler_connection
}
