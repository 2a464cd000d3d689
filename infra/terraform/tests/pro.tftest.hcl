mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

mock_provider "azuread" {
  source = "./tests/mocks/azuread"
}

# The values of env/pro.tfvars; a Python test holds the two together.
variables {
  subscription_id = "00000000-0000-4000-8000-000000000012"
  tenant_id       = "00000000-0000-4000-8000-000000000001"

  environment = "PRO"
  unique      = "mv01"
  regions     = { primary = "westeurope", dr = "northeurope", witness = "swedencentral" }
  tags        = { criticality = "high" }

  admins_group_object_id    = "00000000-0000-4000-8000-0000000000b1"
  operators_group_object_id = "00000000-0000-4000-8000-0000000000b2"
  readers_group_object_id   = "00000000-0000-4000-8000-0000000000b3"
  database_admin_group      = { object_id = "00000000-0000-4000-8000-0000000000b4", name = "grp-gateway-pro-database" }
  oncall_emails             = { platform = "platform-oncall@example.com", security = "security-oncall@example.com" }

  function          = { zone_redundant = true }
  private_endpoints = true

  budget = { amount = 400, start = "2027-01-01T00:00:00Z" }
}

run "azure_storage_with_private_endpoints" {
  command = apply

  variables {
    durable_backend   = "azure_storage"
    private_endpoints = true
  }
  assert {
    condition     = !contains(keys(module.policy.app_settings), "DURABLE_TASK_SCHEDULER_CONNECTION_STRING")
    error_message = "With Azure Storage there is no scheduler."
  }
  assert {
    condition     = module.control_plane.scheduler_endpoint == ""
    error_message = "With Azure Storage no scheduler is made."
  }
  assert {
    condition     = length(module.network.egress_addresses) == 0
    error_message = "Private endpoints need no public address."
  }
}

run "azure_storage_without_private_endpoints" {
  command = apply

  variables {
    durable_backend   = "azure_storage"
    private_endpoints = false
  }
  assert {
    condition     = !contains(keys(module.policy.app_settings), "DURABLE_TASK_SCHEDULER_CONNECTION_STRING")
    error_message = "With Azure Storage there is no scheduler."
  }
  assert {
    condition     = module.control_plane.scheduler_endpoint == ""
    error_message = "With Azure Storage no scheduler is made."
  }
  assert {
    condition     = length(module.network.egress_addresses) == 1
    error_message = "PostgreSQL admits one address, so there must be one."
  }
}

run "durable_task_scheduler_with_private_endpoints" {
  command = apply

  variables {
    durable_backend   = "durable_task_scheduler"
    private_endpoints = true
  }
  assert {
    condition     = module.policy.app_settings["DURABLE_TASK_SCHEDULER_CONNECTION_STRING"] == "Endpoint=https://mock.durabletask.example.com;TaskHub=gatewaydr;Authentication=ManagedIdentity;ClientID=00000000-0000-4000-8000-0000000000c1"
    error_message = "The scheduler is named by its own endpoint and reached with the identity."
  }
  assert {
    condition     = length(module.network.egress_addresses) == 0
    error_message = "Private endpoints need no public address."
  }
}

run "durable_task_scheduler_without_private_endpoints" {
  command = apply

  variables {
    durable_backend   = "durable_task_scheduler"
    private_endpoints = false
  }
  assert {
    condition     = module.policy.app_settings["DURABLE_TASK_SCHEDULER_CONNECTION_STRING"] == "Endpoint=https://mock.durabletask.example.com;TaskHub=gatewaydr;Authentication=ManagedIdentity;ClientID=00000000-0000-4000-8000-0000000000c1"
    error_message = "The scheduler is named by its own endpoint and reached with the identity."
  }
  assert {
    condition     = length(module.network.egress_addresses) == 1
    error_message = "PostgreSQL admits one address, so there must be one."
  }
}
