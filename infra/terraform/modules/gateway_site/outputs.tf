output "cluster_id" {
  description = "Resource id of the cluster."
  value       = azurerm_kubernetes_cluster.this.id
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = azurerm_kubernetes_cluster.this.name
}

output "gateway_client_id" {
  description = "Client id of the gateway's identity: AZURE_MANAGED_IDENTITY_CLIENT_ID of this site."
  value       = azurerm_user_assigned_identity.gateway.client_id
}

output "gateway_principal_id" {
  description = "Object id of the gateway's identity."
  value       = azurerm_user_assigned_identity.gateway.principal_id
}

output "role_assignment_id" {
  description = "Id of the control plane's right on the cluster; the function app waits for it."
  value       = azurerm_role_assignment.control_plane.id
}
