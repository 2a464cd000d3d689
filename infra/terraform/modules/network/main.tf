resource "azurerm_virtual_network" "this" {
  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = [var.address_space]
  tags                = var.tags
}

# The name has no underscore and nothing else lives in this subnet: both are conditions of Flex Consumption.
resource "azurerm_subnet" "functions" {
  name                 = "snet-functions"
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [cidrsubnet(var.address_space, 2, 0)]

  delegation {
    name = "flex-consumption"

    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }

  dynamic "service_endpoint" {
    for_each = var.private_endpoints ? [] : ["Microsoft.Storage"]

    content {
      service = service_endpoint.value
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  for_each = var.private_endpoints ? toset(["endpoints"]) : []

  name                              = "snet-endpoints"
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.this.name
  address_prefixes                  = [cidrsubnet(var.address_space, 2, 1)]
  private_endpoint_network_policies = "Enabled"
}

resource "azurerm_network_security_group" "this" {
  for_each = merge({ functions = azurerm_subnet.functions.id }, { for name, subnet in azurerm_subnet.endpoints : name => subnet.id })

  name                = "nsg-${var.name}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_subnet_network_security_group_association" "this" {
  for_each = merge({ functions = azurerm_subnet.functions.id }, { for name, subnet in azurerm_subnet.endpoints : name => subnet.id })

  subnet_id                 = each.value
  network_security_group_id = azurerm_network_security_group.this[each.key].id
}
