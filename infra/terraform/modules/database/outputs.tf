output "server_ids" {
  description = "Resource ids of the servers by site."
  value       = { for site, server in local.servers : site => server.id }
}

output "server_hosts" {
  description = "Host names of the servers by site, for administration and promotion."
  value       = { for site, server in local.servers : site => server.fqdn }
}

output "writer_host" {
  description = "Host name that always leads to the server that takes writes."
  value       = "${azurerm_postgresql_flexible_server_virtual_endpoint.this.name}.writer.postgres.database.azure.com"
}

output "database_name" {
  description = "Name of the control plane's database."
  value       = azurerm_postgresql_flexible_server_database.this.name
}
