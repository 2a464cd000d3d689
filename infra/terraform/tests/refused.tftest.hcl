mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

mock_provider "azuread" {
  source = "./tests/mocks/azuread"
}

# The values of env/npr.tfvars; a Python test holds the two together.
variables {
  subscription_id = "00000000-0000-4000-8000-000000000011"
  tenant_id       = "00000000-0000-4000-8000-000000000001"

  environment = "NPR"
  unique      = "mv01"
  regions     = { primary = "westeurope", dr = "northeurope", witness = "swedencentral" }

  admins_group_object_id    = "00000000-0000-4000-8000-0000000000a1"
  operators_group_object_id = "00000000-0000-4000-8000-0000000000a2"
  database_admin_group      = { object_id = "00000000-0000-4000-8000-0000000000a3", name = "grp-gateway-npr-database" }
  oncall_emails             = { platform = "platform-oncall@example.com" }

  database = {
    zone_redundant               = false
    backup_retention_days        = 7
    geo_redundant_backup_enabled = false
  }
  function          = { memory_mb = 512 }
  kubernetes        = { min_nodes = 1, max_nodes = 2 }
  private_endpoints = false

  budget = { amount = 150, start = "2027-01-01T00:00:00Z" }
}

run "two_gateways_in_one_region_is_refused" {
  command = plan

  variables {
    regions = { primary = "westeurope", dr = "westeurope", witness = "swedencentral" }
  }
  expect_failures = [var.regions]
}

run "a_witness_in_a_gateways_region_is_refused" {
  command = plan

  variables {
    regions = { primary = "westeurope", dr = "northeurope", witness = "northeurope" }
  }
  expect_failures = [var.regions]
}

run "a_region_by_its_display_name_is_refused" {
  command = plan

  variables {
    regions = { primary = "West Europe", dr = "westeurope", witness = "swedencentral" }
  }
  expect_failures = [var.regions]
}

run "an_environment_the_runbook_does_not_know_is_refused" {
  command = plan

  variables {
    environment = "DEV"
  }
  expect_failures = [var.environment]
}

run "an_unknown_durable_backend_is_refused" {
  command = plan

  variables {
    durable_backend = "netherite"
  }
  expect_failures = [var.durable_backend]
}

run "one_always_ready_instance_is_refused" {
  command = plan

  variables {
    function = { always_ready = { http = 1 } }
  }
  expect_failures = [var.function]
}

run "a_database_connection_that_trusts_anybody_is_refused" {
  command = plan

  variables {
    database = { sslmode = "require" }
  }
  expect_failures = [var.database]
}

run "a_pool_of_one_connection_is_refused" {
  command = plan

  variables {
    database = { pool_size = 1 }
  }
  expect_failures = [var.database]
}

run "a_schedule_of_five_fields_is_refused" {
  command = plan

  variables {
    schedules = { mirror = "*/5 * * * *" }
  }
  expect_failures = [var.schedules]
}

run "nobody_to_be_told_is_refused" {
  command = plan

  variables {
    oncall_emails = {}
  }
  expect_failures = [var.oncall_emails]
}

run "a_subscription_that_is_no_uuid_is_refused" {
  command = plan

  variables {
    subscription_id = "my-subscription"
  }
  expect_failures = [var.subscription_id]
}

run "a_tenant_that_is_no_uuid_is_refused" {
  command = plan

  variables {
    tenant_id = "my-tenant"
  }
  expect_failures = [var.tenant_id]
}

run "a_budget_that_starts_mid_month_is_refused" {
  command = plan

  variables {
    budget = { amount = 1, start = "2027-01-15T00:00:00Z" }
  }
  expect_failures = [var.budget]
}

run "an_unknown_exporter_of_traces_is_refused" {
  command = plan

  variables {
    traces = { exporter = "jaeger" }
  }
  expect_failures = [var.traces]
}

run "traces_over_otlp_need_an_endpoint" {
  command = plan

  variables {
    traces = { exporter = "otlp" }
  }
  expect_failures = [var.traces]
}
