resource "azurerm_user_assigned_identity" "gateway" {
  name                = var.names.gateway_identity
  resource_group_name = var.resource_group.name
  location            = var.location
  tags                = var.tags
}

# The issuer's URL survives a stop and a start of the cluster; a cluster that was deleted and made anew has another.
resource "azurerm_federated_identity_credential" "gateway" {
  name                      = "gateway"
  user_assigned_identity_id = azurerm_user_assigned_identity.gateway.id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = azurerm_kubernetes_cluster.this.oidc_issuer_url
  subject                   = "system:serviceaccount:${var.kubernetes.namespace}:${var.kubernetes.service_account}"
}
