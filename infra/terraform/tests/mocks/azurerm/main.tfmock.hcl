# Well-formed ids of everything that others refer to: the provider refuses the random ones of a bare mock.

mock_resource "azurerm_resource_group" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock"
  }
}

mock_resource "azurerm_virtual_network" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/virtualNetworks/vnet-mock"
  }
}

mock_resource "azurerm_subnet" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/virtualNetworks/vnet-mock/subnets/snet-mock"
  }
}

mock_resource "azurerm_network_security_group" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/networkSecurityGroups/nsg-mock"
  }
}

mock_resource "azurerm_private_dns_zone" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
  }
}

mock_resource "azurerm_private_endpoint" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/privateEndpoints/pe-mock"
  }
}

mock_resource "azurerm_public_ip" {
  defaults = {
    id         = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/publicIPAddresses/pip-mock"
    ip_address = "203.0.113.10"
  }
}

mock_resource "azurerm_nat_gateway" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/natGateways/ng-mock"
  }
}

mock_resource "azurerm_subnet_nat_gateway_association" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Network/virtualNetworks/vnet-mock/subnets/snet-mock"
  }
}

mock_resource "azurerm_user_assigned_identity" {
  defaults = {
    id           = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-mock"
    client_id    = "00000000-0000-4000-8000-0000000000c1"
    principal_id = "00000000-0000-4000-8000-0000000000c2"
    tenant_id    = "00000000-0000-4000-8000-000000000001"
  }
}

mock_resource "azurerm_storage_account" {
  defaults = {
    id                     = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Storage/storageAccounts/stmock"
    primary_blob_endpoint  = "https://stmock.blob.core.windows.net/"
    primary_table_endpoint = "https://stmock.table.core.windows.net/"
  }
}

mock_resource "azurerm_storage_container" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Storage/storageAccounts/stmock/blobServices/default/containers/app-package"
  }
}

mock_resource "azurerm_service_plan" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Web/serverFarms/asp-mock"
  }
}

mock_resource "azurerm_log_analytics_workspace" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.OperationalInsights/workspaces/log-mock"
  }
}

mock_resource "azurerm_application_insights" {
  defaults = {
    id                = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Insights/components/appi-mock"
    connection_string = "InstrumentationKey=0;IngestionEndpoint=https://mock.example.com/"
  }
}

mock_resource "azurerm_application_insights_standard_web_test" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Insights/webTests/wt-mock"
  }
}

mock_resource "azurerm_monitor_action_group" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Insights/actionGroups/ag-mock"
  }
}

mock_resource "azurerm_kubernetes_cluster" {
  defaults = {
    id              = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.ContainerService/managedClusters/aks-mock"
    oidc_issuer_url = "https://mock.oic.example.com/tenant/issuer/"
  }
}

mock_resource "azurerm_postgresql_flexible_server" {
  defaults = {
    id   = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-mock"
    fqdn = "psql-mock.postgres.database.azure.com"
  }
}

mock_resource "azurerm_role_definition" {
  defaults = {
    role_definition_resource_id = "/subscriptions/00000000-0000-4000-8000-000000000011/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-0000000000d1"
  }
}

mock_resource "azurerm_role_assignment" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/rg-mock/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000000d2"
  }
}

mock_data "azurerm_location" {
  defaults = {
    display_name = "West Europe"
  }
}
