output "control_plane_url" {
  description = "Base URL of the control plane without /api: MAZEVAULT_CONTROL_PLANE_URL of the gateways."
  value       = "https://${module.control_plane.function_app.hostname}"
}

output "function_app" {
  description = "Name, resource id and resource group of the function app, for the deployment."
  value = {
    name           = module.control_plane.function_app.name
    id             = module.control_plane.function_app.id
    resource_group = azurerm_resource_group.this["witness"].name
  }
}

output "resource_groups" {
  description = "Names of the resource groups by place."
  value       = { for place, group in azurerm_resource_group.this : place => group.name }
}

output "api" {
  description = "The API's registration: audience of accepted tokens and the URI to ask for them."
  value       = { client_id = local.registration.client_id, identifier_uri = local.registration.identifier_uri }
}

output "clusters" {
  description = "Name, resource group and resource id of each cluster, for az and kubectl."
  value = {
    for site, cluster in module.gateway_site : site => {
      name           = cluster.cluster_name
      resource_group = azurerm_resource_group.this[site].name
      id             = cluster.cluster_id
    }
  }
}

output "storage" {
  description = "The two storage accounts: of the Functions host, and of the locks with its table endpoint."
  value = {
    host          = module.control_plane.host_storage.name
    lock          = module.control_plane.lock_storage.name
    lock_endpoint = module.control_plane.lock_storage.tables_endpoint
  }
}

output "database" {
  description = "Host names for administration and promotion, and the writer name the app uses."
  value = {
    servers = module.database.server_hosts
    writer  = module.database.writer_host
    name    = module.database.database_name
  }
}

output "database_principals" {
  description = "Identities that need a database role, by the role's name: object ids for pgaadauth_create_principal_with_oid."
  value = merge(
    { (module.control_plane.identity.name) = module.control_plane.identity.principal_id },
    module.control_plane.deployer == null ? {} : { (module.naming.control_plane.deployer) = module.control_plane.deployer.principal_id },
  )
}

output "deployer_client_id" {
  description = "Client id the pipeline signs in with; null without a deployer."
  value       = try(module.control_plane.deployer.client_id, null)
}

output "action_groups" {
  description = "Resource ids of the action groups: the control plane's webhook, and people."
  value       = module.alerts.action_group_ids
}
