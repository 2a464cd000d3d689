module "gateway_site" {
  source   = "./modules/gateway_site"
  for_each = toset(["primary", "dr"])

  names                      = module.naming.sites[each.key]
  resource_group             = { name = azurerm_resource_group.this[each.key].name, id = azurerm_resource_group.this[each.key].id }
  location                   = var.regions[each.key]
  tags                       = merge(local.tags, { site = each.key })
  tenant_id                  = var.tenant_id
  cold_standby               = each.key == "dr"
  admin_group_object_id      = var.admins_group_object_id
  kubernetes                 = var.kubernetes
  control_plane_principal_id = module.control_plane.identity.principal_id
  control_plane_actions      = module.policy.cluster_actions[each.key]
  workspace_id               = module.observability.workspace_id
}

# The vaults hold what is rotated and outlive this configuration, so it grants and does not own them. Both gateways write
# to all of them: the one that takes over must be able to finish a rotation the other began.
resource "azurerm_role_assignment" "vault" {
  for_each = { for pair in setproduct(["primary", "dr"], keys(var.vault_ids)) : "${pair[0]}-${pair[1]}" => { site = pair[0], vault = pair[1] } }

  scope                            = var.vault_ids[each.value.vault]
  role_definition_name             = "Key Vault Secrets Officer"
  principal_id                     = module.gateway_site[each.value.site].gateway_principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
