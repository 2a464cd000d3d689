# A role of our own, because every built-in one that starts a cluster also rewrites it or hands out its credentials.
resource "azurerm_role_definition" "control_plane" {
  name              = var.names.role
  scope             = var.resource_group.id
  description       = "What the gateway control plane may do with the cluster ${var.names.cluster}."
  assignable_scopes = [var.resource_group.id]

  permissions {
    actions = var.control_plane_actions
  }
}

resource "azurerm_role_assignment" "control_plane" {
  scope                            = azurerm_kubernetes_cluster.this.id
  role_definition_id               = azurerm_role_definition.control_plane.role_definition_resource_id
  principal_id                     = var.control_plane_principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
