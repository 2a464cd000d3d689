# Keys, leases and the package of the Functions host, and Durable's task hub. Zone redundancy of the app requires ZRS.
resource "azurerm_storage_account" "host" {
  name                = var.names.host_storage
  resource_group_name = var.resource_group.name
  location            = var.location
  tags                = var.tags

  account_tier             = "Standard"
  account_replication_type = "ZRS"
  access_tier              = "Hot"
  min_tls_version          = "TLS1_2"

  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  allow_nested_items_to_be_public   = false
  local_user_enabled                = false
  cross_tenant_replication_enabled  = false
  allowed_copy_scope                = "AAD"
  infrastructure_encryption_enabled = true
  public_network_access_enabled     = !var.private

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 14
    }
    container_delete_retention_policy {
      days = 14
    }
  }

  network_rules {
    default_action             = "Deny"
    bypass                     = ["AzureServices"]
    virtual_network_subnet_ids = var.private ? [] : [var.subnet_id]
  }
}

resource "azurerm_storage_container" "packages" {
  name                  = "app-package"
  storage_account_id    = azurerm_storage_account.host.id
  container_access_type = "private"
}

resource "azurerm_role_assignment" "host_storage" {
  for_each = var.host_storage_roles

  scope                            = azurerm_storage_account.host.id
  role_definition_name             = each.value
  principal_id                     = azurerm_user_assigned_identity.this.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
