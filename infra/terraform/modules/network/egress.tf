# Without private endpoints PostgreSQL admits exactly one address: this one. Opening the server to "Azure services" would
# admit every customer's.
locals {
  egress = var.private_endpoints ? toset([]) : toset(["egress"])
}

resource "azurerm_public_ip" "egress" {
  for_each = local.egress

  name                = "pip-${var.name}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1", "2", "3"]
  tags                = var.tags
}

resource "azurerm_nat_gateway" "egress" {
  for_each = local.egress

  name                = "ng-${var.name}"
  resource_group_name = var.resource_group_name
  location            = var.location
  sku_name            = "Standard"
  tags                = var.tags
}

resource "azurerm_nat_gateway_public_ip_association" "egress" {
  for_each = local.egress

  nat_gateway_id       = azurerm_nat_gateway.egress[each.key].id
  public_ip_address_id = azurerm_public_ip.egress[each.key].id
}

resource "azurerm_subnet_nat_gateway_association" "egress" {
  for_each = local.egress

  subnet_id      = azurerm_subnet.functions.id
  nat_gateway_id = azurerm_nat_gateway.egress[each.key].id
}
