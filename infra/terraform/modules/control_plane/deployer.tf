# The pipeline's identity: it signs in with the pipeline's own token, and reaches the app and its package, no lock.
locals {
  deployer = var.deployer == null ? toset([]) : toset(["deployer"])
}

resource "azurerm_user_assigned_identity" "deployer" {
  for_each = local.deployer

  name                = var.names.deployer
  resource_group_name = var.resource_group.name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_federated_identity_credential" "deployer" {
  for_each = local.deployer

  name                      = "pipeline"
  user_assigned_identity_id = azurerm_user_assigned_identity.deployer[each.key].id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = var.deployer.issuer
  subject                   = var.deployer.subject
}

resource "azurerm_role_assignment" "deployer_app" {
  for_each = local.deployer

  scope                            = azapi_resource.function_app.id
  role_definition_name             = "Website Contributor"
  principal_id                     = azurerm_user_assigned_identity.deployer[each.key].principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_role_assignment" "deployer_package" {
  for_each = local.deployer

  scope                            = azurerm_storage_container.packages.id
  role_definition_name             = "Storage Blob Data Contributor"
  principal_id                     = azurerm_user_assigned_identity.deployer[each.key].principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
