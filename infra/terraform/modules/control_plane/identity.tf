# User-assigned, so that its rights can exist before the app does.
resource "azurerm_user_assigned_identity" "this" {
  name                = var.names.identity
  resource_group_name = var.resource_group.name
  location            = var.location
  tags                = var.tags
}
