output "identity" {
  description = "The control plane's identity."
  value = {
    name         = azurerm_user_assigned_identity.this.name
    client_id    = azurerm_user_assigned_identity.this.client_id
    principal_id = azurerm_user_assigned_identity.this.principal_id
  }
}

output "deployer" {
  description = "The pipeline's identity, or null."
  value = one([for identity in azurerm_user_assigned_identity.deployer : {
    client_id    = identity.client_id
    principal_id = identity.principal_id
  }])
}

output "function_app" {
  description = "The function app: name, resource id, host name."
  value = {
    name     = azapi_resource.function_app.name
    id       = azapi_resource.function_app.id
    hostname = azapi_resource.function_app.output.properties.defaultHostName
  }
}

output "host_storage" {
  description = "The storage account of the Functions host."
  value       = { name = azurerm_storage_account.host.name, id = azurerm_storage_account.host.id }
}

output "lock_storage" {
  description = "The storage account with the locks."
  value = {
    name            = azurerm_storage_account.lock.name
    id              = azurerm_storage_account.lock.id
    tables_endpoint = azurerm_storage_account.lock.primary_table_endpoint
  }
}

output "scheduler_endpoint" {
  description = "Endpoint of the Durable Task Scheduler; empty with the other backend."
  value       = join("", [for scheduler in azapi_resource.scheduler : scheduler.output.properties.endpoint])
}
