# Service Health names regions the way people do; with the short name the alert would match nothing and never fire.
data "azurerm_location" "this" {
  for_each = var.regions

  location = each.value
}

module "alerts" {
  source = "./modules/alerts"

  environment    = var.environment
  names          = merge(module.naming.control_plane, { base = module.naming.base })
  resource_group = { name = azurerm_resource_group.this["witness"].name, id = azurerm_resource_group.this["witness"].id }
  location       = var.regions.witness
  tags           = local.tags
  catalogue      = module.policy.alerts
  targets = {
    primary_cluster  = module.gateway_site["primary"].cluster_id
    database_primary = module.database.server_ids["primary"]
    database_dr      = module.database.server_ids["dr"]
    lock_storage     = module.control_plane.lock_storage.id
    host_storage     = module.control_plane.host_storage.id
    witness_group    = azurerm_resource_group.this["witness"].id
  }
  workspace_id    = module.observability.workspace_id
  insights_id     = module.observability.insights_id
  subscription_id = var.subscription_id
  regions         = concat(["Global"], [for region in data.azurerm_location.this : region.display_name])
  hostname        = module.control_plane.function_app.hostname
  webhook         = { object_id = local.registration.object_id, identifier_uri = local.registration.identifier_uri }
  tenant_id       = var.tenant_id
  oncall_emails   = var.oncall_emails
  budget          = var.budget
}
