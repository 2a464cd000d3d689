resource "azurerm_service_plan" "this" {
  name                   = var.names.plan
  resource_group_name    = var.resource_group.name
  location               = var.location
  os_type                = "Linux"
  sku_name               = "FC1"
  zone_balancing_enabled = var.function.zone_redundant
  tags                   = var.tags
}

# What the app waits for and this module does not own.
resource "terraform_data" "start_after" {
  input = var.start_after
}

# Through azapi: azurerm's resource for Flex Consumption always writes a plain AzureWebJobsStorage (ADR 0016).
resource "azapi_resource" "function_app" {
  type      = "Microsoft.Web/sites@2025-03-01"
  name      = var.names.function_app
  parent_id = var.resource_group.id
  location  = var.location
  tags      = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this.id]
  }

  body = {
    kind = "functionapp,linux"
    properties = {
      # Resource Manager answers with this spelling; azapi compares by letter case and would plan a change for ever.
      serverFarmId           = replace(azurerm_service_plan.this.id, "serverFarms", "serverfarms")
      httpsOnly              = true
      publicNetworkAccess    = "Enabled"
      virtualNetworkSubnetId = var.subnet_id
      # References to Key Vault are resolved with the system's identity otherwise, which the app does not have.
      keyVaultReferenceIdentity = azurerm_user_assigned_identity.this.id
      functionAppConfig = {
        deployment = {
          storage = {
            type  = "blobContainer"
            value = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.packages.name}"
            # The resource id here, the client id in the app settings: each place takes only its own.
            authentication = {
              type                           = "UserAssignedIdentity"
              userAssignedIdentityResourceId = azurerm_user_assigned_identity.this.id
            }
          }
        }
        runtime = {
          name    = "python"
          version = var.function.python_version
        }
        scaleAndConcurrency = {
          instanceMemoryMB     = var.function.memory_mb
          maximumInstanceCount = var.function.maximum_instances
          alwaysReady          = [for name, count in var.function.always_ready : { name = name, instanceCount = count }]
          triggers             = { http = { perInstanceConcurrency = 16 } }
        }
      }
      siteConfig = {
        minTlsVersion = "1.2"
        http20Enabled = true
        appSettings   = [for name, value in var.app_settings : { name = name, value = value }]
      }
    }
  }

  response_export_values = ["properties.defaultHostName"]

  # An app that starts before its rights exist fails for minutes, and its first deployment with it.
  depends_on = [
    azurerm_role_assignment.host_storage,
    azurerm_role_assignment.lock_storage,
    azurerm_role_assignment.scheduler,
    azurerm_storage_table.this,
    terraform_data.start_after,
  ]
}

resource "azapi_resource" "no_basic_publishing" {
  for_each = toset(["ftp", "scm"])

  type      = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01"
  name      = each.key
  parent_id = azapi_resource.function_app.id
  body      = { properties = { allow = false } }
}
