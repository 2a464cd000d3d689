# Locks, fencing tokens, operations and audit entries, apart from the host: whoever deploys code has no right here. ZRS and not
# a geo-redundant kind: a failover of the account would put an older copy in charge, with lower fencing tokens.
resource "azurerm_storage_account" "lock" {
  name                = var.names.lock_storage
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

resource "azurerm_storage_table" "this" {
  for_each = var.tables

  name               = each.value
  storage_account_id = azurerm_storage_account.lock.id
}

resource "azurerm_role_assignment" "lock_storage" {
  for_each = var.lock_storage_roles

  scope                            = azurerm_storage_account.lock.id
  role_definition_name             = each.value
  principal_id                     = azurerm_user_assigned_identity.this.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
